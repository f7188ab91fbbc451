"""How well scores part two groups: AUC, sensitivity and specificity, each with an interval.

Sources  AUC as the normalised Mann-Whitney U, ties count half (Hanley and McNeil 1982).  Intervals:
         percentile bootstrap that draws whole patients, so that several images of one patient
         are not taken for independent ones (Efron and Tibshirani 1993, chapter 13); proportions
         over independent patients also have Wilson's interval (Wilson 1927).
"""

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, rankdata

from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Figure

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]

DRAWS = 2000
LEVEL = 0.95


def auc(score: Floats, positive: Bools) -> float:
    """Area under the ROC curve of scores (N,); ties count half.

    Raises:
        InputRejected: one of the two groups is empty, or a score is not finite.

    Example:
        >>> auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
        0.875
    """
    _check(score, positive)
    ranks = rankdata(score)
    num_positive, num_negative = int(positive.sum()), int((~positive).sum())
    above = ranks[positive].sum() - num_positive * (num_positive + 1) / 2
    return float(above / (num_positive * num_negative))


def auc_figure(score: Floats, positive: Bools, patients: Names, *, seed: int = 0) -> Figure:
    """AUC with a 95 % interval from `DRAWS` draws of patients.

    A draw weights every patient by how often it came up; weighted AUCs of all draws are computed
    at once from the scores sorted once.
    """
    _check(score, positive)
    weight = _draws(patients, seed)
    values = _weighted_aucs(score, positive, weight)
    low, high = np.nanpercentile(values, (50 * (1 - LEVEL), 50 * (1 + LEVEL)))
    return Figure(
        value=auc(score, positive),
        low=float(low),
        high=float(high),
        num_cases=score.size,
        num_patients=np.unique(patients).size,
    )


def share_figure(hit: Bools, patients: Names, *, seed: int = 0) -> Figure:
    """A share of cases (sensitivity, specificity, ...) with its interval.

    Wilson's where every patient has one case, the bootstrap over patients otherwise.

    Raises:
        InputRejected: there is no case to count.
    """
    if hit.size == 0:
        raise InputRejected("there is no case to count a share on")
    value = float(hit.mean())
    num_patients = np.unique(patients).size
    if num_patients == hit.size:
        low, high = wilson(int(hit.sum()), hit.size)
    else:
        weight = _draws(patients, seed)
        shares = (weight @ hit) / weight.sum(axis=1)
        low, high = np.percentile(shares, (50 * (1 - LEVEL), 50 * (1 + LEVEL)))
    return Figure(
        value=value,
        low=float(low),
        high=float(high),
        num_cases=hit.size,
        num_patients=num_patients,
    )


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a proportion.

    Example:
        >>> tuple(round(v, 4) for v in wilson(9, 10))
        (0.5958, 0.9821)
    """
    z = float(norm.ppf((1 + LEVEL) / 2))
    share = hits / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _check(score: Floats, positive: Bools) -> None:
    if not np.isfinite(score).all():
        raise InputRejected(f"{int((~np.isfinite(score)).sum())} scores are not finite")
    if positive.all() or not positive.any():
        only = "positive" if positive.any() else "negative"
        raise InputRejected(
            f"all {positive.size} cases are {only}", hint="an AUC needs cases of both kinds"
        )


def _draws(patients: Names, seed: int) -> Floats:
    """Weights (DRAWS, N): how often each case's patient came up in each draw of patients."""
    _, index = np.unique(patients, return_inverse=True)
    count = int(index.max()) + 1
    random = np.random.default_rng(seed)
    drawn = random.integers(0, count, size=(DRAWS, count))
    times = np.zeros((DRAWS, count))
    np.add.at(times, (np.arange(DRAWS)[:, None], drawn), 1.0)
    return np.asarray(times[:, index])


def _weighted_aucs(score: Floats, positive: Bools, weight: Floats) -> Floats:
    """Weighted AUC of every draw (DRAWS,); NaN where a draw has one kind only."""
    _, group = np.unique(score, return_inverse=True)
    num_groups = int(group.max()) + 1
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(num_groups))
    ups = np.add.reduceat(weight[:, order] * positive[order], starts, axis=1)
    downs = np.add.reduceat(weight[:, order] * ~positive[order], starts, axis=1)
    below = np.cumsum(downs, axis=1) - downs / 2
    pairs = ups.sum(axis=1) * downs.sum(axis=1)
    won = (ups * below).sum(axis=1)
    shares = np.divide(won, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    return np.asarray(shares)
