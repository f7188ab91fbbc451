"""Ribs, breastbone, collarbones, shoulder blades, upper arms and spine."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ctsieve.phantoms.build import Build
from ctsieve.phantoms.shapes import Canvas, Field, at_height, capsule, ellipse, join, squircle

CORTEX_HU, SPONGE_HU, CARTILAGE_HU = 720.0, 190.0, 95.0
RIB_PITCH_MM = 22.5
FIRST_RIB_MM = 104.0
"""The z at which the first rib leaves the spine."""
VERTEBRA_MM = 23.5
"""Height of a vertebra with its disc."""


def paint_bones(canvas: Canvas, build: Build, cage: Field) -> None:
    """Paint all bones of a slice; `cage` is the distance to the inner rib cage."""
    paint_ribs(canvas, build, cage)
    paint_breastbone(canvas, build)
    paint_spine(canvas, build)
    for side in (-1.0, 1.0):
        paint_collarbone(canvas, build, side)
        paint_shoulder_blade(canvas, build, side)
        paint_upper_arm(canvas, side)


def paint_ribs(canvas: Canvas, build: Build, cage: Field) -> None:
    """Ribs slope from the spine down to the front; a slice meets each of them in one place."""
    at = canvas.at
    rows, columns = np.nonzero((cage > -1.0) & (cage < 12.5))
    if not len(rows):
        return
    depth = cage[rows, columns]
    x, y = at.x[0, columns], at.y[rows, 0]
    z = at.height
    centre = float((build.front(at.z) + build.back(at.z)).flat[0]) / 2
    # 0 at the spine, 1 at the breastbone.
    around = np.arctan2(np.abs(x) / build.half_width(at.z).flat[0], -(y - centre) / 88.0)
    around = (1.0 - around / np.pi).astype(np.float32)
    fall = np.sin(np.clip(around, 0.0, 0.80) / 0.80 * np.pi / 2) ** 1.5
    base, growth = 30.0, 5.2
    top = FIRST_RIB_MM + build.rib_phase_mm
    step = RIB_PITCH_MM + growth * fall
    number = (top - base * fall - z) / step
    nearest = np.clip(np.round(number), 0, 11)
    off = (number - nearest) * step
    # Cartilage climbs back to the breastbone, and the last ribs end in the flank.
    end = np.where(nearest < 7, 0.80, np.where(nearest < 10, 0.70, 0.52))
    half_height = 6.2 - 1.0 * (nearest == 0)
    rho = np.hypot(off / half_height, (depth - 5.8) / 3.7)
    distance = ((rho - 1.0) * 4.2).astype(np.float32)
    distance = np.maximum(distance, (around - end) * 130.0)
    rib = Canvas(at, canvas.hu)
    _bone_at(rib, rows, columns, distance, 1.3)
    cartilage = np.where(nearest < 8, (rho - 1.0) * 4.2, 9.0)
    cartilage = np.maximum(cartilage, (end - around) * 130.0)
    share = np.clip(0.5 - cartilage / at.pixel, 0.0, 1.0)
    canvas.hu[rows, columns] += share * (CARTILAGE_HU - canvas.hu[rows, columns])


def _bone_at(
    canvas: Canvas,
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    distance: Field,
    cortex: float,
) -> None:
    pixel = canvas.at.pixel
    hu = canvas.hu[rows, columns]
    for d, value in ((distance, CORTEX_HU), (distance + cortex, SPONGE_HU)):
        hu += np.clip(0.5 - d / pixel, 0.0, 1.0) * (value - hu)
    canvas.hu[rows, columns] = hu


def _bone(canvas: Canvas, distance: Field, cortex: float, *, sponge: float = SPONGE_HU) -> None:
    canvas.paint(distance, CORTEX_HU)
    canvas.paint(distance + cortex, sponge)


def paint_breastbone(canvas: Canvas, build: Build) -> None:
    """Handle, body and tip of the sternum in front of the rib cage."""
    z = canvas.at.height
    if not -98.0 < z < 62.0:
        return
    wide = float(np.interp(z, (-98, -80, -60, 10, 30, 40, 62), (3, 9, 17, 15, 17, 26, 22)))
    thick = float(np.interp(z, (-98, -80, 40, 62), (3, 5, 6.2, 7)))
    y = float(build.front(canvas.at.z).flat[0]) - 8.0
    part = canvas.near(0.0, y, wide + 6.0)
    _bone(part, squircle(part.at, (0.0, y), (wide, thick), 3.2), 1.3)


def paint_collarbone(canvas: Canvas, build: Build, side: float) -> None:
    """From the breastbone up and out to the shoulder (arms are raised)."""
    z = canvas.at.height
    if not 40.0 < z < 140.0:
        return
    front = at_height(build.front, 58.0)
    places = (
        (side * 24.0, front - 10.0, 58.0), (side * 58.0, front - 10.0, 76.0),
        (side * 98.0, front + 22.0, 98.0), (side * 134.0, front + 52.0, 112.0),
    )  # fmt: skip
    part = canvas.near(side * 80.0, front + 15.0, 90.0)
    shape = np.full(part.at.shape, 99.0, dtype=np.float32)
    for start, stop in pairwise(places):
        np.minimum(shape, capsule(part.at, start, stop, 6.4), out=shape)
    _bone(part, shape, 1.8)


def paint_shoulder_blade(canvas: Canvas, build: Build, side: float) -> None:
    """A thin plate behind the ribs, thick at its outer rim and along its spine."""
    z = canvas.at.height
    if not -62.0 < z < 112.0:
        return
    back = float(build.back(canvas.at.z).flat[0])
    share = (z + 62.0) / 174.0
    inner = (side * (72.0 + 14.0 * (1 - share)), back + 14.0 + 8.0 * share, z)
    reach = float(np.interp(share, (0.0, 0.12, 0.6, 1.0), (6.0, 30.0, 58.0, 40.0)))
    outer = (inner[0] + side * reach * 0.93, inner[1] - reach * 0.62, z)
    part = canvas.near((inner[0] + outer[0]) / 2, (inner[1] + outer[1]) / 2, 62.0)
    shape = capsule(part.at, inner, outer, 1.7)
    rim = (outer[0], outer[1], z)
    shape = join(shape, ellipse(part.at, rim, (6.0, 5.0)), 6.0)
    if z > 40.0:
        crest = min((z - 40.0) / 40.0, 1.0) * 26.0
        middle = tuple((0.45 * i + 0.55 * o) for i, o in zip(inner, outer, strict=True))
        tip = (middle[0] + side * crest * 0.8, middle[1] + crest * 0.45, z)
        shape = join(shape, capsule(part.at, middle, tip, 2.6), 5.0)
    _bone(part, shape, 1.3)


def paint_upper_arm(canvas: Canvas, side: float) -> None:
    """The head of the raised humerus, at the very top."""
    z = canvas.at.height
    if z < 78.0:
        return
    part = canvas.near(side * 148.0, 22.0, 36.0)
    height = max(min(z, 112.0) - 104.0, -26.0) if z < 104.0 else 0.0
    radius = float(np.sqrt(max(26.0**2 - height**2, 0.0)))
    if radius > 4.0:
        _bone(part, ellipse(part.at, (side * 150.0, 20.0), (radius, radius * 0.95)), 2.0)


def paint_spine(canvas: Canvas, build: Build) -> None:
    """Vertebral body or disc, arch around the canal, transverse and spinous processes."""
    at = canvas.at
    z = at.height
    y = float(build.spine(at.z).flat[0])
    part = canvas.near(0.0, y + 18.0, 62.0)
    level = (z - build.rib_phase_mm - 14.0) / VERTEBRA_MM
    off = abs(level - np.floor(level) - 0.5) * VERTEBRA_MM  # 0 in the middle of a body
    low = float(np.clip((100.0 - z) / 320.0, 0.0, 1.0))
    wide, deep = 14.5 + 7.5 * low, 11.5 + 5.0 * low
    waist = 1.5 * (1.0 - (off / (VERTEBRA_MM / 2)) ** 2)
    body = squircle(part.at, (0.0, y), (wide - waist, deep - waist), 2.5)
    disc = float(np.clip((off - 9.4) / max(at.thickness / 2, 0.8) + 0.5, 0.0, 1.0))
    part.paint(body, CORTEX_HU + disc * (85.0 - CORTEX_HU))
    part.paint(body + 1.2, 160.0 + disc * (85.0 - 160.0))
    _paint_arch(part, y + deep, off, low)


def _paint_arch(part: Canvas, back: float, off: float, low: float) -> None:
    z = part.at.height
    canal = ellipse(part.at, (0.0, back + 8.0), (9.0 + 1.5 * low, 8.5))
    ring = canal - 5.5
    tip = back + 37.0 + 5.0 * np.sin(off / 5.0)
    ring = join(ring, capsule(part.at, (0.0, back + 20.0, z), (0.0, tip, z), 2.6), 4.0)
    if off < 6.5:
        for side in (-1.0, 1.0):
            place = (side * (36.0 - 8.0 * low), back + 20.0, z)
            wing = capsule(part.at, (side * 13.0, back + 9.0, z), place, 4.2)
            ring = join(ring, wing, 4.0)
    _bone(part, ring, 1.6, sponge=280.0)
    part.paint(canal, 10.0)
    part.paint(canal + 3.0, 38.0, softness=1.0)
