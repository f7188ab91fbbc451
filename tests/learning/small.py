"""A tiny data set in the phantoms' layout, and settings that train any family on it in seconds."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tests.synthetic import drawn_chest

from ctsieve.datasets.phantom import COLUMNS
from ctsieve.pipeline.settings import checked
from ctsieve.pipeline.train_config import TrainConfig

LABELS = ("neither", "other_pneumonia", "covid19")
SLICES = 4


def write_pictures(folder: Path, *, patients: int = 12) -> Path:
    """A slice with a mask for each patient; labels in turn, disease drawn as a bright patch."""
    rows = []
    for number in range(patients):
        label = LABELS[number % 3]
        rows.append(_row(folder, f"p{number}", label, _chest(number, label), kind="picture"))
    return _table(folder, rows)


def write_scans(folder: Path, *, patients: int = 8) -> Path:
    """A scan of `SLICES` slices, some with one more, for each patient, in two labels."""
    rows = []
    for number in range(patients):
        label = LABELS[2 * (number % 2)]
        study = folder / f"scan{number}"
        study.mkdir(parents=True)
        for k in range(SLICES + number % 3):
            Image.fromarray(_chest(k, label)).save(study / f"{k:03d}.png")
        rows.append({**_plain(f"p{number}", label, "volume"), "image": study.name})
    return _table(folder, rows)


def config(name: str, /, *, kinds: str = "picture", **sections: dict[str, Any]) -> TrainConfig:
    """A run of four steps on small images."""
    base: dict[str, dict[str, Any]] = {
        "data": {"sets": ["phantom"], "kinds": [kinds], "labels": LABELS, "slices": "all"}
        | {"tune_share": 0.0, "always_tune": ["p0", "p1", "p2", "p5"]},
        "input": {"size": [32, 32]},
        "model": {"name": name, "initial": "random", "preset": "fixed"},
        "optimiser": {"learning_rate": 1e-3},
        "run": {"epochs": 2, "steps_per_epoch": 2, "batch_size": 4, "accelerator": "cpu"},
    }
    merged = {key: base.get(key, {}) | sections.get(key, {}) for key in base.keys() | sections}
    return checked(TrainConfig, merged)


def small_detector(**changes: dict[str, Any]) -> dict[str, Any]:
    """Settings of a detector's architecture: narrow, on ResNet18, with few proposals."""
    parts: dict[str, dict[str, Any]] = {
        "backbone": {"name": "resnet18", "channels": 16},
        "proposals": {"num_before": [40, 40], "num_after": [20, 20]},
        "branches": {"box_features": 16, "num_detections": 4},
    }
    return {"detector": {name: part | changes.get(name, {}) for name, part in parts.items()}}


def _chest(number: int, label: str) -> npt.NDArray[np.uint8]:
    chest = drawn_chest(number, diseased=label == "covid19")
    if label == "other_pneumonia":
        chest = chest.copy()
        chest[20:28, 40:50] = 150
    return chest


def _row(
    folder: Path, name: str, label: str, pixels: npt.NDArray[np.uint8], *, kind: str
) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / f"{name}.png")
    Image.fromarray((pixels == 150).astype(np.uint8)).save(folder / f"{name}-mask.png")
    return {**_plain(name, label, kind), "image": f"{name}.png", "mask": f"{name}-mask.png"}


def _plain(name: str, label: str, kind: str) -> dict[str, str]:
    flags = dict.fromkeys(("ggo", "consolidation", "crazy_paving"), "0")
    return {"patient": name, "site": "north", "label": label, "mask": "", "kind": kind, **flags}


def _table(folder: Path, rows: list[dict[str, str]]) -> Path:
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder
