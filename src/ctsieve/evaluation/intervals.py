"""95 % intervals: Wilson's for proportions, and a bootstrap that draws whole patients.

Sources  Wilson 1927, Journal of the American Statistical Association 22, 209; Efron and Tibshirani
         1993, An Introduction to the Bootstrap, chapter 13 (percentile interval).  Whole patients
         are drawn, so that several images of one patient are not taken for independent ones
         (Davison and Hinkley 1997, section 3.8).

Shapes   D draws, N cases, P patients.
"""

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from ctsieve.evaluation.sample import Floats, Names

DRAWS = 2000
LEVEL = 0.95
TAILS = (50.0 * (1.0 - LEVEL), 50.0 * (1.0 + LEVEL))
NO_WIDTH = 1e-6
"""Draws that differ by less differ by rounding only."""
Weights = npt.NDArray[np.float32]
"""(D, N): how often a case counts in a draw."""


def patient_draws(patient: Names, *, draws: int = DRAWS, seed: int = 0) -> Weights:
    """How often each case's patient came up in each draw of as many patients as there are.

    Patients are drawn in the order of their names, so that the order of the cases does not matter.
    """
    _, index = np.unique(patient, return_inverse=True)
    count = int(index.max()) + 1
    random = np.random.default_rng(seed)
    drawn = random.integers(0, count, size=(draws, count))
    drawn += np.arange(draws)[:, None] * count
    times = np.bincount(drawn.ravel(), minlength=draws * count).reshape(draws, count)
    return np.asarray(times.astype(np.float32)[:, index])


def percentile_interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of drawn values (D,); draws that do not define one are left out."""
    defined = values[np.isfinite(values)]
    if defined.size == 0:
        return float("nan"), float("nan")
    low, high = np.percentile(defined, TAILS)
    return float(low), float(high)


def share_interval(drawn: Floats, value: float, patients: int) -> tuple[float, float]:
    """The middle 95 % of drawn values (D,) of something between 0 and 1, whose value is `value`.

    Where all draws are the same, Wilson's for as many patients: 134 of 134 right calls are no
    certainty, though every draw of them is right, nor is a mean of nothing but zeros.

    Example:
        >>> tuple(round(v, 3) for v in share_interval(np.zeros(100), 0.0, 12))
        (0.0, 0.242)
    """
    low, high = percentile_interval(drawn)
    return wilson(value * patients, patients) if high - low < NO_WIDTH else (low, high)


def wilson(hits: float, total: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a proportion; hits may be the share of so many patients.

    Example:
        >>> tuple(round(v, 4) for v in wilson(9, 10))
        (0.5958, 0.9821)
    """
    z = float(norm.ppf((1 + LEVEL) / 2))
    share = hits / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    # At the ends rounding alone would take the value out of its own interval.
    return min(share, max(0.0, float(centre - half))), max(share, min(1.0, float(centre + half)))
