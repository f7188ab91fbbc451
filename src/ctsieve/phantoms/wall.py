"""The chest wall: skin, fat, muscles, and the table under the patient."""

from collections.abc import Sequence

import numpy as np

from ctsieve.phantoms.build import Build
from ctsieve.phantoms.shapes import (
    Canvas,
    Field,
    Points,
    at_height,
    ellipse,
    join,
    profile,
    squircle,
)

FAT_HU, MUSCLE_HU, SKIN_HU = -105.0, 52.0, 15.0
WALL_MM = 13.0
"""From the inner surface of the ribs to the outer surface of the muscles between them."""

_ARMPIT = profile((125, 6), (95, 16), (60, 26), (20, 24), (-30, 15), (-100, 8), (-230, 6))
"""Muscle at the side of the rib cage (latissimus, serratus), mm."""
_FRONT_MUSCLE = profile((110, 20), (70, 16), (20, 11), (-20, 5), (-80, 4), (-230, 5))
_SKIN_FRONT = profile(
    (130, -46),
    (112, -54),
    (95, -66),
    (70, -86),
    (40, -103),
    (0, -115),
    (-60, -124),
    (-120, -126),
    (-230, -122),
)
_SKIN_BACK = profile(
    (130, 86), (100, 104), (60, 118), (0, 127), (-60, 126), (-120, 120), (-180, 111), (-230, 103)
)


def outline(at: Points, build: Build) -> Field:
    """Distance to the skin."""
    fat = np.float32(build.fat_mm - 12.0)
    deep = np.float32(build.deep)
    wide = build.half_width(np.minimum(at.z, 70.0)) + WALL_MM + _ARMPIT(at.z) + 12.0 + fat
    front, back = _SKIN_FRONT(at.z) * deep - 0.8 * fat, _SKIN_BACK(at.z) * deep + 0.5 * fat
    shape = squircle(at, (0.0, (front + back) / 2), (wide, (back - front) / 2), 2.4)
    high = np.clip((at.z - 30.0) / 60.0, 0.0, 1.0)
    for side in (-1.0, 1.0):
        place = (side * (112.0 + 34.0 * high) * build.wide, 40.0 - 20.0 * high)
        size = (34.0 + 24.0 * high + 0.7 * fat, 34.0 + 20.0 * high + 0.4 * fat)
        shape = join(shape, ellipse(at, place, size) + 34.0 * (1 - high), 40.0)
        if build.breast_mm > 0.0:
            shape = join(shape, _breast(at, build, side), 10.0)
    return shape


def _breast(at: Points, build: Build, side: float) -> Field:
    """Lying on the back, breasts are flat and lean outwards."""
    share = np.sqrt(np.clip(1.0 - ((at.z + 28.0) / 72.0) ** 2, 0.0, 1.0))
    y = _SKIN_FRONT(at.z) * build.deep + 14.0 - 0.8 * (build.fat_mm - 12.0)
    depth = 3.0 + (11.0 + build.breast_mm) * share
    shape = ellipse(at, (side * 88.0, y), (18.0 + 40.0 * share, depth), turn=side * 0.16)
    return np.asarray(shape, dtype=np.float32)


def muscles(at: Points, build: Build, cage: Field) -> Field:
    """Distance to the muscles around the rib cage, as one shape with fat between some of them."""
    high = float(np.clip((at.height - 40.0) / 45.0, 0.0, 1.0))
    z = at.height
    shape = cage - WALL_MM
    front, back = float(build.front(at.z).flat[0]), float(build.back(at.z).flat[0])
    wide = float(build.half_width(at.z).flat[0])
    armpit, chest = float(_ARMPIT(at.z).flat[0]), float(_FRONT_MUSCLE(at.z).flat[0])
    spine = float(build.spine(at.z).flat[0])
    for side in (-1.0, 1.0):
        pieces: list[Field] = [
            ellipse(at, (side * 27.0, spine + 42.0), (24.0, 17.0), turn=side * 0.15),
        ]
        if armpit > 7.0:
            place = (side * (wide + WALL_MM - 3.0 + armpit * 0.4), 28.0)
            pieces.append(ellipse(at, place, (armpit * 0.62, 46.0), turn=side * 0.12))
        if chest > 5.0 and z < 100.0:
            y = front - WALL_MM * 0.6 + 16.0
            pieces.append(ellipse(at, (side * 74.0, y), (56.0, chest + 9.0), turn=side * 0.30))
        if z > -66.0:
            place = (side * (100.0 - 8.0 * high), back + 4.0 - 12.0 * high)
            pieces.append(ellipse(at, place, (46.0, 21.0), turn=-side * 0.60))
            pieces.append(ellipse(at, (side * 46.0, back + 24.0), (52.0, 6.5), turn=-side * 0.1))
        if high > 0.0:
            pieces.append(ellipse(at, (side * 136.0, 22.0), (44.0 * high, 38.0 * high)))
        for piece in pieces:
            shape = np.minimum(shape, piece) if z < 30.0 else join(shape, piece, 3.0)
    return shape


def paint_wall(canvas: Canvas, build: Build, cage: Field, grains: Sequence[Field]) -> None:
    """Paint everything between air and pleura: skin, fat with strands, muscle with fat inside."""
    coarse, fine = grains
    skin = outline(canvas.at, build)
    canvas.paint(skin, SKIN_HU)
    inner = skin + 2.0
    canvas.paint(inner, FAT_HU + 5.0 * coarse)
    meat = muscles(canvas.at, build, cage) + 1.1 * coarse
    # Sheets of fat between muscle bellies: where two shapes would touch, a grain decides.
    fat_inside = np.exp(-((fine * 2.2 + coarse) ** 2) * 9.0) * np.clip(cage - WALL_MM, 0.0, 12.0)
    meat = np.maximum(meat, skin + 3.5)
    canvas.paint(meat, MUSCLE_HU + 4.0 * coarse - 9.0 * fat_inside, softness=0.6)
    between = np.abs(cage - 10.8) - 0.7
    canvas.paint(between, -35.0, softness=1.2)
    canvas.paint(cage - 1.0, MUSCLE_HU)


def paint_table(canvas: Canvas, build: Build) -> None:
    """The mattress and the two shells of a curved table, right under the back."""
    at = canvas.at
    lowest = at_height(_SKIN_BACK, -10.0) * build.deep + 0.5 * (build.fat_mm - 12.0)
    radius = 420.0
    top = lowest + 9.0
    away = np.hypot(at.x, at.y - (top - radius)) - radius
    within = np.abs(at.x) - 205.0
    canvas.paint(np.maximum(np.abs(away + 4.0) - 5.0, within), -905.0)
    canvas.paint(np.maximum(np.abs(away - 2.0) - 0.9, within), -120.0)
    canvas.paint(np.maximum(np.abs(away - 14.0) - 11.0, within), -935.0)
    canvas.paint(np.maximum(np.abs(away - 26.0) - 1.1, within), 60.0)
