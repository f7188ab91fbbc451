"""The study as a page of the documentation: what was done, what came out, the curves."""

import csv
import datetime as dt
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmarks.study.attention import RATES, judged
from benchmarks.study.attention import SEEDS as ATTENTION_SEEDS
from benchmarks.study.cohorts import COHORTS
from benchmarks.study.experiments import FAMILIES
from benchmarks.study.lesions import SETTINGS
from benchmarks.study.running import Measured, Row, rows_of
from ctsieve.evaluation.ranking import auc

CURVES = "study-curves.svg"
ACROSS, PANEL = 4, (2.6, 1.9)
NAMES = {"auc": "tune AUC", "lesion_map": "lesion mAP"}
CHANCE = 0.5
COLOURS = {"auc": "#0b6e99", "lesion_map": "#b3541e"}


def write_page(out: Path, page: Path) -> None:
    """Write `page` and, beside it in figures/, the curves."""
    rows = rows_of(out)
    figures = page.parent / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    draw(rows, out, figures / CURVES)
    parts = [HEAD.format(machine=machine(), day=dt.datetime.now(tz=dt.UTC).date())]
    parts += [levels(rows), attention_part(out), lesions_part(out)]
    page.write_text("\n".join(parts), encoding="utf-8")


HEAD = """# What training was shown to do

Written by `python -m benchmarks.study` (`make study`).
One core of {machine}, which had other work; {day}.

## Every family to a named level, on phantoms

Each family is trained by its own task from its paper's file under `configs/`, changed by `--set`
alone: pictures of 64 or 96 pixels, scans of 20 slices, some hundred steps, one seed. Phantoms are
drawn patients whose truth is exact: normal, COVID-19, lobar pneumonia. The levels are a tune AUC of
0.9 (COVID-19 against the others) and a lesion mAP of 0.3 (mean over IoU from 0.5 to 0.95, image by
image). **They show that the loop, the losses and the checkpoints work; they say nothing of
patients.** The epoch was chosen on the very tune patients that the figures are of.

Where a paper starts from ImageNet weights, the network starts from a plain one of this table, which
learned from nothing: `resnet18` for the detectors, of which the layers up to stride 8 remain;
`googlenet` for the series, `resnet50` for ATT2, both from slices of every height of the lungs of
200 other patients. Detectors that also classify start from one of this table that finds lesions,
as far as its tensors fit: `mask-rcnn` for One Shot with two kinds of lesion, `mask-net-stage-1` for
`single-shot` and `mask-net-stage-2`, `single-shot` for `one-shot-affinity`; so their lesion mAP is
not of their own training alone. `la-dnn` has MobileNetV2 in place of DenseNet169.
Intervals: 95 %, from {draws} draws of whole tune patients. Processor seconds hold the
decoding of images that no earlier row had decoded.

Lesions are not at every height, so the height of a slice alone tells COVID-19, too: with an AUC of
0.74 in the slices that `googlenet`, `resnet50` and `resnet50-att2` learn from, of 0.82 in the
pictures of the others (five folds of patients). A level of 0.9 is above both; in whole scans, where
all have every height, there is no such help.

Five things decided whether a family reached its level:

- **Sharpness.** Training had to be as sharp as screening
  ([why](../decisions/0019-training-as-sharp-as-screening.md)): before, the same settings took
  `series-bilstm` from a tune AUC of 0.95 after one epoch to 0.20 after five.
- **Height.** Scans hold the ends of the lungs, the shoulders and the liver. An ATT2 that had
  learned from the slices with most to see alone (tune AUC 0.89 to 0.93 on such slices) told scans
  by chance: by their highest slice with an AUC of 0.50, and by `resnet50-lstm-att2` on its features
  of 0.34 to 0.40. A `resnet50` of such slices has 0.68 on slices of every height. COVIDx CT has
  every height, and so have the slices that ATT2 now learns from.
- **Two losses in turn** undo something of each other. `single-shot` at 3e-4 had after three epochs
  a tune AUC of 0.62 and had lost its lesions; at 1e-4, with averaged weights
  (`optimiser.average`), it has both.
- **Patience with a maximum.** The gradient of `series-maxpool` comes from one slice a scan: its
  tune AUC was above 0.9 after three epochs, 0.5 after ten, and 0.98 to 1.00 from the 27th on.
- **Depth without a shortcut.** The authors' affinity layer applies one sieve nine times, from
  random weights; of some 240 images it let nothing through (tune AUC between 0.40 and 0.65,
  whatever it started from). Applied once, as in the models with LSTMs, it learns.

A detector that classifies has, in the paper's preset, several answers for one image: it repeats
regions at random, as its authors do. Its row is of one draw (tune losses of `mask-net-stage-2` on
the same weights: 0.34 and 0.27).
""".replace("{draws}", "1,000")


def machine() -> str:
    """Kind of processor, without the machine's name."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")
    return f"an {model or platform.machine()}" if (model or "x")[0] in "AEIO" else f"a {model}"


def levels(rows: dict[str, Row]) -> str:
    """The table of families."""
    lines = [
        "| family | tune AUC | lesion mAP | tune patients (cases) | train cases | best epoch | "
        "processor s | level |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for family in FAMILIES:
        row = rows.get(family.name)
        if row is None:
            lines.append(f"| `{family.name}` | | | | | | | not run |")
        else:
            lines.append(_line(row))
    return "\n".join([*lines, "", f"![curves of every family](figures/{CURVES})", ""])


def _line(row: Row) -> str:
    by_name = {figure.name: figure for figure in row.figures}
    cells = [
        f"`{row.name}`",
        *(_words(by_name.get(name)) for name in NAMES),
        f"{row.patients} ({row.cases})",
        str(row.train_cases),
        f"{row.epoch} of {row.epochs}",
        "" if row.cpu_seconds is None else str(row.cpu_seconds),
        ("reached" if row.reached else "**not reached**") + (row.note and f"; {row.note}"),
    ]
    return f"| {' | '.join(cells)} |"


def _words(figure: Measured | None) -> str:
    return "" if figure is None else f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def attention_part(out: Path) -> str:
    """Attention against none."""
    cohort = COHORTS["focal"].config
    text = f"""## Attention against none, where disease sits in few slices

All start from one network of single slices, `googlenet-focal`, as the papers' start from ImageNet
weights. Two earlier starts had only learned the height in the chest: one's healthy slices were
those of healthy patients, the other's stood at a few heights of their own. They told such slices
with an AUC of 0.94 to 0.96 and whole scans by chance, as did all four models after them. Now
healthy slices are drawn at any height.

Phantom scans of {cohort.num_slices} slices; the ill have one patch of consolidation of 15 to 40 ml,
which three to six slices show. 96 patients to train, 64 to choose the epoch, and the AUC of
{COHORTS["focal-held-out"].number - 2} patients of another cohort, on which nothing was fitted or
chosen. {len(ATTENTION_SEEDS)} seeds, the same patients for all; 6 epochs at 80 x 80,
the epoch with the best tune AUC. Intervals: 95 %, from 2,000 draws of patients and seeds.

| with attention, and without | AUC with | AUC without | difference | seed by seed | says |
|---|---|---|---|---|---|
"""
    found = _read(out / "attention.json")
    if not found:
        return text + "| not run | | | | | |\n"
    table = "".join(_difference(name, one) for name, one in found.items())
    return f"{text}{table}\nAUC of the held-out patients, seed by seed: {_by_seed(out)}.\n"


def _by_seed(out: Path) -> str:
    """What every training came to: a mean hides one that did not learn."""
    said = []
    for model in RATES:
        kept = [judged(model, seed, out) for seed in ATTENTION_SEEDS]
        areas = ", ".join(f"{auc(one.probability, one.positive):.3f}" for one in kept)
        said.append(f"{model} {areas}")
    return "; ".join(said)


def lesions_part(out: Path) -> str:
    """LA-DNN with its lesion task and without."""
    found = _read(out / "lesions.json")
    shown = " \\\n".join(f'      --set "{setting}"' for setting in SETTINGS)
    number = f"{found['cases']} pictures of {found['patients']}" if found else "The pictures of"
    text = f"""
## LA-DNN with and without its lesion task, on COVID-CT

{number} patient groups (patients of one paper are one group). Five seeds, each with a fifth of the
groups held out: every picture is judged once by a network of each way, which saw neither its
patient nor its paper; nothing was tuned. MobileNetV2 from ImageNet weights, 80 steps of 32 pictures
of 128 x 128. "Without": `--set optimiser.lesion_weight=0`. Intervals: 95 %, from 2,000 draws of
groups and seeds.

| | AUC with | AUC without | difference | seed by seed | says |
|---|---|---|---|---|---|
"""
    line = _difference("lesion task", found) if found else "| not run | | | | | |\n"
    return f"{text}{line}\nSettings:\n\n    ctsieve fit configs/la-dnn-default.toml \\\n{shown}\n"


def _difference(name: str, found: dict[str, Any]) -> str:
    one, two, both = (found[key] for key in ("first", "second", "difference"))
    says = "no difference is shown"
    if one[1] <= CHANCE <= one[2] and two[1] <= CHANCE <= two[2]:
        says = "neither has learned: nothing is shown"
    elif both[1] > 0.0:
        says = "better with"
    elif both[2] < 0.0:
        says = "worse with"
    seeds = ", ".join(f"{value:+.3f}" for value in found["by_seed"])
    return (
        f"| {name} | {_interval(one)} | {_interval(two)} | {_interval(both, '+')} "
        f"| {seeds} | {says} |\n"
    )


def _interval(values: Sequence[float], sign: str = "") -> str:
    value, low, high = (format(v, f"{sign}.3f") for v in values)
    return f"{value} ({low} to {high})"


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def draw(rows: dict[str, Row], out: Path, file: Path) -> None:
    """One panel for each family: the figures that have a level, epoch by epoch."""
    shown = [rows[family.name] for family in FAMILIES if family.name in rows]
    down = max(1, -(-len(shown) // ACROSS))
    with mpl.rc_context(
        {
            "font.size": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "svg.hashsalt": "study",
        }
    ):
        figure = Figure(figsize=(PANEL[0] * ACROSS, PANEL[1] * down), layout="constrained")
        for place, row in enumerate(shown, start=1):
            axes = figure.add_subplot(down, ACROSS, place)
            _panel(axes, row, out / row.name / "curves.csv")
        figure.savefig(file, metadata={"Date": None})


def _panel(axes: Any, row: Row, curves: Path) -> None:  # noqa: ANN401  # matplotlib's Axes
    with curves.open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    for figure in row.figures:
        points = [
            (float(r["epoch"]), float(r[f"tune/{figure.name}"]))
            for r in table
            if r.get(f"tune/{figure.name}")
        ]
        colour = COLOURS[figure.name]
        axes.plot(*zip(*points, strict=True), color=colour, marker=".", label=NAMES[figure.name])
        axes.axhline(figure.level, color=colour, linestyle=":", linewidth=1)
    axes.set_ylim(0, 1.03)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(row.name, loc="left", fontsize=8)
    axes.set_xlabel("epoch")
    axes.legend(frameon=False, loc="lower right", fontsize=7)
