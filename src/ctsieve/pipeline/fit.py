"""The other job: cases become a trained network, and that becomes a bundle.

walk, split, cache, train, calibrate, export, write: straight down the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from ctsieve.learning.augment import PLAIN, Augmentation
from ctsieve.learning.datamodule import StepsDataModule
from ctsieve.learning.feed import (
    Donors,
    FeedSettings,
    TrainingBatches,
    Views,
    plain_batches,
)
from ctsieve.learning.folds import fold_by_patient, fold_sides, holding_out
from ctsieve.learning.module import LaDnnModule, Optimisation
from ctsieve.learning.split import TRAIN, TUNE, split_by_patient
from ctsieve.models._imagenet import load_folded, load_from_torchvision, spread_statistics
from ctsieve.models.la_dnn import LESIONS, LaDnn, LaDnnConfig
from ctsieve.pipeline.collection import Collection, open_collection
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.leakage import accepted_split, split_from_file
from ctsieve.pipeline.quiet import quiet_lightning
from ctsieve.pipeline.release import Member, Trained, release
from ctsieve.types.cases import Case, Split

STATISTICS_STEPS = 4
"""First training batches whose statistics fill unfolded batch norm layers."""
LAST = "last.ckpt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Cases on their sides, with their cached views."""

    split: Split
    train: Views
    tune: Views
    donors: Donors


def fit(
    config: FitConfig,
    out: Path,
    *,
    data: Path,
    resume: bool = False,
    progress: bool = False,
) -> Path:
    """Train as `config` says on the collection `data`; returns the bundle's folder under `out`.

    `out` also gets the settings, logs (CSV and TensorBoard) and checkpoints.  With `resume` the run
    goes on where its last checkpoint stands, and ends as if it had never been interrupted.

    Raises:
        UnreadableStudy: the collection is incomplete.
        Diverged: the loss is no longer a number.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")
    collection = open_collection(config, data, out / "cache")
    split = divide(config, collection.cases)
    members = []
    for number, (name, own) in enumerate(held_out(split).items()):
        run = config.run.model_copy(update={"seed": config.run.seed + number})
        network = train(
            config.model_copy(update={"run": run}),
            prepared(collection, own),
            out / name,
            data=data,
            resume=resume,
            progress=progress,
        )
        members.append(Member(network=network, split=own))
    trained = Trained(members=tuple(members), split=split, collection=collection)
    return release(trained, config, data=data, folder=out / config.bundle.name)


def divide(config: FitConfig, cases: Sequence[Case]) -> Split:
    """Sides "train" and "tune", or folds if the settings ask for them, of a file or dealt here.

    Raises:
        InputRejected: they leak and that is not accepted.
    """
    section = config.data
    if section.split:
        return split_from_file(Path(section.split), cases, accept_leakage=section.accept_leakage)
    dealt = deal(config, cases)
    return accepted_split(dealt.name, dealt.sides, accept_leakage=section.accept_leakage)


def deal(config: FitConfig, cases: Sequence[Case]) -> Split:
    """Sides or folds by patient, as the settings say."""
    section, name = config.data, "+".join(config.data.sets)
    if config.run.folds > 1:
        return fold_by_patient(
            cases,
            name=name,
            folds=config.run.folds,
            seed=section.split_seed,
            always_train=frozenset(section.always_train),
        )
    return split_by_patient(
        cases,
        name=name,
        tune_share=section.tune_share,
        seed=section.split_seed,
        always_train=frozenset(section.always_train),
        always_tune=frozenset(section.always_tune),
    )


def held_out(split: Split) -> dict[str, Split]:
    """The split of every network to train, by the name of its folder: one, or one a fold."""
    if TUNE in split.sides:
        return {TUNE: split}
    return {fold: holding_out(split, fold) for fold in fold_sides(split)}


def prepared(collection: Collection, split: Split) -> Prepared:
    """One network's cases with their views."""
    views, donors = collection.training(split.sides[TRAIN])
    tune = collection.judged(split.sides[TUNE])
    return Prepared(split=split, train=views, tune=tune, donors=donors)


def train(
    config: FitConfig,
    prepared: Prepared,
    out: Path,
    *,
    data: Path,
    resume: bool = False,
    progress: bool = False,
) -> LaDnn:
    """Train a network from its initial weights, or from the last checkpoint under `out`."""
    lightning.seed_everything(config.run.seed, workers=True, verbose=False)
    feed = training_batches(config, prepared)
    tune = list(plain_batches(prepared.split.sides[TUNE], prepared.tune, LESIONS))
    module = LaDnnModule(initial_network(config, feed, data), optimisation(config, len(feed)))
    with quiet_lightning():
        trainer = trainer_for(config, out, progress=progress)
    last = out / "checkpoints" / LAST
    with quiet_lightning():
        trainer.fit(
            module,
            datamodule=StepsDataModule(feed, tune, config.run.steps_per_epoch),
            ckpt_path=str(last) if resume and last.is_file() else None,
            weights_only=True,
        )
    return module.result


def training_batches(config: FitConfig, prepared: Prepared) -> TrainingBatches:
    """All steps of the run, each a function of its number."""
    per_epoch = config.run.steps_per_epoch
    sizes = [s.size for s in config.run.stages for _ in range(s.epochs * per_epoch)]
    settings = FeedSettings(
        seed=config.run.seed,
        batch_size=config.run.batch_size,
        lesions=LESIONS,
        augmentation=Augmentation() if config.run.augment else PLAIN,
        mixup=config.optimiser.mixup,
        smoothing=config.optimiser.smoothing,
        shares=config.data.shares,
        paste=config.data.paste,
        paste_onto=config.data.paste_onto,
    )
    cases = prepared.split.sides[TRAIN]
    return TrainingBatches(cases, prepared.train, settings, sizes, prepared.donors)


def initial_network(config: FitConfig, feed: TrainingBatches, data: Path) -> LaDnn:
    """The untrained network with its initial weights."""
    section = config.model
    network = LaDnn(
        LaDnnConfig(
            backbone=section.backbone,
            normalisation=section.normalisation,
            dropout=section.dropout,
        )
    )
    if section.initial == "torchvision":
        load_from_torchvision(network)
    if section.initial == "folded":
        load_folded(network, data / section.weights)
        count = min(STATISTICS_STEPS, config.run.steps_per_epoch)
        spread_statistics(network, torch.cat([feed[step].x for step in range(count)]))
    return network


def optimisation(config: FitConfig, num_steps: int) -> Optimisation:
    """The optimiser's settings for a run of `num_steps`."""
    section = config.optimiser
    return Optimisation(
        preset=section.preset,
        learning_rate=section.learning_rate,
        head_factor=section.head_factor,
        weight_decay=section.weight_decay,
        warmup=section.warmup,
        num_steps=num_steps,
        average=section.average,
        frozen_blocks=section.frozen_blocks,
        seed=config.run.seed,
    )


def trainer_for(config: FitConfig, out: Path, *, progress: bool) -> Trainer:
    """Lightning's trainer with logs, checkpoints and an early stop."""
    every = config.run.validate_every
    callbacks: list[Callback] = [
        ModelCheckpoint(
            out / "checkpoints", filename=Path(LAST).stem, enable_version_counter=False
        ),
        EarlyStopping("tune/covid", patience=config.run.patience, check_finite=False),
    ]
    if progress:
        callbacks.append(TQDMProgressBar(refresh_rate=5))
    return Trainer(
        accelerator=config.run.accelerator,
        devices=1,
        precision=config.run.precision,
        max_epochs=sum(stage.epochs for stage in config.run.stages),
        reload_dataloaders_every_n_epochs=1,
        check_val_every_n_epoch=every,
        num_sanity_val_steps=0,
        log_every_n_steps=config.run.steps_per_epoch,
        gradient_clip_val=5.0,
        deterministic=True,
        logger=[
            CSVLogger(out, name="logs", version=""),
            TensorBoardLogger(out, name="logs", version=""),
        ],
        callbacks=callbacks,
        enable_progress_bar=progress,
        enable_model_summary=False,
    )
