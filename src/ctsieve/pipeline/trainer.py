"""Lightning's trainer as every run has it: logs, checkpoints, early stop, processes."""

from pathlib import Path

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy, Strategy

from ctsieve.learning.checkpoints import AtomicCheckpoints
from ctsieve.learning.history import History
from ctsieve.learning.task import TaskCard
from ctsieve.pipeline.launch import Machines
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.types.errors import MissingExtra

BEST, LAST = "best", "last"


def criterion_of(config: TrainConfig, card: TaskCard) -> tuple[str, str]:
    """The figure that chooses the weights, and which way is better."""
    if config.run.criterion:
        return config.run.criterion, config.run.better
    return card.criterion


def trainer_for(
    config: TrainConfig,
    out: Path,
    *,
    card: TaskCard,
    history: History,
    machines: Machines,
    progress: bool,
) -> Trainer:
    """Lightning's trainer with logs, checkpoints and an early stop."""
    name, better = criterion_of(config, card)
    run, folder = config.run, out / "checkpoints"
    callbacks: list[Callback] = [
        history,
        ModelCheckpoint(
            folder,
            filename=BEST,
            monitor=f"tune/{name}",
            mode=better,
            save_weights_only=True,
            enable_version_counter=False,
        ),
        ModelCheckpoint(folder, filename=LAST, enable_version_counter=False),
    ]
    if run.patience:
        stop = EarlyStopping(
            f"tune/{name}", mode=better, patience=run.patience, min_delta=run.min_delta
        )
        callbacks.append(stop)
    if progress:
        callbacks.append(TQDMProgressBar(refresh_rate=5))
    many = machines.processes > 1
    strategy: Strategy | str = DDPStrategy(find_unused_parameters=True) if many else "auto"
    return Trainer(
        accelerator=run.accelerator,
        devices=machines.devices,
        num_nodes=machines.nodes,
        strategy=strategy,
        plugins=[AtomicCheckpoints()],
        precision=run.precision,
        max_epochs=run.epochs,
        reload_dataloaders_every_n_epochs=1,
        check_val_every_n_epoch=run.validate_every,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
        use_distributed_sampler=False,
        sync_batchnorm=many and run.accelerator in ("gpu", "cuda"),
        deterministic="warn",
        logger=loggers(config, out),
        callbacks=callbacks,
        enable_progress_bar=progress,
        enable_model_summary=False,
    )


def loggers(config: TrainConfig, out: Path) -> list[Logger]:
    """CSV and TensorBoard always, MLflow where an address is given.

    Raises:
        MissingExtra: MLflow is asked for and not installed.
    """
    found: list[Logger] = [
        CSVLogger(out, name="logs", version=""),
        TensorBoardLogger(out, name="logs", version=""),
    ]
    if config.run.mlflow:
        try:
            flow = MLFlowLogger(config.model.name, tracking_uri=config.run.mlflow)
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "run.mlflow needs mlflow, which is not installed", hint="pip install mlflow"
            ) from error
        flow.log_hyperparams(config.model_dump(mode="json"))
        found.append(flow)
    return found
