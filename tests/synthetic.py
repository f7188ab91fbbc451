"""A tiny collection of drawn chests in the layout of the real one."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ctsieve.pipeline.fit_config import FitConfig

SIZE = 64


def drawn_chest(number: int, *, diseased: bool) -> npt.NDArray[np.uint8]:
    """A body with two lungs and, if diseased, a bright patch; `number` moves things a little."""
    row, column = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    centre = SIZE / 2 + number % 3 - 1

    def ellipse(c: float, height: float, width: float) -> npt.NDArray[np.bool_]:
        return np.asarray(((row - SIZE / 2) / height) ** 2 + ((column - c) / width) ** 2 < 1.0)

    chest = np.full((SIZE, SIZE), 20, dtype=np.uint8)
    chest[ellipse(centre, 22, 28)] = 220
    chest[ellipse(centre - 12, 13, 9) | ellipse(centre + 12, 13, 9)] = 60
    if diseased:
        patch = np.hypot(row - SIZE / 2 - 6, column - centre + 12) < 5
        chest[patch] = 150
    return chest


def write_collection(folder: Path) -> Path:
    """Eight LUNA16 scans, four coronacases scans of four slices, two slices with masks."""
    lines = ["path,set,label,patient_key,bytes,sha256,source,licence,note"]

    def add(name: str, pixels: npt.NDArray[np.uint8], label: str, patient: str) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        lines.append(f"{name},,{label},{patient},,,,,")

    for k in range(8):
        add(f"luna16_slices/{k}%1.png", drawn_chest(k, diseased=False), "NonCOVID", f"luna:{k}")
    for scan in range(4):
        for k in range(1, 5):
            pixels = np.rot90(drawn_chest(k, diseased=True), -1)
            add(f"coronacases_slices/scan_{scan}_{k}.jpg", pixels, "COVID", f"cc:{scan}")
    for k in range(2):
        pixels = np.rot90(drawn_chest(k, diseased=True))
        add(f"medseg98/img/{k}.jpg", pixels, "COVID", "medseg:unknown")
        clean = np.rot90(drawn_chest(k, diseased=False))
        add(f"medseg98/mask/{k}.png", (pixels != clean).astype(np.uint8), "mask", "medseg:unknown")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def tiny_config(**run: object) -> FitConfig:
    """A run of a few steps on small pictures."""
    settings: dict[str, object] = {
        "stages": [{"size": 32, "epochs": 4}],
        "steps_per_epoch": 2,
        "batch_size": 4,
        "validate_every": 2,
    }
    return FitConfig.model_validate(
        {
            "data": {
                "sets": ["luna16-slices", "coronacases", "covid-semiseg"],
                "tune_share": 0.25,
                "always_train": ["medseg"],
                "shares": {"luna16": 0.5, "coronacases": 0.25, "medseg": 0.25},
                "paste": 0.5,
                "paste_onto": ["luna16"],
            },
            "input": {"size": [32, 32], "crop": "lungs", "margin": 0.1},
            "cache_size": 48,
            "model": {"initial": "random"},
            "optimiser": {"average": 0.5, "warmup": 1},
            "run": settings | run,
            "bundle": {"name": "tiny", "version": "0.0.1", "quantise": False},
        }
    )
