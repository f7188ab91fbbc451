"""Masks as run lengths, the uncompressed RLE of MS COCO.

Source   Lin et al. 2014, ECCV (MS COCO), and its API's `size` and `counts`: lengths of runs along
         the columns, of pixels outside and inside in turn; the first counts those outside and may
         be 0.  pycocotools reads them with `frPyObjects`.

Shapes   R C rows and columns.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ctsieve.types.errors import InputRejected

Mask = npt.NDArray[np.bool_]


def run_lengths(mask: Mask) -> tuple[int, ...]:
    """The run lengths of a mask (R, C).

    Example:
        >>> run_lengths(np.array([[False, True], [True, True]]))
        (1, 3)
        >>> run_lengths(np.array([[True], [False]]))
        (0, 1, 1)
    """
    flat = mask.ravel(order="F")
    edges = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]])
    counts = tuple(int(n) for n in np.diff(edges))
    return (0, *counts) if flat.size and flat[0] else counts


def from_run_lengths(counts: Sequence[int], size: tuple[int, int]) -> Mask:
    """The mask (R, C) of some run lengths.

    Raises:
        InputRejected: the runs do not fill the mask.

    Example:
        >>> from_run_lengths((1, 3), (2, 2)).tolist()
        [[False, True], [True, True]]
    """
    pixels = size[0] * size[1]
    if min(counts, default=0) < 0 or sum(counts) != pixels:
        raise InputRejected(f"runs of {sum(counts)} pixels do not fill {size[0]} x {size[1]}")
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(size, order="F")
