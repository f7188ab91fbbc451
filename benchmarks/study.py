"""Every family trained end to end on phantoms, from its paper's settings shrunk by --set alone.

    python -m benchmarks.study --out study [--only resnet50-att2 ...]

Writes study/table.md and a run folder with curves for each.  A family reaches its level or the
table says that it does not.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ctsieve.phantoms.cohort import CohortConfig, make_cohort
from ctsieve.pipeline.experiment import RunOptions, read_recipe

CONFIGS = Path(__file__).parent.parent / "configs"
AUC, LESIONS = ("tune/auc", 0.9), ("tune/lesion_map", 0.3)

PICTURES = ("data.sets=['phantom']", "data.kinds=['picture']", "data.box=false")
SCANS = ("data.sets=['phantom']", "data.kinds=['volume']", "data.box=false")
COMMON = ("model.initial=random", "run.accelerator=cpu", "run.seed=1", "run.precision=32-true")
SMALL = ("input.size=[96, 96]", *COMMON)
NARROW = (
    "model.settings.detector.backbone.name=resnet18",
    "model.settings.detector.backbone.channels=64",
    "model.settings.detector.branches.box_features=64",
    "model.settings.detector.proposals.num_before=[200, 100]",
    "model.settings.detector.proposals.num_after=[60, 40]",
    "task.min_area=12",
    "task.naming=value",
    "task.only_segment=[]",
    "optimiser.learning_rate=3e-4",
)
"""From scratch at a rate thirty times the papers', which fine-tune ImageNet weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One row of the table."""

    name: str
    config: str
    cohort: str
    settings: tuple[str, ...]
    levels: tuple[tuple[str, float], ...]


def _slices(model: str, config: str = "slice-baseline", *more: str) -> Experiment:
    return Experiment(
        name=model,
        config=config,
        cohort="pictures",
        settings=(
            *(*PICTURES, *SMALL, f"model.name={model}"),
            *("run.epochs=12", "run.steps_per_epoch=12", "run.batch_size=16"),
            *more,
        ),
        levels=(AUC,),
    )


def _series(model: str, *more: str) -> Experiment:
    return Experiment(
        name=model,
        config=model,
        cohort="scans",
        settings=(
            *(*SCANS, *COMMON, "input.size=[64, 64]", "cache_size=72"),
            *("run.epochs=12", "run.batch_size=4", "run.piece_size=4"),
            *("model.settings.backbone=googlenet", "optimiser.learning_rate=3e-4"),
            *more,
        ),
        levels=(AUC,),
    )


def _detector(config: str, levels: Sequence[tuple[str, float]], *more: str) -> Experiment:
    return Experiment(
        name=config,
        config=config,
        cohort="pictures",
        settings=(
            *(*PICTURES, *SMALL, *NARROW),
            *("run.epochs=12", "run.steps_per_epoch=60", "run.batch_size=2", "run.piece_size=2"),
            *more,
        ),
        levels=tuple(levels),
    )


KINDS = "task.kinds=[[1, 3], [2]]"
MERGED = "task.kinds=[[1, 2, 3]]"
EXPERIMENTS = (
    _slices("resnet50-att2", "resnet50-att2"),
    _slices("resnet18", "slice-baseline", "optimiser.learning_rate=5e-4"),
    _slices("densenet121", "slice-baseline", "optimiser.learning_rate=5e-4"),
    _series("series-maxpool", "optimiser.learning_rate=3e-3", "run.epochs=30"),
    _series("series-bilstm"),
    _series("series-bilstm-attention"),
    _series("series-attention"),
    Experiment(
        name="resnet50-lstm-att2",
        config="resnet50-lstm-att2",
        cohort="scans",
        settings=(
            *(*SCANS, *SMALL, "task.length=8", "task.versions=4", "model.start="),
            *(
                "data.slices=lungs",
                "model.settings.num_slices=8",
                "run.epochs=20",
                "run.batch_size=8",
            ),
        ),
        levels=(AUC,),
    ),
    _detector("mask-rcnn", [LESIONS], KINDS),
    _detector("mask-net-stage-1", [LESIONS], MERGED),
    _detector("mask-net-stage-2", [AUC]),
    _detector("single-shot", [AUC, LESIONS], MERGED),
    _detector("one-shot-lstm-attention", [AUC, LESIONS], KINDS),
    _detector("one-shot-lstm", [AUC, LESIONS], KINDS),
    _detector("one-shot-affinity", [AUC, LESIONS], MERGED),
)
COHORTS = {
    "pictures": (45, CohortConfig(form="picture", pictures_each=3, num_slices=32, matrix=96)),
    "scans": (36, CohortConfig(form="dicom", num_slices=20, matrix=96)),
}


def run(experiment: Experiment, out: Path) -> dict[str, object]:
    """Train one family; its row."""
    number, cohort = COHORTS[experiment.cohort]
    data = out / experiment.cohort
    if not (data / "cases.csv").is_file():
        make_cohort(data, num_patients=number, seed=3, config=cohort)
    recipe = read_recipe(CONFIGS / f"{experiment.config}.toml", experiment.settings)
    folder = out / experiment.name
    start = time.monotonic()
    recipe.run(folder, RunOptions(data=data, resume=True))
    seconds = time.monotonic() - start
    figures = json.loads((folder / "result.json").read_text(encoding="utf-8"))["figures"]
    row: dict[str, object] = {"name": experiment.name, "seconds": round(seconds)}
    row |= {name: figures.get(name) for name in ("epoch", AUC[0], LESIONS[0])}
    reached = all(figures.get(name, 0.0) >= level for name, level in experiment.levels)
    return row | {"reached": reached}


def table(rows: Sequence[dict[str, object]]) -> str:
    """The rows as Markdown."""

    def number(value: object) -> str:
        return f"{value:.3f}" if isinstance(value, float) else ""

    lines = [
        "| family | tune AUC | lesion mAP | best epoch | seconds | level |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['name']} | {number(row[AUC[0]])} | {number(row[LESIONS[0]])} "
        f"| {row['epoch']} | {row['seconds']} | {'reached' if row['reached'] else 'not reached'} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all experiments, or those named, one after another."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("study"))
    parser.add_argument("--only", nargs="*", default=[])
    chosen = parser.parse_args()
    rows = []
    for experiment in EXPERIMENTS:
        if chosen.only and experiment.name not in chosen.only:
            continue
        rows.append(run(experiment, chosen.out))
        (chosen.out / "table.md").write_text(table(rows), encoding="utf-8")
        print(table(rows[-1:]).splitlines()[-1], flush=True)


if __name__ == "__main__":
    main()
