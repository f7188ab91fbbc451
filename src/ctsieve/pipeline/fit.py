"""The other job: cases become a trained network, and that becomes a bundle.

walk, split, cache, train, calibrate, export, write: straight down the page.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from ctsieve.datasets import DATASETS
from ctsieve.learning.augment import PLAIN, Augmentation
from ctsieve.learning.datamodule import StepsDataModule
from ctsieve.learning.feed import (
    Batch,
    Donors,
    FeedSettings,
    TrainingBatches,
    Views,
    cached_donors,
    cached_views,
    plain_batches,
)
from ctsieve.learning.module import LaDnnModule, Optimisation
from ctsieve.learning.split import TRAIN, TUNE, split_by_patient
from ctsieve.models._imagenet import load_folded, load_from_torchvision, spread_statistics
from ctsieve.models.la_dnn import LESIONS, LaDnn, LaDnnConfig, LaDnnMean
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.release import Trained, release
from ctsieve.types.cases import Case, Split

STATISTICS_STEPS = 4
"""First training batches whose statistics fill unfolded batch norm layers."""
LAST = "last.ckpt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Cases on their sides, with their cached views."""

    split: Split
    train: Views
    tune: Views | None
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
    prepared = prepare_data(config, data, out / "cache")
    first, again = out / "measured", out / "refit"
    measured = train_members(config, prepared, first, data=data, resume=resume, progress=progress)
    shipped = measured
    if config.run.refit:
        whole = refit_data(config, prepared.split, out / "cache")
        shipped = train_members(config, whole, again, data=data, resume=resume, progress=progress)
    return release(
        Trained(measured=measured, shipped=shipped),
        config,
        prepared.split,
        data=data,
        folder=out / config.bundle.name,
    )


def prepare_data(config: FitConfig, data: Path, cache: Path) -> Prepared:
    """Walk, split by patient, and open every image once."""
    split = split_by_patient(
        cases_of(config.data.sets, data),
        name="+".join(config.data.sets),
        tune_share=config.data.tune_share,
        seed=config.data.split_seed,
        always_train=frozenset(config.data.always_train),
        always_tune=frozenset(config.data.always_tune),
    )
    larger = config.input.model_copy(update={"size": (config.cache_size, config.cache_size)})
    windows = config.windows
    return Prepared(
        split=split,
        train=cached_views(split.sides[TRAIN], larger, windows=windows, folder=cache),
        tune=cached_views(
            split.sides[TUNE], config.input, windows=[config.input.window], folder=cache
        ),
        donors=cached_donors(split.sides[TRAIN], larger, folder=cache),
    )


def refit_data(config: FitConfig, split: Split, cache: Path) -> Prepared:
    """All cases of both sides as training cases, and nothing to tune on."""
    cases = tuple(case for side in split.sides.values() for case in side)
    larger = config.input.model_copy(update={"size": (config.cache_size, config.cache_size)})
    return Prepared(
        split=Split(name=split.name, sides={TRAIN: cases, TUNE: ()}),
        train=cached_views(cases, larger, windows=config.windows, folder=cache),
        tune=None,
        donors=cached_donors(cases, larger, folder=cache),
    )


def cases_of(sets: Sequence[str], data: Path) -> Iterator[Case]:
    """The cases of some data sets, one after another."""
    for name in sets:
        yield from DATASETS[name].walk(data)


def train_members(
    config: FitConfig,
    prepared: Prepared,
    out: Path,
    *,
    data: Path,
    resume: bool = False,
    progress: bool = False,
) -> LaDnn | LaDnnMean:
    """Train `members` networks, each from a seed of its own in `out`/seed-<seed>."""
    members = []
    for seed in range(config.run.seed, config.run.seed + config.run.members):
        own = config.model_copy(update={"run": config.run.model_copy(update={"seed": seed})})
        folder = out / f"seed-{seed}"
        members.append(train(own, prepared, folder, data=data, resume=resume, progress=progress))
    return members[0] if len(members) == 1 else LaDnnMean(members)


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
    tune: list[Batch] = []
    if prepared.tune is not None:
        tune = list(plain_batches(prepared.split.sides[TUNE], prepared.tune, LESIONS))
    module = LaDnnModule(initial_network(config, feed, data), optimisation(config, len(feed)))
    with quiet_lightning():
        trainer = trainer_for(config, out, progress=progress, validate=bool(tune))
    last = out / "checkpoints" / LAST
    with quiet_lightning():
        trainer.fit(
            module,
            datamodule=StepsDataModule(feed, tune, config.run.steps_per_epoch),
            ckpt_path=str(last) if resume and last.is_file() else None,
            weights_only=True,
        )
    return module.result


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Without Lightning's advertisements and its warnings about itself; errors still come."""
    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


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


def trainer_for(config: FitConfig, out: Path, *, progress: bool, validate: bool = True) -> Trainer:
    """Lightning's trainer with logs, checkpoints and an early stop."""
    every = config.run.validate_every
    callbacks: list[Callback] = [
        ModelCheckpoint(
            out / "checkpoints", save_last=True, save_top_k=0, enable_version_counter=False
        ),
    ]
    if validate:
        stop = EarlyStopping("tune/covid", patience=config.run.patience, check_finite=False)
        callbacks.append(stop)
    if progress:
        callbacks.append(TQDMProgressBar(refresh_rate=5))
    return Trainer(
        accelerator=config.run.accelerator,
        devices=1,
        precision=config.run.precision,
        max_epochs=sum(stage.epochs for stage in config.run.stages),
        reload_dataloaders_every_n_epochs=1,
        check_val_every_n_epoch=every,
        limit_val_batches=1.0 if validate else 0,
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
