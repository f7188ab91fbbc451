"""Lightning's trainer as every run has it: logs, checkpoints, early stop, processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy, Strategy

from ctsieve.learning.checkpoints import AtomicCheckpoints
from ctsieve.learning.task import TaskCard
from ctsieve.pipeline.launch import ONE, Machines
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.types.errors import MissingExtra, UsageError

BEST, LAST = "best", "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a trainer has to know of a run, whichever settings it is made of."""

    epochs: int
    validate_every: int
    criterion: tuple[str, str]
    """Figure of the tune side, and "min" or "max"."""
    keep_best: bool
    """Keep the best epoch's weights beside the last checkpoint."""
    patience: int
    """Validations without a better criterion; 0: the run never stops early."""
    min_delta: float = 0.0
    precision: Literal["32-true", "bf16-mixed"]
    accelerator: str
    log_every: int
    """Steps."""


def criterion_of(config: TrainConfig, card: TaskCard) -> tuple[str, str]:
    """The figure that chooses the weights, and which way is better."""
    if config.run.criterion:
        return config.run.criterion, config.run.better
    return card.criterion


def plan_of(config: TrainConfig, card: TaskCard) -> Plan:
    """The plan of a family's settings."""
    run = config.run
    return Plan(
        epochs=run.epochs,
        validate_every=run.validate_every,
        criterion=criterion_of(config, card),
        keep_best=True,
        patience=run.patience,
        min_delta=run.min_delta,
        precision=run.precision,
        accelerator=run.accelerator,
        log_every=10,
    )


def trainer_for(
    plan: Plan,
    out: Path,
    *,
    callbacks: Sequence[Callback],
    logger: Sequence[Logger],
    machines: Machines = ONE,
    progress: bool = False,
) -> Trainer:
    """Lightning's trainer with checkpoints and an early stop."""
    many = machines.processes > 1
    strategy: Strategy | str = DDPStrategy(find_unused_parameters=True) if many else "auto"
    return Trainer(
        accelerator=plan.accelerator,
        devices=machines.devices,
        num_nodes=machines.nodes,
        strategy=strategy,
        plugins=[AtomicCheckpoints()],
        precision=plan.precision,
        max_epochs=plan.epochs,
        reload_dataloaders_every_n_epochs=1,
        check_val_every_n_epoch=plan.validate_every,
        num_sanity_val_steps=0,
        log_every_n_steps=plan.log_every,
        use_distributed_sampler=False,
        sync_batchnorm=many and plan.accelerator in ("gpu", "cuda"),
        deterministic="warn",
        logger=list(logger),
        callbacks=[*callbacks, *_keepers(plan, out / "checkpoints", progress=progress)],
        enable_progress_bar=progress,
        enable_model_summary=False,
    )


def take_best(learner: LightningModule, out: Path) -> None:
    """Give a learner the weights of the best epoch, from its checkpoint under `out`.

    Raises:
        UsageError: no epoch was judged.
    """
    file = out / "checkpoints" / f"{BEST}.ckpt"
    if not file.is_file():
        raise UsageError("no epoch was judged", hint="lower run.validate_every")
    learner.load_state_dict(AtomicCheckpoints().load_checkpoint(file)["state_dict"])


def _keepers(plan: Plan, folder: Path, *, progress: bool) -> list[Callback]:
    """What writes checkpoints, what stops, what shows how far it is."""
    name, better = plan.criterion
    monitored = f"tune/{name}"
    kept: list[Callback] = []
    if plan.keep_best:
        best = ModelCheckpoint(
            folder,
            filename=BEST,
            monitor=monitored,
            mode=better,
            save_weights_only=True,
            enable_version_counter=False,
        )
        kept.append(best)
    kept.append(ModelCheckpoint(folder, filename=LAST, enable_version_counter=False))
    if plan.patience:
        kept.append(
            EarlyStopping(monitored, mode=better, patience=plan.patience, min_delta=plan.min_delta)
        )
    if progress:
        kept.append(TQDMProgressBar(refresh_rate=5))
    return kept


def local_logs(out: Path) -> list[Logger]:
    """CSV and TensorBoard, in the run folder."""
    return [
        CSVLogger(out, name="logs", version=""),
        TensorBoardLogger(out, name="logs", version=""),
    ]


def loggers(config: TrainConfig, out: Path) -> list[Logger]:
    """CSV and TensorBoard always, MLflow where an address is given.

    Raises:
        MissingExtra: MLflow is asked for and not installed.
        UsageError: MLflow does not take the address.
    """
    found = local_logs(out)
    if config.run.mlflow:
        found.append(_mlflow(config, config.run.mlflow))
    return found


def _mlflow(config: TrainConfig, address: str) -> Logger:
    """The run as one of MLflow's, its settings told; the address is asked before training."""
    if find_spec("mlflow") is None:
        raise MissingExtra(
            "run.mlflow needs mlflow, which is not installed", hint="pip install 'ctsieve[mlflow]'"
        )
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  # an extra

    try:
        flow = MLFlowLogger(config.model.name, tracking_uri=address)
        flow.log_hyperparams(config.model_dump(mode="json"))
    except (MlflowException, ModuleNotFoundError) as error:
        said = str(error).partition(". ")[0]
        raise UsageError(
            f"MLflow does not log to {address!r}: {said}",
            hint="give the address of a server; a folder (file:...) needs the environment variable "
            "MLFLOW_ALLOW_FILE_STORE=true, a database the whole of mlflow",
        ) from error
    return flow
