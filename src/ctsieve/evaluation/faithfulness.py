"""Does the score depend on what the explanation shows?

Source   Petsiuk, Das and Saenko 2018, BMVC (deletion and insertion: hide, or bring back, the cells
         from the hottest to the coldest, and take the mean score on the way); Adebayo et al. 2018,
         NeurIPS (sanity check: a map that random weights give as well explains nothing).
Differs  What is hidden becomes as grey as its slice is on average.  Beside each number stands the
         same for cells in random order, for a score falls too when anything is hidden.

Shapes   S slices, H W rows and columns of the network's input, C cells a side, K steps.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Float32 = npt.NDArray[np.float32]
Score = Callable[[Float32], Float32]
"""Slices (S, 1, H, W) in [0, 1] to the probability of each (S,)."""

CELLS = 8
STEPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFaithfulness:
    """Mean scores while cells are hidden or brought back, hottest first and at random."""

    deletion: float
    """The lower, the more the score needs what is hot."""
    deletion_random: float
    insertion: float
    """The higher, the more what is hot suffices."""
    insertion_random: float


def deletion_and_insertion(
    score: Score, x: Float32, heat: Float32, *, seed: int = 0
) -> CaseFaithfulness:
    """Both curves' means for slices x (S, 1, H, W) with maps heat (S, h, w)."""
    by_heat = np.stack([_order(cell_means(plane, CELLS).ravel()) for plane in heat])
    random = np.random.default_rng(seed)
    at_random = np.stack([random.permutation(CELLS**2) for _ in heat])
    return CaseFaithfulness(
        deletion=_mean_score(score, x, by_heat, hide=True),
        deletion_random=_mean_score(score, x, at_random, hide=True),
        insertion=_mean_score(score, x, by_heat, hide=False),
        insertion_random=_mean_score(score, x, at_random, hide=False),
    )


def mass_inside(
    heat: npt.NDArray[np.floating], lungs: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """Share of the heat that lies inside the lungs, and the share of the image that they are.

    Both arrays lie on one grid; NaN where there is no heat at all.
    """
    values = heat.astype(np.float64)
    total = float(values.sum())
    inside = float(values[lungs].sum()) / total if total > 0 else float("nan")
    return inside, float(lungs.mean())


def likeness(first: Float32, second: Float32) -> float:
    """Spearman's correlation of two sets of maps of one shape; 0 where one of them is flat."""
    a, b = (rankdata(m.ravel()) for m in (first, second))
    spread = float(a.std() * b.std())
    if spread == 0.0:
        return 0.0
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread)


def cell_means(plane: Float32, cells: int) -> Float32:
    """Mean of a map (h, w) over cells x cells boxes; smaller maps are spread first."""
    rows, columns = (np.linspace(0, n, cells + 1) for n in plane.shape)
    table = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1))
    table[1:, 1:] = plane.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    corner = _between(_between(table, rows).T, columns).T
    boxes = np.diff(np.diff(corner, axis=0), axis=1)
    area = np.outer(np.diff(rows), np.diff(columns))
    return np.asarray(boxes / area, dtype=np.float32)


def _between(
    table: npt.NDArray[np.float64], at: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Rows of `table` at fractional places, by straight lines."""
    low = np.minimum(at.astype(np.intp), table.shape[0] - 2)
    part = (at - low)[:, None]
    return np.asarray(table[low] * (1 - part) + table[low + 1] * part)


def _order(values: Float32) -> npt.NDArray[np.intp]:
    return np.argsort(-values, kind="stable")


def _mean_score(score: Score, x: Float32, order: npt.NDArray[np.intp], *, hide: bool) -> float:
    """Mean over steps of the mean score while cells in `order` (S, C*C) are hidden or shown."""
    grey = np.broadcast_to(x.mean(axis=(2, 3), keepdims=True), x.shape)
    total = order.shape[1]
    means = []
    for step in range(STEPS + 1):
        count = round(total * step / STEPS)
        touched = np.zeros(order.shape, dtype=np.bool_)
        np.put_along_axis(touched, order[:, :count], True, axis=1)
        shown = ~touched if hide else touched
        mask = _as_pixels(shown.reshape(len(x), CELLS, CELLS), x.shape[2:])[:, None]
        means.append(float(score(np.where(mask, x, grey).astype(np.float32)).mean()))
    return float(np.trapezoid(means, dx=1.0 / STEPS))


def _as_pixels(cells: npt.NDArray[np.bool_], size: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    rows, columns = (np.arange(n) * CELLS // n for n in size)
    return np.asarray(cells[:, rows[:, None], columns[None, :]])
