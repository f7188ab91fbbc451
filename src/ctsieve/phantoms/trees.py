"""Trees inside the lungs: arteries, veins and bronchi that branch, taper and fill the space.

A tree grows towards scattered end points: each branch heads for the middle of its points, which
are then halved along their longest direction.  All branches of a generation are computed at once.
Radii follow Murray's law (C. D. Murray, PNAS 1926): a parent's cube is the sum of its children's,
here with exponent 2.9.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from ctsieve.phantoms.shapes import Field
from ctsieve.types.geometry import Geometry

MURRAY = 2.9
SAMPLES_PER_VOXEL = 10
BRONCHUS_SHARE = 0.66
"""A bronchus's inner radius as a share of its artery's outer one (about 0.65 in health)."""

PIECES = 4
"""Straight pieces that a curved branch is drawn with."""


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """Curved branches: quadratic Bezier curves with a radius at both ends."""

    start: Field
    """(n, 3) x, y, z."""
    bend: Field
    """(n, 3) the control point."""
    stop: Field
    start_radius: Field
    """(n,) mm."""
    stop_radius: Field
    generation: npt.NDArray[np.int64]

    def at(self, share: Field, which: npt.NDArray[np.int64]) -> Field:
        """Places (m, 3) at `share` (m,) of the way along branches `which` (m,)."""
        t = share[:, None]
        a, b, c = self.start[which], self.bend[which], self.stop[which]
        return np.asarray((1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c, dtype=np.float32)

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Branches":
        """The chosen branches."""
        return Branches(
            self.start[chosen],
            self.bend[chosen],
            self.stop[chosen],
            self.start_radius[chosen],
            self.stop_radius[chosen],
            self.generation[chosen],
        )

    def widened(self, factor: float, extra_mm: float) -> "Branches":
        """The same branches with larger radii."""
        return replace(
            self,
            start_radius=np.asarray(self.start_radius * factor + extra_mm, np.float32),
            stop_radius=np.asarray(self.stop_radius * factor + extra_mm, np.float32),
        )

    def pieces(self, chosen: npt.NDArray[np.bool_]) -> list[list[tuple[float, ...]]]:
        """Chosen branches as chains of (x, y, z, radius)."""
        which = np.flatnonzero(chosen)
        shares = np.linspace(0.0, 1.0, PIECES + 1, dtype=np.float32)
        index = np.repeat(which, PIECES + 1)
        share = np.tile(shares, len(which))
        places = self.at(share, index)
        radius = self.start_radius[index] * (1 - share) + self.stop_radius[index] * share
        rows = np.concatenate([places, radius[:, None]], axis=1).reshape(-1, PIECES + 1, 4)
        return [[tuple(float(v) for v in row) for row in chain] for chain in rows]


def grow(root: Field, heading: Field, ends: Field, *, tip_radius: float) -> Branches:
    """A tree from `root` (3,), leaving in direction `heading`, to `ends` (2**n, 3)."""
    generations = int(np.log2(len(ends)))
    groups = ends[None].astype(np.float32)
    nodes, headings = root[None].astype(np.float32), heading[None].astype(np.float32)
    parts: list[tuple[Field, ...]] = []
    for generation in range(generations + 1):
        last = generation == generations
        reach = np.float32(1.0 if last else 0.30 if generation < 2 else 0.43)
        stops = nodes + reach * (groups.mean(axis=1) - nodes)
        length = np.linalg.norm(stops - nodes, axis=1, keepdims=True)
        bends = nodes + 0.36 * length * headings
        radius = np.full(len(nodes), tip_radius * groups.shape[1] ** (1 / MURRAY), np.float32)
        ahead = radius * (0.72 if last else 2 ** (-1 / MURRAY) * 1.1)
        parts.append((nodes, bends, stops, radius, ahead, np.full(len(nodes), generation)))
        if last:
            break
        direction = stops - bends
        direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-6)
        groups = _halve(groups)
        nodes, headings = np.repeat(stops, 2, axis=0), np.repeat(direction, 2, axis=0)
    start, bend, stop, first, ahead, number = (np.concatenate(p) for p in zip(*parts, strict=True))
    return Branches(start, bend, stop, first, ahead, number.astype(np.int64))


def joined(trees: Sequence[Branches]) -> Branches:
    """All branches of several trees."""
    columns = ([getattr(tree, f.name) for tree in trees] for f in fields(Branches))
    return Branches(*(np.concatenate(column) for column in columns))


def beside(artery: Branches, *, generations: int, offset: Field) -> Branches:
    """Bronchi that run along the first generations of an artery, shifted by its radius."""
    keep = artery.generation < generations
    first, last = artery.start_radius[keep], artery.stop_radius[keep]
    near, far = offset * (first * 1.6 + 0.5)[:, None], offset * (last * 1.6 + 0.5)[:, None]
    return Branches(
        np.asarray(artery.start[keep] + near, np.float32),
        np.asarray(artery.bend[keep] + (near + far) / 2, np.float32),
        np.asarray(artery.stop[keep] + far, np.float32),
        np.asarray(first * BRONCHUS_SHARE, np.float32),
        np.asarray(last * BRONCHUS_SHARE, np.float32),
        artery.generation[keep],
    )


def splat(
    branches: Branches,
    grid: Geometry,
    rng: np.random.Generator,
    *,
    thickness: float,
) -> Field:
    """Share of every voxel that lies inside branches, by scattering points through them.

    A slice sees only what lies within `thickness` mm.  Exact on average for voxels of any size, so
    a thin vessel fades as a scanner would show it.
    """
    spacing = np.asarray(grid.spacing)
    seen = min(float(spacing[0]), thickness)
    voxel = seen * float(spacing[1] * spacing[2])
    radius = (branches.start_radius + branches.stop_radius) / 2
    lengths = np.linalg.norm(branches.stop - branches.start, axis=1)
    volumes = np.pi * radius**2 * lengths
    along = np.ceil(lengths / (0.5 * float(spacing[1:].min())))
    counts = (np.ceil(volumes / voxel * SAMPLES_PER_VOXEL) + along).astype(np.int64)
    weights = (volumes / counts / voxel).astype(np.float32)
    which = np.repeat(np.arange(len(counts)), counts)
    share = rng.random(len(which), dtype=np.float32)
    places = branches.at(share, which)
    height = (float(grid.affine[2, 3]) - places[:, 2]) / float(spacing[0])
    near = np.abs(height - np.round(height)) <= 0.5 * (seen + 1.0) / float(spacing[0])
    which, share, places = which[near], share[near], places[near]
    across = rng.standard_normal((len(which), 3), dtype=np.float32)
    tangent = (branches.stop - branches.start) / np.maximum(lengths, 1e-6)[:, None]
    along_it = tangent[which]
    across -= along_it * (across * along_it).sum(axis=1, keepdims=True)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    width = branches.start_radius[which] * (1 - share) + branches.stop_radius[which] * share
    width *= np.sqrt(rng.random(len(which), dtype=np.float32))
    return _scatter(places + across * width[:, None], weights[which], grid, seen)


def _scatter(places: Field, weights: Field, grid: Geometry, seen: float) -> Field:
    """Add weights at places (n, 3), shared between the four pixels around each in its slice."""
    index = (places[:, ::-1] - grid.affine[2::-1, 3].astype(np.float32)) / np.asarray(
        grid.spacing, np.float32
    )
    index[:, 0] *= -1.0
    number = np.round(index[:, 0])
    inside = np.abs(index[:, 0] - number) * grid.spacing[0] <= 0.5 * seen
    inside &= ((index > -0.5) & (index < np.asarray(grid.shape, np.float32) - 0.5)).all(axis=1)
    index, weights, number = index[inside], weights[inside], number[inside].astype(np.int64)
    _, rows, columns = grid.shape
    low = np.floor(index[:, 1:]).astype(np.int64)
    part = (index[:, 1:] - low).astype(np.float32)
    flats, shares = [], []
    for down, right in np.ndindex(2, 2):
        row = np.clip(low[:, 0] + down, 0, rows - 1)
        column = np.clip(low[:, 1] + right, 0, columns - 1)
        shares.append(weights * np.abs(1 - down - part[:, 0]) * np.abs(1 - right - part[:, 1]))
        flats.append((number * rows + row) * columns + column)
    size = int(np.prod(grid.shape))
    total = np.bincount(np.concatenate(flats), np.concatenate(shares), minlength=size)
    return np.minimum(total, 1.0).astype(np.float32).reshape(grid.shape)


def _halve(groups: Field) -> Field:
    """Each group (g, m, 3) split in two (2g, m/2, 3) across its longest direction."""
    centred = groups - groups.mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(np.einsum("gmi,gmj->gij", centred, centred))
    order = np.argsort(np.einsum("gmi,gi->gm", centred, axes[:, :, -1]), axis=1, kind="stable")
    ordered = np.take_along_axis(groups, order[:, :, None], axis=1)
    return ordered.reshape(2 * len(groups), -1, 3)
