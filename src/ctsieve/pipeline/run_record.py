"""What a run folder says of the run: settings, digests, environment, seeds, revision, curves.

config.json            the settings as they were used
run.json               digests of settings, split and bytes; environment; seed; revision
split.json             every case's side, a split file
curves.csv, curves.png figures of every epoch
logs/                  the same for TensorBoard, and as CSV
checkpoints/           best.ckpt and last.ckpt
weights.safetensors    the best weights: what the run is for
result.json            their epoch and figures, and their SHA-256
"""

import json
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ctsieve.learning.history import Row
from ctsieve.learning.split_file import write_split
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.types.cases import Split
from ctsieve.types.errors import UsageError
from ctsieve.types.provenance import file_digest
from ctsieve.version import __version__

CONFIG, RUN, SPLIT, RESULT = "config.json", "run.json", "split.json", "result.json"
CURVES = "curves.csv"
PACKAGES = ("torch", "torchvision", "lightning", "numpy", "scipy", "scikit-image")
PANEL = (4.6, 3.4)
"""Inches of a panel of the curves."""


def write_record(out: Path, config: TrainConfig, split: Split, *, data_digest: str) -> None:
    """What is known before the first step."""
    record_split(out, split, data=config.data.sets)
    _write(
        out / RUN,
        {
            "software": f"ctsieve {__version__}",
            "revision": revision(),
            "config_digest": config.digest,
            "split_digest": split.digest,
            "data_digest": data_digest,
            "seed": config.run.seed,
            "environment": environment(),
        },
    )


def record_split(out: Path, split: Split, *, data: tuple[str, ...]) -> None:
    """The sides of a run, as a split file that `ctsieve evaluate --split` reads."""
    write_split(split, out / SPLIT, data=data, method="as a run dealt or was given it")


def write_config(out: Path, config: TrainConfig) -> None:
    """The settings; a folder of another run is not written over.

    Raises:
        UsageError: `out` holds a run with other settings.
    """
    path = out / CONFIG
    text = config.model_dump_json(indent=1) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"{out.name!r} holds a run with other settings",
            hint="give another --out, or delete that folder",
        )
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def environment() -> dict[str, str]:
    """Versions and kind of machine; nothing that names the machine or its user."""
    found = {name: version(name) for name in PACKAGES}
    system = f"{platform.system()} {platform.machine()}"
    return {"python": platform.python_version(), "system": system, **found}


def revision() -> str:
    """The commit that the code is of, with "+" if files differ from it; "" outside a repository."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        done = subprocess.run(  # noqa: S603  # fixed words
            ["git", "-C", str(here), *words],  # noqa: S607  # whichever git there is
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = git("rev-parse", "HEAD")
        return commit + ("+" if commit and git("status", "--porcelain") else "")
    except OSError:
        return ""


def write_result(out: Path, best: Row, weights: Path) -> None:
    """Figures of the weights that were kept, and their SHA-256."""
    _write(out / RESULT, {"figures": best, "weights": file_digest(weights)})


def read_json(path: Path) -> dict[str, Any]:
    """One of the folder's files.

    Raises:
        UsageError: it is missing, or no JSON.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise UsageError(
            f"{path.parent.name!r} has no readable {path.name}",
            hint="give the --out folder of a `ctsieve fit` that has ended",
        ) from error
    return found


def draw_curves(rows: Sequence[Row], path: Path) -> None:
    """One panel for each figure, training and tune together where both have it."""
    names = list(dict.fromkeys(n for row in rows for n in row if n != "epoch"))
    panels = list(dict.fromkeys(name.partition("/")[2] for name in names))
    across = min(3, len(panels))
    down = -(-len(panels) // across)
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(PANEL[0] * across, PANEL[1] * down), layout="constrained")
        for place, panel in enumerate(panels, start=1):
            axes = figure.add_subplot(down, across, place)
            for side, colour in (("train", "#8a8a8a"), ("tune", "#0b6e99")):
                points = [
                    (r["epoch"], r[f"{side}/{panel}"]) for r in rows if f"{side}/{panel}" in r
                ]
                if points:
                    axes.plot(*zip(*points, strict=True), color=colour, marker=".", label=side)
            axes.set_title(panel.replace("_", " "), loc="left")
            axes.set_xlabel("epoch")
            axes.grid(axis="y", color="#e6e6e6")
            axes.legend(frameon=False)
        figure.savefig(path, dpi=110)


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
