"""Two screeners on the same cases: is the difference more than chance?

Sources  DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, 837, computed by midranks as in Sun
         and Xu 2014, IEEE Signal Processing Letters 21, 1389, algorithm 2; McNemar 1947,
         Psychometrika 12, 153, as an exact binomial test; Holm 1979, Scandinavian Journal of
         Statistics 6, 65.

Shapes   K screeners, N cases, m positives, n negatives.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm, rankdata

from ctsieve.evaluation.intervals import LEVEL, patient_draws, percentile_interval
from ctsieve.evaluation.ranking import aucs
from ctsieve.evaluation.sample import Bools, Floats, Sample, need_both
from ctsieve.types.errors import InputRejected
from ctsieve.types.promise import promise
from ctsieve.types.report import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedAucs:
    """Two AUCs on the same independent cases, and their difference."""

    first: float
    second: float
    low: float
    """Of the difference first - second, 95 %."""
    high: float
    p: float
    """Two-sided, of no difference."""

    @property
    def difference(self) -> float:
        """First - second."""
        return self.first - self.second


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedCalls:
    """Cases that one screener calls rightly and the other wrongly."""

    only_first: int
    only_second: int
    p: float
    """Two-sided, exact, of both being equally likely."""


def delong(first: Sample, second: Sample) -> PairedAucs:
    """Compare two AUCs on the same cases.

    Raises:
        InputRejected: cases differ, are of one kind only, or several are of one patient.
    """
    _check_same(first, second)
    if not first.is_independent:
        raise InputRejected(
            f"{first.num_cases} cases are of {first.num_patients} patients",
            hint="DeLong's test takes cases for independent: give one case per patient",
        )
    scores = np.stack([first.probability, second.probability])
    area, covariance = auc_covariance(scores, first.positive)
    difference = float(area[0] - area[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    error = float(np.sqrt(max(variance, 0.0)))
    half = float(norm.ppf((1 + LEVEL) / 2)) * error
    # Scores that rank alike have no spread at all: there is no difference to be doubted.
    p = 1.0 if error < 1e-12 else 2.0 * float(norm.sf(abs(difference) / error))
    return PairedAucs(
        first=float(area[0]),
        second=float(area[1]),
        low=max(-1.0, difference - half),
        high=min(1.0, difference + half),
        p=p,
    )


def auc_covariance(scores: Floats, positive: Bools) -> tuple[Floats, Floats]:
    """AUCs (K,) of scores (K, N) and their covariance (K, K).

    Raises:
        InputRejected: there are fewer than two cases of either kind.
    """
    need_both(positive)
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        raise InputRejected(
            f"{m} positive and {n} negative cases have no spread",
            hint="a variance needs two cases of each kind",
        )
    whole = rankdata(scores, axis=1)
    up = (whole[:, positive] - rankdata(scores[:, positive], axis=1)) / n
    down = 1.0 - (whole[:, ~positive] - rankdata(scores[:, ~positive], axis=1)) / m
    covariance = np.atleast_2d(np.cov(up)) / m + np.atleast_2d(np.cov(down)) / n
    return np.asarray(up.mean(axis=1)), np.asarray(covariance)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnDifference:
    """First AUC - second with the interval of drawn patients, and how often they say otherwise."""

    figure: Figure
    p: float
    """Two-sided, of no difference: twice the share of draws on the far side of 0 (Efron and
    Tibshirani 1993, section 15.4); never below 2 / (draws + 1)."""


def auc_difference(first: Sample, second: Sample, *, seed: int = 0) -> Figure:
    """First AUC - second, its interval from draws of patients: cases may be of one patient.

    Raises:
        InputRejected: cases differ, or are of one kind only.
    """
    return drawn_difference(first, second, seed=seed).figure


def drawn_difference(first: Sample, second: Sample, *, seed: int = 0) -> DrawnDifference:
    """The same with a p value, for cases that are not independent.

    Raises:
        InputRejected: as `auc_difference`.
    """
    _check_same(first, second)
    need_both(first.positive)
    weight = patient_draws(first.patient, seed=seed)
    drawn = aucs(first, weight) - aucs(second, weight)
    drawn = drawn[np.isfinite(drawn)]
    fewer = min(int((drawn <= 0.0).sum()), int((drawn >= 0.0).sum()))
    p = min(1.0, 2.0 * (fewer + 1) / (drawn.size + 1))
    return DrawnDifference(figure=_drawn_figure(first, second, drawn), p=p)


def _drawn_figure(first: Sample, second: Sample, drawn: Floats) -> Figure:
    once = np.ones((1, first.num_cases), np.float32)
    low, high = percentile_interval(drawn)
    return Figure(
        value=float((aucs(first, once) - aucs(second, once))[0]),
        low=low,
        high=high,
        num_cases=first.num_cases,
        num_patients=first.num_patients,
    )


def mcnemar(first: Sample, second: Sample) -> PairedCalls:
    """Compare the calls of two screeners on the same independent cases.

    Raises:
        InputRejected: cases differ.
    """
    _check_same(first, second)
    right, other = first.called == first.positive, second.called == second.positive
    only_first, only_second = int((right & ~other).sum()), int((other & ~right).sum())
    discordant = only_first + only_second
    p = binomtest(only_first, discordant).pvalue if discordant else 1.0
    return PairedCalls(only_first=only_first, only_second=only_second, p=float(p))


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """P values adjusted for their number; the order stays.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        (0.03, 0.06, 0.06)
    """
    promise(all(0.0 <= value <= 1.0 for value in p), f"p values lie in [0, 1], got {p}")
    order = np.argsort(p, kind="stable")
    factor = len(p) - np.arange(len(p))
    stepped = np.minimum(1.0, np.maximum.accumulate(np.asarray(p)[order] * factor))
    adjusted = np.empty(len(p))
    adjusted[order] = stepped
    return tuple(float(v) for v in adjusted)


def _check_same(first: Sample, second: Sample) -> None:
    same = (
        first.num_cases == second.num_cases
        and bool((first.positive == second.positive).all())
        and bool((first.patient == second.patient).all())
    )
    if not same:
        raise InputRejected(
            "two screeners are compared on the same cases only",
            hint="score the same cases with both bundles",
        )
