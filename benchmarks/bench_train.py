"""Training images/s beside a plain PyTorch loop as the papers' code has it.

Ours: slices decoded once, the run's own feed and task, bfloat16 and channels-last.  The peer: every
PNG opened in every epoch, torchvision's transforms, float32, default memory format.  Same network,
same optimiser, same batch; random weights; pictures of 512 x 512 as COVIDx-CT has them.
"""

import csv
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.table import Row, median_seconds, show

LABELS = ("neither", "other_pneumonia", "covid19")
NUM_PICTURES, SIDE = 48, 512
BATCH = 8
"""Smaller than the papers' 32 and 64, alike for both, so that a step ends on a small machine."""
REPEATS = 3
TARGET = ">= 1.5x"
Step = Callable[[], None]


def run() -> list[Row]:
    """A row for ATT2 and one for LA-DNN on DenseNet169."""
    try:
        from benchmarks._training import att2, la_dnn
    except ImportError:
        return [Row(name="training", value=float("nan"), unit="images/s", note="torch is absent")]
    with tempfile.TemporaryDirectory() as scratch:
        data = write_pictures(Path(scratch) / "data")
        return [
            _row("ATT2, training", *att2(data, Path(scratch) / "att2", batch=BATCH)),
            _row("LA-DNN, training", *la_dnn(data, Path(scratch) / "la-dnn", batch=BATCH)),
        ]


def _row(name: str, ours: Step, theirs: Step) -> Row:
    fast, slow = median_seconds(ours, theirs, repeats=REPEATS)
    return Row(
        name=name,
        value=BATCH / fast,
        unit="images/s",
        peer="plain PyTorch loop",
        peer_value=BATCH / slow,
        ratio=slow / fast,
        target=TARGET,
        note=f"batches of {BATCH}, 224 x 224",
    )


def write_pictures(folder: Path) -> Path:
    """PNGs with the size and grain of a CT slice, and their table."""
    folder.mkdir(parents=True)
    row, column = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    body = np.where((row / 0.33) ** 2 + (column / 0.45) ** 2 < 1, 0.7, 0.0)
    for middle in (-0.2, 0.2):
        body[(row / 0.22) ** 2 + ((column - middle) / 0.13) ** 2 < 1] = 0.2
    rows = []
    for number in range(NUM_PICTURES):
        grain = np.random.default_rng(number).normal(0.0, 0.02, body.shape)
        pixels = np.clip(255 * (body + grain * (body > 0)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        label = LABELS[number % 3]
        known = {"image": f"{number}.png", "patient": f"p{number}", "site": "here", "label": label}
        rows.append({**known, "partition": "val" if number < 3 else "train", "GGO": number % 2})
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder


if __name__ == "__main__":
    print(show(run()))
