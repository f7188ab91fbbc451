"""The domes of the diaphragm: islands of belly in a slice of the lungs.

A slice through the top of a dome shows liver or spleen with lung all around it, which filling holes
would count as lung.  What tells it from an opacity is the next slice towards the feet: a dome only
grows on its way down, until it is one with the belly.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.ops.coarse import CoarseGrid
from ctsieve.ops.morphology import dilate, opened

BoolArray = npt.NDArray[np.bool_]

LEAST_DOME_CM2 = 4.0
"""Smaller islands are vessels and opacities; of a dome only the tip is lost to the lungs."""
LEAST_BELOW = 0.9
"""Share of an island that must lie on belly in the next slice towards the feet."""


def find_domes(filled: BoolArray, aerated: BoolArray, grid: CoarseGrid) -> BoolArray:
    """Which filled holes (s, r, c) are domes of the diaphragm; slices run from head to feet.

    Nothing is said of the last slice: what would lie below it is not known.
    """
    holes = filled & ~aerated
    islands = opened(holes)
    least = LEAST_DOME_CM2 / grid.cell_cm2
    domes = np.zeros_like(holes)
    wide = np.flatnonzero(np.count_nonzero(islands, axis=(1, 2)) >= least)
    for s in (int(s) for s in wide[::-1] if s + 1 < len(holes)):
        belly = ~filled[s + 1] | domes[s + 1]
        domes[s] = _standing_on(islands[s], belly, least)
    # What the opening took from the islands' edges comes back.
    return dilate(domes) & holes


def _standing_on(islands: BoolArray, below: BoolArray, least: float) -> BoolArray:
    labels, num_labels = ndimage.label(islands)
    cells = np.bincount(labels.ravel(), minlength=num_labels + 1)
    resting = np.bincount(labels[below], minlength=num_labels + 1)
    dome = (cells >= least) & (resting >= LEAST_BELOW * cells)
    dome[0] = False
    return np.asarray(dome[labels])
