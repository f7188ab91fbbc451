"""How the default bundle is made: cases become trained networks, and those one calibrated bundle.

Every paper's experiment, LA-DNN's own among them, is trained by `ctsieve.pipeline.train`.
walk, split, cache, train, calibrate, export, write: straight down the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import lightning
import torch

from ctsieve.learning.augment import Augmentation
from ctsieve.learning.checkpoints import require_room
from ctsieve.learning.feed import (
    Donors,
    FeedSettings,
    TrainingBatches,
    Views,
    plain_batches,
    targets,
)
from ctsieve.learning.feeding import FeedModule
from ctsieve.learning.folds import fold_sides, holding_out
from ctsieve.learning.history import History
from ctsieve.learning.la_dnn import LaDnnFeed, LaDnnTask
from ctsieve.learning.loop import Learner, OptimiserSettings
from ctsieve.learning.split import TRAIN, TUNE, require_both_sides
from ctsieve.models._imagenet import load_folded, load_from_torchvision, spread_statistics
from ctsieve.models.la_dnn import LESIONS, LaDnn, LaDnnConfig
from ctsieve.pipeline.collection import Collection, open_collection
from ctsieve.pipeline.dealing import dealt
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.leakage import accepted_split, split_from_file
from ctsieve.pipeline.quiet import quiet_lightning
from ctsieve.pipeline.release import Member, Trained, release
from ctsieve.pipeline.run_record import CURVES, draw_curves, record_split
from ctsieve.pipeline.trainer import LAST, Plan, local_logs, trainer_for
from ctsieve.types.cases import Case, Split

STATISTICS_STEPS = 4
"""First training batches whose statistics fill unfolded batch norm layers."""
LARGEST_GRADIENT = 5.0
"""Norm of all gradients together that a step is cut down to."""


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

    `out` also gets the settings, the split, logs (CSV and TensorBoard) and checkpoints.  With
    `resume` the run goes on after its last checkpoint, and ends as if never interrupted.

    Raises:
        UnreadableStudy: the collection is incomplete.
        Diverged: the loss is no longer a number.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")
    collection = open_collection(config, data, out / "cache")
    split = divide(config, collection.cases)
    record_split(out, split, data=config.data.sets)
    members = []
    for number, (name, own) in enumerate(held_out(split).items()):
        require_both_sides(own)
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
    split = dealt(section, cases, folds=config.run.folds)
    return accepted_split(split.name, split.sides, accept_leakage=section.accept_leakage)


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
    batches = training_batches(config, prepared)
    cases = prepared.split.sides[TUNE]
    tune = list(plain_batches(cases, prepared.tune, LESIONS))
    network = initial_network(config, batches, data)
    require_room(out.parent, sum(p.numel() for p in network.parameters()))
    learner = Learner(
        task_for(config, network, cases),
        optimisation(config),
        num_steps=len(batches),
        seed=config.run.seed,
        channels_last=config.run.channels_last,
    )
    history = History(out / CURVES, wrote=lambda rows: draw_curves(rows, out / "curves.png"))
    last = out / "checkpoints" / f"{LAST}.ckpt"
    feed = LaDnnFeed(batches, tune, steps_per_epoch=config.run.steps_per_epoch)
    with quiet_lightning():
        trainer = trainer_for(
            plan_of(config), out, callbacks=[history], logger=local_logs(out), progress=progress
        )
        trainer.fit(
            learner,
            datamodule=FeedModule(feed),
            ckpt_path=str(last) if resume and last.is_file() else None,
            weights_only=True,
        )
    return cast("LaDnn", learner.result)


def training_batches(config: FitConfig, prepared: Prepared) -> TrainingBatches:
    """All steps of the run, each a function of its number."""
    per_epoch = config.run.steps_per_epoch
    sizes = [s.size for s in config.run.stages for _ in range(s.epochs * per_epoch)]
    settings = FeedSettings(
        seed=config.run.seed,
        batch_size=config.run.batch_size,
        lesions=LESIONS,
        augmentation=Augmentation(),
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


def task_for(config: FitConfig, network: LaDnn, cases: Sequence[Case]) -> LaDnnTask:
    """How `network` learns; `cases` is its tune side."""
    section = config.optimiser
    return LaDnnTask(
        network,
        targets(cases, LESIONS).covid,
        loss="fixed",
        head_factor=section.head_factor,
        lesion_weight=section.lesion_weight,
        frozen_blocks=section.frozen_blocks,
    )


def optimisation(config: FitConfig) -> OptimiserSettings:
    """AdamW with warm-up and cosine."""
    section = config.optimiser
    return OptimiserSettings(
        kind="adamw",
        schedule="cosine",
        learning_rate=section.learning_rate,
        weight_decay=section.weight_decay,
        warmup=section.warmup,
        clip=LARGEST_GRADIENT,
        average=section.average,
    )


def plan_of(config: FitConfig) -> Plan:
    """What the trainer has to know."""
    run = config.run
    return Plan(
        epochs=sum(stage.epochs for stage in run.stages),
        validate_every=run.validate_every,
        criterion=("covid", "min"),
        keep_best=False,
        patience=run.patience,
        precision=run.precision,
        accelerator=run.accelerator,
        log_every=run.steps_per_epoch,
    )
