"""A small data set on disk whose traps are known."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Row = dict[str, str]


def chest(seed: int) -> Image.Image:
    """A picture with two dark lungs and a pattern of its own."""
    random = np.random.default_rng(seed)
    row, column = np.mgrid[:96, :112]
    high, wide = random.uniform((34, 40), (47, 55))
    values = np.where(((row - 48) / high) ** 2 + ((column - 56) / wide) ** 2 < 1, 0.8, 0.0)
    for sign in (-1, 1):
        r, c, a, b = random.uniform((42, 18, 18, 9), (54, 26, 30, 16))
        values[((row - r) / a) ** 2 + ((column - 56 - sign * c) / b) ** 2 < 1] = 0.2
    for _ in range(40):
        r, c, a, b = random.uniform((2, 2, 2, 2), (94, 110, 9, 9))
        values += random.uniform(-0.4, 0.4) * (((row - r) / a) ** 2 + ((column - c) / b) ** 2 < 1)
    return Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))


def write_set(
    folder: Path, *, number: int = 24, change: Callable[[list[Row]], None] = lambda _rows: None
) -> Path:
    """Write `number` pictures of as many patients, and their table.

    Odd ones are covid19; all of these are .png, half the others .jpg.  Two thirds are for training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(number):
        name = f"{i}.jpg" if i % 4 == 0 else f"{i}.png"
        chest(i).save(folder / name)
        rows.append(
            {
                "image": name,
                "patient": f"p{i}",
                "site": "AB"[i // 2 % 2],
                "label": "covid19" if i % 2 else "neither",
                "partition": "test" if i % 3 == 0 else "train",
                "sex": "FM"[i // 2 % 2],
                "age": str(30 + i),
                "GGO": "1" if i % 2 else "",
            }
        )
    change(rows)
    with (folder / "cases.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder
