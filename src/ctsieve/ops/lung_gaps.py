"""What is dense in the lungs and looks like chest wall to a threshold: vessels, opacities.

Gaps are closed by rolling a ball around each lung: a small one everywhere, a large one on the
costal side, where lungs are smooth and convex and the opacities of pneumonia like to lie.  Against
heart, spine and diaphragm lungs are dented by nature, and a large ball would fill these dents.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.ops.coarse import CoarseGrid
from ctsieve.ops.lung_domes import find_domes
from ctsieve.ops.morphology import ALL_ROUND, fill_slices

BoolArray = npt.NDArray[np.bool_]

CLOSING_GRID_MM = 6.4
"""Largest cell of the grid on which gaps are closed: Euclidean distances are dear."""
CLOSING_MM = 18.0
"""Radius of the ball that closes gaps everywhere."""
COSTAL_CLOSING_MM = 45.0
"""Radius of the ball that closes dents of the costal side."""
MIDLINE_SLOPE = 0.55
"""Within this slope (29 degrees) of straight forward or back lie sternum and spine, not ribs."""
LEAST_DENT_ML = 1.0
"""Smaller dents of the costal side are the steps of a coarse grid."""
NUM_DIRECTIONS = 96
"""Directions from between the lungs in which their outermost cell is sought."""


class Closed(NamedTuple):
    """Lungs with their gaps filled, and which cells (s, r, c) were dents of the costal side."""

    lungs: BoolArray
    costal_gaps: BoolArray


def close_gaps(aerated: BoolArray, grid: CoarseGrid) -> Closed:
    """The lungs (s, r, c) with holes and dents filled, each side alone so that none is bridged.

    Domes of the diaphragm are holes of a slice and stay outside.
    """
    every = [max(1, int(CLOSING_GRID_MM / mm)) for mm in grid.spacing]
    first = [min(n // 2, size - 1) for n, size in zip(every, aerated.shape, strict=True)]
    coarser = aerated[tuple(slice(a, None, n) for a, n in zip(first, every, strict=True))]
    spacing = tuple(n * mm for n, mm in zip(every, grid.spacing, strict=True))
    middle = split_column(aerated)
    costal = _costal(coarser, middle // every[2], spacing)
    lungs, gaps = np.empty_like(aerated), np.zeros_like(coarser)
    for side, small in (
        (np.s_[:, :, :middle], np.s_[:, :, : -(-middle // every[2])]),
        (np.s_[:, :, middle:], np.s_[:, :, middle // every[2] :]),
    ):
        alone = np.zeros_like(coarser)
        alone[small] = coarser[small]
        added = _closed(alone, costal, spacing) & ~alone
        gaps |= added
        closed = aerated[side] | _repeated(added, every, aerated.shape)[side]
        filled = fill_slices(closed)
        lungs[side] = filled & ~find_domes(filled, closed, grid)
    dents = _large(gaps & costal, spacing)
    return Closed(lungs, _repeated(dents, every, aerated.shape) & lungs & ~aerated)


def _large(mask: BoolArray, spacing: tuple[float, ...]) -> BoolArray:
    labels, num_labels = ndimage.label(mask, ALL_ROUND)
    cells = np.bincount(labels.ravel(), minlength=num_labels + 1)
    large = cells * float(np.prod(spacing)) / 1000.0 >= LEAST_DENT_ML
    large[0] = False
    return np.asarray(large[labels])


def split_column(lungs: BoolArray) -> int:
    """The column with least lung between the two lungs: where left and right are parted."""
    counts = np.count_nonzero(lungs, axis=(0, 1))
    so_far = np.cumsum(counts)
    low, high = (int(np.searchsorted(so_far, share * so_far[-1])) for share in (0.3, 0.7))
    between = counts[low : high + 1]
    least = np.flatnonzero(between == between.min())
    return low + int(least[len(least) // 2])


def _costal(lungs: BoolArray, middle: int, spacing: tuple[float, ...]) -> BoolArray:
    """Cells (s, r, c) with no lung beyond them, seen from between the lungs: towards the ribs."""
    num_slices, num_rows, num_columns = lungs.shape
    row = float(np.average(np.arange(num_rows), weights=lungs.sum(axis=(0, 2)) + 1e-9))
    down = (np.arange(num_rows) - row)[:, None] * spacing[1]
    right = (np.arange(num_columns) - middle)[None, :] * spacing[2]
    radius = np.hypot(down, right)
    turn = (np.arctan2(down, right) / (2 * np.pi) + 0.5) * NUM_DIRECTIONS
    direction = np.minimum(turn.astype(np.int64), NUM_DIRECTIONS - 1)
    outermost = np.zeros((num_slices, NUM_DIRECTIONS))
    s, r, c = np.nonzero(lungs)
    np.maximum.at(outermost, (s, direction[r, c]), radius[r, c])
    beside = np.abs(right) > MIDLINE_SLOPE * np.abs(down)
    return np.asarray((radius >= outermost[:, direction]) & beside)


def _closed(lung: BoolArray, costal: BoolArray, spacing: tuple[float, ...]) -> BoolArray:
    """One lung closed by the small ball, and by the large one where `costal`.

    Beyond the first and the last slice they are thought to go on as they are.
    """
    if not lung.any():
        return lung
    # A closing stays inside the box of its mask, and distances in it cost far less.
    box = ndimage.find_objects(lung.astype(np.uint8))[0]
    pad = [int(COSTAL_CLOSING_MM / mm) + 1 for mm in spacing]
    padded = np.pad(lung[box], [(n, n) if axis else (0, 0) for axis, n in enumerate(pad)])
    padded = np.pad(padded, [(pad[0], pad[0]), (0, 0), (0, 0)], mode="edge")
    away = ndimage.distance_transform_edt(~padded, sampling=spacing)
    inner = tuple(slice(n, size - n) for n, size in zip(pad, padded.shape, strict=True))
    small, large = (
        ndimage.distance_transform_edt(away <= radius, sampling=spacing)[inner] > radius
        for radius in (CLOSING_MM, COSTAL_CLOSING_MM)
    )
    closed = lung.copy()
    closed[box] |= small | (large & costal[box])
    return closed


def _repeated(mask: BoolArray, every: list[int], shape: tuple[int, ...]) -> BoolArray:
    for axis, (n, size) in enumerate(zip(every, shape, strict=True)):
        mask = mask.take(np.minimum(np.arange(size) // n, mask.shape[axis] - 1), axis=axis)
    return mask
