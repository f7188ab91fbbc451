"""Vessels and bronchi of both lungs: grown once, drawn on any grid."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.phantoms.build import Build
from ctsieve.phantoms.lungs import lung_fields
from ctsieve.phantoms.shapes import Canvas, Field, Points, xyz
from ctsieve.phantoms.trees import Branches, beside, grow, joined, splat
from ctsieve.types.geometry import Geometry

COARSE_MM = 7.0
NUM_TIPS = 2048
TIP_RADIUS_MM = 0.58
BRONCHUS_GENERATIONS = 8
DRAWN_RADIUS_PIXELS = 1.3
"""Wider branches are drawn as shapes, others scattered: scattering is grainy inside."""

Chain = list[tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class LungTubes:
    """Shares of every voxel in thin tubes, and the chains of the wide ones."""

    vessels: Field
    walls: Field
    lumens: Field
    wide_vessels: list[Chain]
    wide_bronchi: list[Chain]


def grow_tubes(
    build: Build, grid: Geometry, rng: np.random.Generator, *, thickness: float
) -> LungTubes:
    """Trees of both lungs, drawn on the grid."""
    vessels, bronchi = (joined(trees) for trees in _trees(build, rng))
    limit = DRAWN_RADIUS_PIXELS * max(grid.spacing[1:])
    wide, broad = vessels.start_radius > limit, bronchi.start_radius > limit
    thin = splat(vessels.only(~wide), grid, rng, thickness=thickness)
    narrow = bronchi.only(~broad)
    lumens = splat(narrow, grid, rng, thickness=thickness)
    walls = splat(narrow.widened(1.12, 0.35), grid, rng, thickness=thickness)
    np.maximum(walls - lumens, 0.0, out=walls)
    return LungTubes(thin, walls, lumens, vessels.pieces(wide), bronchi.pieces(broad))


def paint_tubes(canvas: Canvas, tubes: LungTubes, blood_hu: float) -> None:
    """Paint the wide vessels and bronchi that meet this slice."""
    for chain in tubes.wide_vessels:
        canvas.tubes(_four(chain), blood_hu)
    for chain in tubes.wide_bronchi:
        canvas.tubes([(x, y, z, r * 1.1 + 0.45) for x, y, z, r in _four(chain)], -130.0)
    for chain in tubes.wide_bronchi:
        canvas.tubes(_four(chain), -985.0)


def _four(chain: Chain) -> list[tuple[float, float, float, float]]:
    return [(row[0], row[1], row[2], row[3]) for row in chain]


def _trees(build: Build, rng: np.random.Generator) -> tuple[list[Branches], list[Branches]]:
    """Arteries and veins, and the bronchi beside the arteries."""
    points, left = _inside(build, rng)
    vessels, bronchi = [], []
    for side in (-1.0, 1.0):
        own = points[left == (side > 0)]
        ends = rng.permutation(own)[: 2 * NUM_TIPS]
        artery_root = xyz(side * 46.0, 6.0, -24.0 if side < 0 else -16.0)
        vein_root = xyz(side * 45.0, -4.0, -46.0)
        heading = xyz(side * 0.8, 0.1, -0.5)
        artery = grow(artery_root, heading, ends[:NUM_TIPS], tip_radius=TIP_RADIUS_MM)
        vein = grow(vein_root, heading, ends[NUM_TIPS:], tip_radius=TIP_RADIUS_MM * 0.95)
        vessels += [artery, vein]
        offset = xyz(-side * 0.35, 0.15, 0.9)
        offset /= np.linalg.norm(offset)
        bronchi.append(beside(artery, generations=BRONCHUS_GENERATIONS, offset=offset))
    return vessels, bronchi


def _inside(build: Build, rng: np.random.Generator) -> tuple[Field, npt.NDArray[np.bool_]]:
    """Scattered points (n, 3) inside the lungs, off the pleura, and which are left."""
    step = COARSE_MM
    at = Points(
        x=np.arange(-150.0, 150.0, step, dtype=np.float32)[None, None, :],
        y=np.arange(-115.0, 110.0, step, dtype=np.float32)[None, :, None],
        z=np.arange(-220.0, 120.0, step, dtype=np.float32)[:, None, None],
        pixel=step,
        thickness=step,
    )
    lung = lung_fields(at, build)
    room = (lung.share > 0.9) & (lung.cage < -2.5)
    s, r, c = np.nonzero(room)
    cells = np.stack([at.x[0, 0, c], at.y[0, r, 0], at.z[s, 0, 0]], axis=1)
    repeats = -(-3 * NUM_TIPS // min((cells[:, 0] > 0).sum(), (cells[:, 0] < 0).sum()))
    cells = np.repeat(cells, int(repeats), axis=0)
    points = cells + rng.uniform(-step / 2, step / 2, cells.shape).astype(np.float32)
    return points, cells[:, 0] > 0
