"""How much each class weighs in a loss, from how often it occurs."""

import numpy as np
import numpy.typing as npt

from ctsieve.types.errors import InputRejected


def rarest_first(counts: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Weights min(count) / count: 1 for the rarest class, less for all others.

    This is what the ATT2 paper's code means by "inversely proportional to the class frequencies";
    it divides the summed loss by the batch size, not by the sum of these weights.

    Raises:
        InputRejected: a class never occurs.

    Example:
        >>> rarest_first([4, 1, 2])
        array([0.25, 1.  , 0.5 ])
    """
    number = np.asarray(counts, dtype=np.float64)
    if number.size == 0 or (number <= 0).any():
        raise InputRejected(f"every class must occur, got the counts {number.tolist()}")
    weights: npt.NDArray[np.float64] = number.min() / number
    return weights
