"""What lies under the diaphragm: liver, spleen, stomach with its air, kidneys, fat."""

import numpy as np

from ctsieve.phantoms.shapes import Canvas, Field, cut, ellipse, join
from ctsieve.phantoms.wall import FAT_HU

LIVER_HU, SPLEEN_HU, STOMACH_HU = 58.0, 50.0, 32.0


def paint_abdomen(canvas: Canvas, cage: Field, dome: Field, *, contrast: bool) -> None:
    """Paint the upper belly into the rib cage, below the diaphragm."""
    at = canvas.at
    if at.height > float(dome.max()) + at.thickness:
        return
    bright = 50.0 if contrast else 0.0
    below = np.clip(0.5 + (dome - at.z) / at.thickness, 0.0, 1.0)
    draft = Canvas(at, np.full(canvas.hu.shape, FAT_HU, dtype=np.float32))
    inside = np.maximum(cage, (at.z - dome + 2.0) * 0.6)
    _paint_stomach(draft, inside)
    # Liver and spleen touch the diaphragm: no rim of fat.
    touching = np.maximum(cage, (at.z - dome - 6.0) * 0.6)
    _paint_liver(draft, touching, LIVER_HU + bright)
    _paint_spleen(draft, touching, SPLEEN_HU + 1.4 * bright)
    _paint_kidneys(draft, 34.0 + 2.0 * bright)
    wall = np.abs(dome - at.z - 2.0) - 2.0
    draft.paint(wall * 0.5, 48.0)
    share = below * np.clip(0.5 - cage / at.pixel, 0.0, 1.0)
    canvas.hu += share * (draft.hu - canvas.hu)


def _paint_liver(draft: Canvas, inside: Field, hu: float) -> None:
    at = draft.at
    down = float(np.clip((-90.0 - at.height) / 140.0, 0.0, 1.0))
    right = ellipse(at, (-72.0 - 12.0 * down, 0.0), (84.0 - 26.0 * down, 92.0 - 14.0 * down))
    left = ellipse(at, (4.0, -62.0), (72.0 * (1 - down) + 8.0, 34.0 * (1 - down) + 6.0), turn=0.12)
    shape = join(right, left, 26.0)
    shape = cut(shape, ellipse(at, (4.0, 34.0), (36.0, 58.0)), 14.0)
    draft.paint(np.maximum(shape, inside + 1.5), hu)
    bile = ellipse(at, (-52.0, -66.0), (15.0, 22.0), turn=0.5)
    if down > 0.55:
        draft.paint(np.maximum(bile, inside + 4.0), 8.0)


def _paint_stomach(draft: Canvas, inside: Field) -> None:
    at = draft.at
    z = at.height
    size = float(np.sqrt(np.clip(1.0 - ((z + 160.0) / 62.0) ** 2, 0.0, 1.0)))
    if size < 0.1:
        return
    sac = ellipse(at, (62.0, -22.0), (46.0 * size, 56.0 * size), turn=-0.35)
    sac = np.maximum(sac, inside + 3.0)
    draft.paint(sac, 40.0)
    draft.paint(sac + 3.5, STOMACH_HU)
    # The patient lies on the back: air floats to the front and ends in a level.
    air = np.maximum(sac + 4.0, at.y + 44.0)
    draft.paint(air, -960.0)


def _paint_spleen(draft: Canvas, inside: Field, hu: float) -> None:
    at = draft.at
    size = float(np.sqrt(np.clip(1.0 - ((at.height + 175.0) / 58.0) ** 2, 0.0, 1.0)))
    if size < 0.1:
        return
    outer = ellipse(at, (98.0, 42.0), (30.0 * size, 46.0 * size), turn=0.35)
    shape = cut(outer, ellipse(at, (74.0, 22.0), (26.0, 36.0)), 6.0)
    draft.paint(np.maximum(shape, inside + 2.0), hu)


def _paint_kidneys(draft: Canvas, hu: float) -> None:
    at = draft.at
    for side, top in ((-1.0, -182.0), (1.0, -172.0)):
        size = float(np.sqrt(np.clip(1.0 - ((at.height - top + 55.0) / 55.0) ** 2, 0.0, 1.0)))
        if size < 0.1:
            continue
        shape = ellipse(at, (side * 58.0, 38.0), (24.0 * size, 29.0 * size), turn=side * 0.5)
        draft.paint(shape, hu)
        draft.paint(ellipse(at, (side * 47.0, 34.0), (9.0 * size, 10.0 * size)), FAT_HU)
    for side in (-1.0, 1.0):
        muscle = ellipse(at, (side * 34.0, 46.0), (15.0, 17.0))
        draft.paint(muscle, 52.0)
