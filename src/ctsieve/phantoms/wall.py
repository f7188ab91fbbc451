"""The chest wall: skin, fat, muscles, and the table under the patient."""

from collections.abc import Sequence

import numpy as np

from ctsieve.phantoms.build import Build
from ctsieve.phantoms.shapes import Canvas, Field, Points, ellipse, join, profile, squircle

FAT_HU, MUSCLE_HU, SKIN_HU = -105.0, 52.0, 15.0
WALL_MM = 13.0
"""From the inner surface of the ribs to the outer surface of the muscles between them."""

_ARMPIT = profile((125, 6), (95, 16), (60, 26), (20, 24), (-30, 15), (-100, 8), (-230, 6))
"""Muscle at the side of the rib cage (latissimus, serratus), mm."""
_FRONT_MUSCLE = profile((110, 20), (70, 16), (20, 11), (-20, 5), (-80, 4), (-230, 5))
_BACK_MUSCLE = profile((125, 30), (80, 30), (30, 25), (-40, 20), (-230, 22))


def outline(at: Points, build: Build) -> Field:
    """Distance to the skin."""
    fat = np.float32(build.fat_mm)
    wide = build.half_width(at.z) + WALL_MM + _ARMPIT(at.z) + fat
    front = build.front(np.minimum(at.z, 55.0)) - WALL_MM - _FRONT_MUSCLE(at.z) - 0.85 * fat
    front = front + np.maximum(at.z - 55.0, 0.0) * 0.16
    back = build.back(np.minimum(at.z, 20.0)) + WALL_MM + _BACK_MUSCLE(at.z) + 0.55 * fat
    neck = np.clip((at.z - 62.0) / 70.0, 0.0, 1.0)
    wide = wide * (1 - 0.15 * neck)
    shape = squircle(at, (0.0, (front + back) / 2), (wide, (back - front) / 2), 2.45)
    high = np.clip((at.z - 44.0) / 45.0, 0.0, 1.0)
    for side in (-1.0, 1.0):
        size = 28.0 + 26.0 * high
        place = (side * (118.0 + 26.0 * high) * build.wide, 34.0 - 12.0 * high)
        shoulder = ellipse(at, place, (size + fat * 0.7, size * 0.9 + fat * 0.4))
        shape = join(shape, shoulder + 30.0 * (1 - high), 30.0)
        if build.breast_mm > 0.0:
            breast = _breast(at, build, side)
            shape = join(shape, breast, 12.0)
    return shape


def _breast(at: Points, build: Build, side: float) -> Field:
    bulge = np.sqrt(np.clip(1.0 - ((at.z + 34.0) / 64.0) ** 2, 0.0, 1.0)) * build.breast_mm
    y = build.front(at.z) - WALL_MM - 4.0
    return ellipse(at, (side * 78.0, y), (62.0, 10.0 + build.fat_mm + bulge)) + np.where(
        bulge > 0, 0.0, 30.0
    ).astype(np.float32)


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
    lowest = float((build.back(np.float32([-30.0])) + WALL_MM + 20.0 + 0.55 * build.fat_mm)[0])
    radius = 420.0
    top = lowest + 13.0
    away = np.hypot(at.x, at.y - (top - radius)) - radius
    within = np.abs(at.x) - 205.0
    canvas.paint(np.maximum(np.abs(away + 4.0) - 5.0, within), -905.0)
    canvas.paint(np.maximum(np.abs(away - 2.0) - 0.9, within), -120.0)
    canvas.paint(np.maximum(np.abs(away - 14.0) - 11.0, within), -935.0)
    canvas.paint(np.maximum(np.abs(away - 26.0) - 1.1, within), 60.0)
