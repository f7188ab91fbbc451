"""Heart, great vessels, windpipe and gullet; and the envelope that the lungs leave to them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ctsieve.phantoms.build import Build
from ctsieve.phantoms.shapes import (
    Canvas,
    Field,
    Path,
    Points,
    at_height,
    ellipse,
    join,
    profile,
    tapered,
)

AORTA: Path = (
    (2, -34, -42, 15), (-14, -38, -20, 16), (-19, -38, 6, 16), (-14, -34, 26, 15),
    (-2, -22, 37, 14), (12, -4, 40, 13), (22, 14, 34, 12.5), (25, 28, 18, 12),
    (25, 34, -5, 12), (22, 34, -70, 11.5), (15, 28, -125, 11), (6, 18, -180, 10), (2, 12, -235, 9),
)  # fmt: skip
CAVA: Path = ((-27, -28, 62, 7), (-30, -22, 40, 8.5), (-32, -18, 5, 9), (-33, -16, -32, 9.5))
LOWER_CAVA: Path = ((-26, -8, -84, 11), (-24, -2, -112, 12), (-22, 2, -235, 12))
PULMONARY_TRUNK: Path = ((16, -58, -46, 14), (18, -50, -24, 14), (19, -32, -10, 13))
RIGHT_PULMONARY: Path = (
    (17, -30, -13, 11),
    (-4, -14, -19, 11),
    (-38, -2, -24, 9),
    (-50, 2, -32, 6),
)
LEFT_PULMONARY: Path = ((19, -30, -9, 11), (32, -8, -4, 10.5), (44, 12, -10, 9), (50, 18, -22, 6))
LOWER_VEINS: tuple[Path, ...] = (
    ((-20, 0, -54, 8), (-46, 10, -60, 6)),
    ((24, 0, -52, 8), (48, 10, -58, 6)),
    ((-18, -8, -40, 7), (-46, -16, -36, 5)),
    ((22, -10, -38, 7), (48, -22, -30, 5)),
)
NECK_VESSELS: tuple[Path, ...] = (
    ((-12, -20, 34, 6.5), (-20, -14, 70, 6), (-24, -10, 96, 4), (-26, -8, 130, 3.5)),
    ((2, -12, 36, 4.5), (16, -8, 72, 4), (22, -6, 130, 3.5)),
    ((16, 4, 36, 5.5), (28, 4, 72, 5), (44, 2, 98, 4.5), (90, 0, 112, 4)),
    ((-20, -14, 70, 6), (-44, 0, 98, 4.5), (-90, 0, 112, 4)),
    ((-27, -28, 62, 7), (-33, -24, 100, 6.5), (-34, -18, 130, 6)),
    (
        (-27, -30, 52, 7),
        (0, -36, 56, 6.5),
        (24, -28, 70, 6.5),
        (34, -20, 100, 6.5),
        (34, -16, 130, 6),
    ),
)
TRACHEA: Path = ((0, -14, 135, 8.5), (0, -6, 80, 8.8), (-3, 4, 25, 9), (-2, 9, 2, 9.5))
BRONCHI: tuple[Path, ...] = (
    ((-5, 10, 3, 8), (-24, 11, -12, 7.4), (-36, 10, -26, 6.4), (-43, 12, -42, 5.4)),
    ((3, 11, 2, 7.6), (22, 12, -12, 6.6), (38, 15, -24, 6), (46, 18, -36, 5.2)),
    ((-24, 11, -12, 5.2), (-40, 9, -10, 4.6), (-52, 6, -2, 3.6)),
    ((38, 15, -24, 4.8), (48, 8, -22, 4.2), (54, 0, -14, 3.4)),
)
WINDOW: Path = ((16, -16, 18, 13), (30, -4, 8, 13), (28, -10, -12, 12))
"""Fat between the aortic arch and the left pulmonary artery."""
AZYGOS: Path = ((-26, -6, 16, 4.5), (-16, 16, 20, 4.5), (-9, 32, 10, 4), (-7, 35, -160, 3.5))

FAR_MM = 12.0
"""Farther than this a tube no longer bends the surface of the lung."""

_MIDDLE = profile((120, 34), (100, 27), (70, 22), (45, 21), (0, 19), (-60, 19), (-200, 22))
"""Half the width of the fat in the middle, mm."""
_SEPTUM = profile((118, 30), (84, 24), (55, 18), (30, 9), (5, 3), (-30, 3), (-70, 7), (-100, 15))
"""Half the thickness of the fat between the lungs behind the breastbone, mm."""
_GULLET = profile((130, 10), (60, 19), (0, 26), (-60, 24), (-110, 12))


def envelope(at: Points, build: Build) -> Field:
    """Distance to everything between the lungs, with the fat around it."""
    spine = build.spine(at.z)
    shape = ellipse(at, (0.0, spine + 9.0), (21.0, 34.0))
    shape = join(shape, ellipse(at, (0.0, 8.0), (_MIDDLE(at.z), 46.0)), 12.0)
    front = build.front(at.z)
    shape = join(shape, ellipse(at, (2.0, front / 2 - 8.0), (_SEPTUM(at.z), 14.0 - front / 2)), 8.0)
    shape = join(shape, heart(at, build) - 2.0, 7.0)
    for path in (AORTA, CAVA, RIGHT_PULMONARY, LEFT_PULMONARY, PULMONARY_TRUNK, LOWER_CAVA):
        shape = join(shape, _tube(at, path, 2.5), 6.0)
    shape = join(shape, _tube(at, WINDOW, 0.0), 6.0)
    for path in (*LOWER_VEINS, *BRONCHI[:2]):
        shape = join(shape, _tube(at, path, 1.2), 5.0)
    return shape


def heart(at: Points, build: Build) -> Field:
    """Distance to the heart: four chambers melted into one muscle."""
    return chambers(at, build, grow=6.0)


def chambers(at: Points, build: Build, *, grow: float = 0.0) -> Field:
    """Distance to the blood inside the heart, grown by `grow` mm."""
    size = build.heart
    shape = _ball(at, (-17, -34, -66), (24 * size, 28 * size, 34 * size)) - grow
    left = _ball(at, (40, -36, -86), (41 * size, 27 * size, 32 * size), turn=-0.62) - grow
    right = _ball(at, (14, -62, -84), (37 * size, 22 * size, 33 * size), turn=-0.12) - grow
    atrium = _ball(at, (0, -2, -52), (27 * size, 17 * size, 22 * size)) - grow
    blend = 3.0 + grow
    return join(join(join(shape, right, blend), left, blend), atrium, blend)


def paint_mediastinum(canvas: Canvas, build: Build, *, contrast: bool) -> None:
    """Paint heart, vessels and gullet over the fat that is there."""
    blood = 42.0
    left_blood, right_blood = (255.0, 210.0) if contrast else (blood, blood)
    part = canvas.near(10.0, -30.0, 110.0)
    muscle = heart(part.at, build)
    if muscle.size and float(muscle.min(initial=1e9)) < 3.0:
        rim = part.at.pixel * 0.6 + 1.0
        part.paint(np.abs(muscle - 2.5) - 0.4, 5.0)
        part.paint(muscle, 112.0 if contrast else 44.0, softness=rim)
        part.paint(chambers(part.at, build), left_blood if contrast else 40.0, softness=rim + 2.0)
    for path in (CAVA, LOWER_CAVA, PULMONARY_TRUNK, RIGHT_PULMONARY, LEFT_PULMONARY):
        canvas.tubes(path, right_blood)
    for path in (AORTA, *LOWER_VEINS, *NECK_VESSELS):
        canvas.tubes(path, left_blood)
    canvas.tubes(AZYGOS, right_blood)
    _paint_gullet(canvas)


def paint_windpipe(canvas: Canvas) -> None:
    """Paint trachea and main bronchi: wall, then air."""
    for path in (TRACHEA, *BRONCHI):
        canvas.tubes([(x, y, z, r + 1.6) for x, y, z, r in path], 25.0)
    for path in (TRACHEA, *BRONCHI):
        canvas.tubes(path, -995.0)


def _paint_gullet(canvas: Canvas) -> None:
    z = canvas.at.height
    if z < -128.0:
        return
    y = at_height(_GULLET, z)
    x = 7.0 if z > -60.0 else 7.0 + (-60.0 - z) * 0.2
    part = canvas.near(x, y, 14.0)
    part.paint(ellipse(part.at, (x, y), (9.0, 6.0)), 38.0)
    if np.sin(z / 17.0) > 0.3:
        part.paint(ellipse(part.at, (x + 1.0, y - 1.0), (3.0, 2.0)), -700.0)


def _tube(at: Points, path: Path, grow: float) -> Field:
    """Distance to a tube; pieces that end far above or below all points are left out."""
    low, high = float(at.z.min()) - FAR_MM, float(at.z.max()) + FAR_MM
    shape = np.full(at.shape, FAR_MM, np.float32)
    for start, stop in pairwise(path):
        reach = max(start[3], stop[3]) + grow
        if min(start[2], stop[2]) - reach <= high and max(start[2], stop[2]) + reach >= low:
            np.minimum(shape, tapered(at, start, stop) - grow, out=shape)
    return shape


def _ball(
    at: Points, centre: Sequence[float], radii: Sequence[float], *, turn: float = 0.0
) -> Field:
    """Rough distance to an ellipsoid turned about z."""
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    x, y, z = at.x - centre[0], at.y - centre[1], at.z - centre[2]
    u, v, w = (x * cos + y * sin) / radii[0], (y * cos - x * sin) / radii[1], z / radii[2]
    k0 = np.sqrt(u * u + v * v + w * w)
    k1 = np.sqrt((u / radii[0]) ** 2 + (v / radii[1]) ** 2 + (w / radii[2]) ** 2)
    return np.asarray(k0 * (k0 - 1.0) / np.maximum(k1, 1e-6), dtype=np.float32)
