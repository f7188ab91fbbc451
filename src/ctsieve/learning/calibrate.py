"""Numbers a recipe needs, fitted on the tune side: calibration and thresholds.

Sources  Platt 1999 (scaling with the target correction of section 2.2); Youden 1950 (the cut that
         maximises sensitivity + specificity - 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize

from ctsieve.types.promise import promise

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STEEPEST = 10.0
"""Slopes lie between this and its inverse: separable scores would ask for an infinite one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platt:
    """probability = sigmoid(slope * logit + intercept)."""

    slope: float
    intercept: float

    def __call__(self, logit: Floats) -> Floats:
        """Calibrated probabilities."""
        return np.asarray(1.0 / (1.0 + np.exp(-(self.slope * logit + self.intercept))))


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A cut on the probability with what it does on the data it was chosen on."""

    threshold: float
    sensitivity: float
    specificity: float


def fit_platt(logit: Floats, positive: Bools, weight: Floats | None = None) -> Platt:
    """Platt scaling by maximum likelihood; positives and negatives count as `weight` says.

    Targets are drawn in from 0 and 1 as Platt proposes, so that few cases give no certainty.
    """
    num_positive, num_negative = int(positive.sum()), int((~positive).sum())
    promise(num_positive > 0 and num_negative > 0, "calibration needs both labels")
    high, low = (num_positive + 1) / (num_positive + 2), 1 / (num_negative + 2)
    target = np.where(positive, high, low)
    weights = np.ones_like(logit) if weight is None else weight

    def loss(parameters: Floats) -> float:
        z = np.exp(parameters[0]) * logit + parameters[1]
        return float((weights * (np.logaddexp(0.0, z) - target * z)).sum() / weights.sum())

    bound = float(np.log(STEEPEST))
    found = optimize.minimize(
        loss, np.zeros(2), method="L-BFGS-B", bounds=[(-bound, bound), (-20.0, 20.0)]
    )
    return Platt(slope=float(np.exp(found.x[0])), intercept=float(found.x[1]))


def balanced_weights(positive: Bools, patients: Sequence[str]) -> Floats:
    """Weights by which every patient counts alike within a label, and both labels alike."""
    keys = [f"{label}:{name}" for label, name in zip(positive, patients, strict=True)]
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    weights = 1.0 / counts[inverse]
    for label in (True, False):
        weights[positive == label] /= weights[positive == label].sum()
    return np.asarray(weights)


def fit_intercept(logit: Floats, positive: Bools, weight: Floats, slope: float) -> Platt:
    """Platt scaling with a given slope, for the few scans there are.

    The intercept puts a probability of one half midway between the labels' weighted mean logits,
    as discriminant analysis with one variance and equal shares does.
    """
    sides = (positive, ~positive)
    means = [float(np.average(logit[side], weights=weight[side])) for side in sides]
    return Platt(slope=slope, intercept=-slope * sum(means) / 2)


def operating_point(
    probability: Floats, positive: Bools, weight: Floats, threshold: float
) -> OperatingPoint:
    """What a cut does: weighted shares of positives at or above it and of negatives below it."""
    high, low = weight * positive, weight * ~positive
    return OperatingPoint(
        threshold=threshold,
        sensitivity=float((high * (probability >= threshold)).sum() / high.sum()),
        specificity=float((low * (probability < threshold)).sum() / low.sum()),
    )


def youden_point(probability: Floats, positive: Bools, weight: Floats) -> OperatingPoint:
    """The cut with the largest weighted sensitivity + specificity, midway between two scores.

    Of equal ones the cut nearest to 0.5 is taken.
    """
    scores = np.unique(probability)
    cuts = np.concatenate([[scores[0]], (scores[1:] + scores[:-1]) / 2])
    points = [operating_point(probability, positive, weight, float(cut)) for cut in cuts]
    return max(
        points,
        key=lambda p: (round(p.sensitivity + p.specificity, 9), -abs(p.threshold - 0.5)),
    )
