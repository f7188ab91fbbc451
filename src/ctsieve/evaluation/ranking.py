"""How well scores rank positives above negatives: ROC and precision-recall, curve and area.

Sources  AUC as the normalised Mann-Whitney U, ties count half (Hanley and McNeil 1982, Radiology
         143, 29).  AP is the step sum of precision over recall; AUC-PR joins the same points by
         straight lines, which is what the series paper's table 2 lists beside AP, and is too good
         where the points lie far apart (Davis and Goadrich 2006, ICML).

Every number is computed for many weightings of the cases at once, from scores sorted once: weights
of one give the number itself, weights drawn by patient its interval.

Shapes   D weightings, N cases, G different scores (from the lowest).
"""

from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.intervals import Weights
from ctsieve.evaluation.sample import Bools, Floats, Names, Sample, need_both


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Points of a curve, from the highest cut to the lowest."""

    x: Floats
    y: Floats
    cut: Floats
    """At or above it a case is called; infinity where no case is."""


def auc(score: Floats, positive: Bools) -> float:
    """Area under the ROC curve of scores (N,); ties count half.

    Raises:
        InputRejected: one of the two groups is empty.

    Example:
        >>> auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
        0.875
    """
    need_both(positive)
    return float(_aucs(score, positive, np.ones((1, score.size), np.float32))[0])


def aucs(sample: Sample, weight: Weights) -> Floats:
    """Weighted AUC of every weighting (D,); NaN where one has one kind only."""
    return _aucs(sample.probability, sample.positive, weight)


def aucs_within(sample: Sample, group: Names, weight: Weights) -> Floats:
    """AUC (D,) over those pairs only whose two cases are of one group (N,); NaN without any."""
    won, pairs = np.zeros(len(weight)), np.zeros(len(weight))
    for name in np.unique(group):
        own = group == name
        more_won, more = _pairs(sample.probability[own], sample.positive[own], weight[:, own])
        won, pairs = won + more_won, pairs + more
    return np.asarray(np.divide(won, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0))


def average_precisions(sample: Sample, weight: Weights) -> Floats:
    """Weighted AP (D,): the sum of precision at every score times the recall gained there."""
    recall, precision = _recall_and_precision(sample, weight)
    gained = np.diff(recall, axis=1, prepend=np.float32(0))
    return np.asarray((gained * precision).sum(axis=1, dtype=np.float64))


def precision_recall_areas(sample: Sample, weight: Weights) -> Floats:
    """Weighted area (D,) under straight lines between the points of precision over recall."""
    recall, precision = _recall_and_precision(sample, weight)
    gained = np.diff(recall, axis=1, prepend=np.float32(0))
    # No case called has recall 0 and no precision; 1 is taken, as scikit-learn does.
    first = np.ones((len(precision), 1), np.float32)
    before = np.concatenate([first, precision[:, :-1]], axis=1)
    return np.asarray((gained * (precision + before) / 2).sum(axis=1, dtype=np.float64))


def roc_curve(sample: Sample) -> Curve:
    """False positive rate and sensitivity at every cut.

    Raises:
        InputRejected: one of the two groups is empty.
    """
    need_both(sample.positive)
    cut, up, down = _from_the_top(sample)
    return Curve(
        x=np.concatenate([[0.0], down / down[-1]]),
        y=np.concatenate([[0.0], up / up[-1]]),
        cut=np.concatenate([[np.inf], cut]),
    )


def precision_recall_curve(sample: Sample) -> Curve:
    """Recall and precision at every cut.

    Raises:
        InputRejected: one of the two groups is empty.
    """
    need_both(sample.positive)
    cut, up, down = _from_the_top(sample)
    return Curve(x=up / up[-1], y=up / (up + down), cut=cut)


def roc_band(sample: Sample, weight: Weights, *, at: Floats) -> Floats:
    """Sensitivities (D, F) at false positive rates (F,) under every weighting, by straight lines.

    Weightings that have one kind only are left out.
    """
    false, true = roc_points(sample, weight)
    both = np.isfinite(false[:, -1] + true[:, -1])
    pairs = zip(false[both], true[both], strict=True)
    return np.array([np.interp(at, x, y) for x, y in pairs]).reshape(-1, at.size)


def roc_points(sample: Sample, weight: Weights) -> tuple[Floats, Floats]:
    """False positive rates and sensitivities (D, G + 1) from the highest cut, first of no call.

    A weighting without negatives has no false positive rate but NaN, one without positives no
    sensitivity.
    """
    found = []
    for kind in _by_score(sample.probability, sample.positive, weight)[::-1]:
        total = kind.sum(axis=1, dtype=np.float64, keepdims=True)
        reached = np.zeros((len(kind), kind.shape[1] + 1))
        np.cumsum(kind[:, ::-1], axis=1, out=reached[:, 1:])
        found.append(np.divide(reached, total, out=np.full_like(reached, np.nan), where=total > 0))
    return found[0], found[1]


def _from_the_top(sample: Sample) -> tuple[Floats, Floats, Floats]:
    """Different scores from the highest, and how many positives and negatives reach each."""
    cut, group = np.unique(sample.probability, return_inverse=True)
    up = np.bincount(group, weights=sample.positive, minlength=cut.size)[::-1].cumsum()
    down = np.bincount(group, weights=~sample.positive, minlength=cut.size)[::-1].cumsum()
    return cut[::-1], up, down


def _by_score(score: Floats, positive: Bools, weight: Weights) -> tuple[Weights, Weights]:
    """Weights of positives and of negatives at every different score, lowest first: (D, G).

    They are counts, which 32 bits hold exactly up to 16 million cases.
    """
    _, group = np.unique(score, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(int(group.max()) + 1))
    sorted_weight, kind = weight[:, order], positive[order]
    ups, downs = sorted_weight * kind, sorted_weight * ~kind
    if starts.size < order.size:
        ups, downs = (np.add.reduceat(w, starts, axis=1) for w in (ups, downs))
    return ups, downs


def _aucs(score: Floats, positive: Bools, weight: Weights) -> Floats:
    won, pairs = _pairs(score, positive, weight)
    return np.asarray(np.divide(won, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0))


def _pairs(score: Floats, positive: Bools, weight: Weights) -> tuple[Floats, Floats]:
    """Pairs of a positive and a negative that are ordered rightly, and all of them: (D,) each."""
    ups, downs = _by_score(score, positive, weight)
    below = np.cumsum(downs, axis=1) - downs / 2
    pairs = ups.sum(axis=1, dtype=np.float64) * downs.sum(axis=1, dtype=np.float64)
    return np.asarray((ups * below).sum(axis=1, dtype=np.float64)), np.asarray(pairs)


def _recall_and_precision(sample: Sample, weight: Weights) -> tuple[Weights, Weights]:
    """At every different score, highest first: (D, G) each; NaN recall without any positive."""
    ups, downs = _by_score(sample.probability, sample.positive, weight)
    up = ups[:, ::-1].cumsum(axis=1)
    called = up + downs[:, ::-1].cumsum(axis=1)
    total = up[:, -1:]
    recall = np.divide(up, total, out=np.full_like(up, np.nan), where=total > 0)
    # A score that no drawn case has gains no recall, so its precision never counts.
    precision = np.divide(up, called, out=np.ones_like(up), where=called > 0)
    return recall, precision
