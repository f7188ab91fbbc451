"""Occlusion: hide a part, ask again, and see how far the score falls.  It needs no gradient.

Paper    Zeiler, Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section
         4.2.  None of the papers here checks its maps; `faithfulness` checks any map this way, by
         hiding the cells that it calls hot (deletion; Petsiuk et al., "RISE", BMVC 2018).
Differs  What is hidden becomes as grey as its slice is on average.  A network of scans, which has
         one score for all slices, is asked with runs of slices hidden, not with parts of slices.

Shapes   S judged slices, H W rows and columns of the network's input.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.explain._laid_out import coarse_grid, laid_out
from ctsieve.ops.prepare import Prepared
from ctsieve.ops.resample import resample
from ctsieve.types.cards import ExplainerCard
from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import promise
from ctsieve.types.results import Explanation

Float32 = npt.NDArray[np.float32]
Score = Callable[[Float32], Float32]
"""Asks the network: slices (S, 1, H, W) in [0, 1] to scores (S,), or (1,) of the one scan."""

CELLS = 8
"""Rows and columns of the cells that are hidden one at a time."""
RUNS = 12
"""Runs of slices that are hidden one at a time, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faithfulness:
    """How far the mean score falls without the hottest cells, and without as many others."""

    hottest: float
    random: float
    share: float
    """Of each slice's cells, those hidden."""


def explain(
    score: Score, prepared: Prepared, geometry: Geometry, *, label: str, cells: int = CELLS
) -> Explanation:
    """Where hiding lowers the score of `label`, on `geometry`; rises are not shown.

    The network is asked `cells` squared times, a network of scans `RUNS` times.
    """
    before = score(prepared.x)
    if before.shape == (1,) and prepared.index.size > 1:
        falls = _falls_of_slices(score, prepared.x, float(before[0]))
    else:
        falls = _falls_of_cells(score, prepared.x, before, cells)
    return laid_out(falls, prepared, geometry, method="Occlusion", label=label)


def faithfulness(
    score: Score,
    prepared: Prepared,
    explanation: Explanation,
    *,
    share: float = 0.1,
    cells: int = CELLS,
    seed: int = 0,
) -> Faithfulness:
    """Whether the score depends on what `explanation` calls hot more than on cells at random.

    In each slice the `share` of its cells that are hottest is hidden, then as many at random.
    """
    grid = coarse_grid(prepared, cells, cells)
    on_grid = resample(explanation.heat, source=explanation.geometry, target=grid)
    heat = on_grid[prepared.index - prepared.index[0]].reshape(prepared.index.size, -1)
    number = max(1, round(share * cells**2))
    before = float(score(prepared.x).mean())

    def fall(order: npt.NDArray[np.int64]) -> float:
        hidden = np.zeros(heat.shape, dtype=np.bool_)
        np.put_along_axis(hidden, order[:, :number], values=True, axis=1)
        return before - float(score(_hidden(prepared.x, hidden.reshape(-1, cells, cells))).mean())

    random = np.random.default_rng(seed).random(heat.shape)
    return Faithfulness(
        hottest=fall(np.argsort(-heat, axis=1, kind="stable")),
        random=fall(np.argsort(random, axis=1)),
        share=number / cells**2,
    )


def _falls_of_cells(score: Score, x: Float32, before: Float32, cells: int) -> Float32:
    """How far each slice's score falls without each of its cells, (S, cells, cells)."""
    promise(before.shape == (len(x),), "a network of slices gives each slice a score")
    falls = np.empty((len(x), cells, cells), dtype=np.float32)
    for row, column in np.ndindex(cells, cells):
        hidden = np.zeros((len(x), cells, cells), dtype=np.bool_)
        hidden[:, row, column] = True
        falls[:, row, column] = before - score(_hidden(x, hidden))
    return falls


def _falls_of_slices(score: Score, x: Float32, before: float) -> Float32:
    """How far the scan's score falls without each run of slices, (S, 1, 1)."""
    falls = np.empty((len(x), 1, 1), dtype=np.float32)
    for run in np.array_split(np.arange(len(x)), min(RUNS, len(x))):
        hidden = np.zeros((len(x), 1, 1), dtype=np.bool_)
        hidden[run] = True
        falls[run] = before - float(score(_hidden(x, hidden))[0])
    return falls


def _hidden(x: Float32, cells: npt.NDArray[np.bool_]) -> Float32:
    """The slices with the cells marked in (S, rows, columns) as grey as the slice on average."""
    rows, columns = (
        np.arange(size) * number // size
        for size, number in zip(x.shape[2:], cells.shape[1:], strict=True)
    )
    mask = cells[:, rows][:, :, columns][:, None]
    grey: Float32 = np.where(mask, x.mean(axis=(2, 3), keepdims=True), x)
    return grey


CARD = ExplainerCard(
    title="Occlusion (asks the network again with parts hidden)",
    paper="https://arxiv.org/abs/1311.2901",
    explain=explain,
)
