"""Train a model of any family: cases become a run folder with the best weights.

walk, split, prepare, build, train, keep: straight down the page, no branch on the family.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import numpy.typing as npt
from safetensors.torch import save_file
from torch import nn

from ctsieve.datasets import dataset
from ctsieve.evaluation.per_image_ap import IOU_THRESHOLDS, MaskSet, image_ap
from ctsieve.learning.checkpoints import require_room
from ctsieve.learning.draws import require_every_class
from ctsieve.learning.feeding import FeedModule
from ctsieve.learning.folds import fold_name, holding_out
from ctsieve.learning.history import History, Row
from ctsieve.learning.loop import Learner
from ctsieve.learning.prepare import PrepareRun, prepare_cases
from ctsieve.learning.prepared import MANIFEST, PreparedCases, open_prepared, order_digest
from ctsieve.learning.split import TRAIN, TUNE, require_both_sides
from ctsieve.learning.task import Material, Side, TaskCard
from ctsieve.learning.tasks import task_of
from ctsieve.learning.views import PrepareSettings
from ctsieve.pipeline.architecture import WEIGHTS, build_network, to_cpu
from ctsieve.pipeline.dealing import dealt
from ctsieve.pipeline.kept_back import refuse_locked
from ctsieve.pipeline.launch import ONE, Machines, rank
from ctsieve.pipeline.leakage import accepted_split, split_from_file
from ctsieve.pipeline.quiet import quiet_lightning
from ctsieve.pipeline.run_record import (
    CURVES,
    draw_curves,
    write_config,
    write_record,
    write_result,
)
from ctsieve.pipeline.settings import checked
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.pipeline.trainer import LAST, criterion_of, loggers, plan_of, take_best, trainer_for
from ctsieve.types.cases import Case, Split
from ctsieve.types.errors import InputRejected, OutOfResources, UsageError

SHARD_VIEWS = 256
WAIT_SECONDS = 0.5


def train(
    config: TrainConfig,
    out: Path,
    *,
    data: Path,
    resume: bool = False,
    progress: bool = False,
    machines: Machines = ONE,
) -> Path:
    """Train as `config` says on the data sets under `data`; returns the file of the best weights.

    `out` becomes a run folder (`ctsieve.pipeline.run_record`).  With `resume` the run goes on after
    its last checkpoint and ends as if it had never been interrupted, bit for bit on a CPU.

    Raises:
        UsageError: a setting does not fit, or `out` holds another run.
        InputRejected: a class or the training side is empty, or an image cannot be read.
        Diverged: the loss is no longer a number; the last checkpoint is intact.
        OutOfResources: the disk is full; the last checkpoint is intact.
    """
    card = task_of(config.model.name)
    settings = checked(card.settings, config.task, below="task")
    lightning.seed_everything(config.run.seed, workers=True, verbose=False)
    network = build_network(config.model, config.data.labels, folder=out.parent)
    cases = configured_cases(config, data)
    split = given_split(config, cases, data) if config.data.split else divide(config, cases)
    require_both_sides(split)
    if settings.classifies:
        require_every_class(split.sides, config.data.labels)
    if rank() == 0:
        write_config(out, config)
    material, digest = gather(config, split, out, data=data)
    if rank() == 0:
        require_room(out, sum(p.numel() for p in network.parameters()))
        write_record(out, config, split, data_digest=digest)
    task, feed = card.build(network, settings, material)
    if config.run.compile:
        network.compile()
    learner = Learner(
        task,
        config.optimiser,
        num_steps=config.run.epochs * feed.steps_per_epoch,
        seed=config.run.seed,
        channels_last=config.run.channels_last,
    )
    history = History(out / CURVES, wrote=lambda rows: draw_curves(rows, out / "curves.png"))
    last = out / "checkpoints" / f"{LAST}.ckpt"
    with quiet_lightning():
        trainer = trainer_for(
            plan_of(config, card),
            out,
            callbacks=[history],
            logger=loggers(config, out),
            machines=machines,
            progress=progress,
        )
        trainer.fit(
            learner,
            datamodule=FeedModule(feed, workers=config.run.workers),
            ckpt_path=str(last) if resume and last.is_file() else None,
            weights_only=True,
        )
    if trainer.is_global_zero:
        keep_best(learner, history, config, card=card, out=out)
    return out / WEIGHTS


def configured_cases(config: TrainConfig, data: Path) -> tuple[Case, ...]:
    """The cases of the configured kinds that are trusted at all.

    Raises:
        InputRejected: there is none.
    """
    walked = walked_cases(config, data)
    cases = tuple(case for case in walked if case.kind in config.data.kinds and case.weight > 0.0)
    if not cases:
        kinds = ", ".join(config.data.kinds)
        raise InputRejected(
            f"none of {len(walked)} cases is a {kinds}",
            hint="check data.sets, data.kinds and --data",
        )
    return cases


def walked_cases(config: TrainConfig, data: Path) -> tuple[Case, ...]:
    """All cases of the configured data sets, none of them kept back for judging."""
    cases = tuple(case for name in config.data.sets for case in dataset(name).walk(data))
    refuse_locked(cases, data)
    return cases


def given_split(config: TrainConfig, cases: Sequence[Case], data: Path) -> Split:
    """Sides "train" and "tune" of `cases` from the configured split file.

    Raises:
        UsageError: it is no split file that can be trained on.
        InputRejected: the data are not those it was made for, or it leaks unaccepted.
    """
    section = config.data
    split = split_from_file(
        Path(section.split),
        walked_cases(config, data),
        accept_leakage=section.accept_leakage,
        only={case.id for case in cases},
    )
    return split if TUNE in split.sides else holding_out(split, fold_name(section.fold - 1))


def divide(config: TrainConfig, cases: Sequence[Case]) -> Split:
    """Sides "train" and "tune", dealt as the settings say.

    Raises:
        InputRejected: they leak and that is not accepted.
    """
    split = deal(config, cases)
    return accepted_split(split.name, split.sides, accept_leakage=config.data.accept_leakage)


def deal(config: TrainConfig, cases: Sequence[Case]) -> Split:
    """Sides by patient, as the settings say."""
    section = config.data
    split = dealt(section, cases, folds=section.folds)
    return holding_out(split, fold_name(section.fold - 1)) if section.folds > 1 else split


def gather(config: TrainConfig, split: Split, out: Path, *, data: Path) -> tuple[Material, str]:
    """Both sides, decoded once: large enough to cut from for training, exact for the tune side."""
    exact = PrepareSettings(
        input=config.input,
        windows=(config.input.window,),
        slices=config.data.slices,
        box=config.data.box,
    )
    size = (config.cache_size, config.cache_size) if config.cache_size else config.input.size
    large = exact.model_copy(
        update={
            "input": config.input.model_copy(update={"size": size}),
            "windows": config.windows,
        }
    )
    train = decoded(split.sides[TRAIN], large, config, out=out, data=data)
    tune = decoded(split.sides[TUNE], exact, config, out=out, data=data)
    material = Material(
        train=_whole(train),
        tune=_whole(tune),
        labels=config.data.labels,
        size=config.input.size,
        seed=config.run.seed,
        batch_size=config.run.batch_size,
        piece_size=config.run.pieces,
        steps_per_epoch=config.run.steps_per_epoch,
        mask_ap=mask_ap,
    )
    return material, f"{train.digest}:{tune.digest}"


def _whole(prepared: PreparedCases) -> Side:
    return Side(prepared=prepared, index=np.arange(len(prepared.cases)))


def decoded(
    cases: Sequence[Case],
    settings: PrepareSettings,
    config: TrainConfig,
    *,
    out: Path,
    data: Path,
) -> PreparedCases:
    """Cases as bytes, from an earlier run of the same folder where there was one.

    The first process makes them, the others wait.
    """
    folder = out / "cache" / order_digest(cases, settings, SHARD_VIEWS)[:16]
    if rank() == 0:
        prepare_cases(
            cases,
            folder,
            settings,
            run=PrepareRun(
                data="+".join(config.data.sets),
                root=data,
                workers=config.run.prepare_workers,
                shard_views=SHARD_VIEWS,
            ),
        )
    while not (folder / MANIFEST).is_file():
        time.sleep(WAIT_SECONDS)
    return open_prepared(folder)


def mask_ap(found: Mapping[str, npt.NDArray[Any]], true: Mapping[str, npt.NDArray[Any]]) -> float:
    """The papers' average precision of one image, the mean over IoU from 0.5 to 0.95."""
    return float(image_ap(MaskSet(**found), MaskSet(**true), thresholds=IOU_THRESHOLDS).mean())


def keep_best(
    learner: Learner, history: History, config: TrainConfig, *, card: TaskCard, out: Path
) -> None:
    """Write the weights of the best epoch, from its checkpoint, and their figures.

    Raises:
        UsageError: no epoch has the criterion.
    """
    name, better = criterion_of(config, card)
    rows = [row for row in history.rows if np.isfinite(row.get(f"tune/{name}", np.nan))]
    if not rows:
        figures = ", ".join(n.partition("/")[2] for n in history.rows[-1] if n[:5] == "tune/")
        raise UsageError(
            f"no epoch has the tune figure {name!r}", hint=f"run.criterion can be: {figures}"
        )
    chosen: Row = (min if better == "min" else max)(rows, key=lambda row: row[f"tune/{name}"])
    take_best(learner, out)
    save(learner.result, out / WEIGHTS)
    write_result(out, chosen, out / WEIGHTS)


def save(network: nn.Module, path: Path) -> None:
    """Weights as safetensors.

    Raises:
        OutOfResources: there is no room.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        save_file(to_cpu(network.state_dict()), part)
        part.replace(path)
    except OSError as error:
        raise OutOfResources(f"{path.name} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
