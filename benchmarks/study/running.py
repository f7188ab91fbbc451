"""One training of the study: run it or go on with it, judge its weights again, keep its row.

A row is written when everything of it is known, so that a study that was stopped goes on after its
last row, and inside a training after its last epoch.
"""

import json
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.study.cohorts import cohort_folder, share_decoded
from benchmarks.study.experiments import Experiment
from ctsieve.evaluation.intervals import percentile_interval, wilson
from ctsieve.learning.task import Judged, Material, Task
from ctsieve.learning.tasks import task_of
from ctsieve.pipeline.run_record import CONFIG, RESULT, read_json
from ctsieve.pipeline.settings import checked
from ctsieve.pipeline.train import gather, train
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.pipeline.trained_bundle import split_of, trained_network
from ctsieve.types.cases import Case
from ctsieve.types.promise import promise

CONFIGS = Path(__file__).parents[2] / "configs"
DRAWS = 1000
NO_WIDTH = 1e-9
"""Where every draw is the same, Wilson's interval for as many patients takes its place."""
SAME = 5e-3
"""Figures judged again differ from the run's by rounding alone: batches of bfloat16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure of the tune side with its 95 % interval over patients, and its level."""

    name: str
    value: float
    low: float
    high: float
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one training came to."""

    name: str
    figures: tuple[Measured, ...]
    epoch: int
    epochs: int
    patients: int
    cases: int
    train_cases: int
    parameters: int
    cpu_seconds: int | None
    """Of an uninterrupted training, with the decoding of images that no earlier row decoded."""
    settings: tuple[str, ...]
    note: str = ""
    """What a reader has to know of a row that was made by earlier code."""

    @property
    def reached(self) -> bool:
        """Whether every figure is at its level."""
        return all(figure.value >= figure.level for figure in self.figures)


def rows_of(out: Path) -> dict[str, Row]:
    """All rows so far, by name."""
    found = {}
    for file in sorted((out / "rows").glob("*.json")):
        values = json.loads(file.read_text(encoding="utf-8"))
        values["figures"] = tuple(Measured(**figure) for figure in values["figures"])
        values["settings"] = tuple(values["settings"])
        found[file.stem] = Row(**values)
    return found


def run(experiment: Experiment, out: Path) -> Row:
    """Train one family from its config, or go on with it; its row is kept."""
    data = cohort_folder(experiment.cohort, out)
    config = TrainConfig.load(CONFIGS / f"{experiment.config}.toml", experiment.settings)
    folder = out / experiment.name
    share_decoded(folder, experiment.cohort, out)
    in_one_go, start = not (folder / "checkpoints").is_dir(), time.process_time()
    train(config, folder, data=data, resume=True)
    seconds = round(time.process_time() - start) if in_one_go else None
    again = judged_again(folder, data, repeats=experiment.repeats)
    return keep(_row(experiment, again, seconds), out)


def keep(row: Row, out: Path) -> Row:
    """Write a row that is complete."""
    file = out / "rows" / f"{row.name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(row), indent=1) + "\n", encoding="utf-8")
    return row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Again:
    """What the kept weights say of the tune side, and the task that makes figures of it."""

    config: TrainConfig
    task: Task[Any]
    material: Material
    judged: tuple[Judged, ...]
    figures: dict[str, float]
    """The run's own, of its best epoch."""


@torch.no_grad()
def judged_again(folder: Path, data: Path, *, repeats: bool = True) -> Again:
    """Load the weights of a run and judge its tune side once more.

    The figures must be those of the run's best epoch: a wrong checkpoint would show here.  Only
    where an image has several answers, and nothing `repeats`, they may differ.
    """
    config = checked(TrainConfig, read_json(folder / CONFIG))
    split = split_of(folder, config, data)
    card = task_of(config.model.name)
    material, _ = gather(config, split, folder, data=data)
    network = trained_network(folder, config)
    task, feed = card.build(network, checked(card.settings, config.task, below="task"), material)
    pieces = [feed.tune(number) for number in range(feed.num_tune)]
    torch.manual_seed(0)
    with lower_precision(config):
        judged = [row for piece in pieces for row in task.judge(network.eval(), piece)]
    figures = read_json(folder / RESULT)["figures"]
    for name, value in task.figures(judged).items() if repeats else ():
        kept = figures[f"tune/{name}"]
        promise(abs(value - kept) < SAME, f"{name} of the best epoch is {kept}, again {value}")
    return Again(config=config, task=task, material=material, judged=tuple(judged), figures=figures)


def lower_precision(config: TrainConfig) -> AbstractContextManager[Any]:
    """The precision that the run computed in."""
    if config.run.precision == "bf16-mixed":
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()


def _row(experiment: Experiment, again: Again, seconds: int | None) -> Row:
    tune, network = again.material.tune, again.task.model
    cases = tune.cases
    return Row(
        name=experiment.name,
        figures=tuple(
            measured(again.task, again.judged, cases, name, level)
            for name, level in experiment.levels
        ),
        epoch=int(again.figures["epoch"]),
        epochs=again.config.run.epochs,
        patients=len({case.patient for case in cases}),
        cases=len(tune),
        train_cases=len(again.material.train),
        parameters=sum(p.numel() for p in network.parameters()),
        cpu_seconds=seconds,
        settings=experiment.settings,
    )


def measured(
    task: Task[Any], judged: Sequence[Judged], cases: Sequence[Case], name: str, level: float
) -> Measured:
    """A figure with the interval that drawing whole patients gives."""
    patient = np.array([cases[row.case].patient for row in judged])
    random, names = np.random.default_rng(0), np.unique(patient)
    own = {one: np.flatnonzero(patient == one).tolist() for one in names}
    drawn = []
    for _ in range(DRAWS):
        chosen = random.choice(names, len(names))
        rows = [judged[i] for one in chosen for i in own[one]]
        drawn.append(task.figures(rows).get(name, np.nan))
    low, high = percentile_interval(np.array(drawn))
    value = task.figures(judged)[name]
    if high - low < NO_WIDTH:
        low, high = wilson(value * len(names), len(names))
    return Measured(name=name, value=value, low=low, high=high, level=level)
