"""Whether two readers agree beyond chance.

Source   Cohen 1960, Educational and Psychological Measurement 20, 37: kappa and its large-sample
         standard error.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ctsieve.types.promise import promise

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Cohen's kappa with a 95 % interval; None where chance alone explains everything."""

    kappa: float | None
    interval: tuple[float, float] | None
    n: int


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Agreement of two readers about the same cases.

    Example:
        >>> cohen_kappa(["a", "a", "b", "b"], ["a", "a", "b", "a"]).kappa
        0.5
    """
    promise(len(first) == len(second), "both readers judged every case")
    n = len(first)
    if n == 0:
        return Agreement(kappa=None, interval=None, n=0)
    one, other = Counter(first), Counter(second)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    chance = sum(one[label] * other[label] for label in one) / n**2
    if chance == 1.0:
        return Agreement(kappa=None, interval=None, n=n)
    kappa = (observed - chance) / (1 - chance)
    error = float(np.sqrt(observed * (1 - observed) / n)) / (1 - chance)
    low, high = max(-1.0, kappa - Z_95 * error), min(1.0, kappa + Z_95 * error)
    return Agreement(kappa=kappa, interval=(low, high), n=n)
