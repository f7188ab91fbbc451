"""Make probabilities mean what they say, on tune data: Platt scaling, temperature, isotonic.

Sources  Platt 1999, with the targets of its section 2.2; Guo et al. 2017, ICML, section 4.2
         (temperature: one number that divides the logit); Zadrozny and Elkan 2002, KDD (isotonic
         regression by pooling adjacent violators, here scipy's).
Differs  Every patient counts alike within a kind, and both kinds alike, so that the probability is
         one at a prevalence of one half.  A few data do not say how certain to be: slopes lie
         between 0.1 and 10, and isotonic steps are drawn in from 0 and 1 as Platt's targets are.

Shapes   N cases, K steps, L labels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression, minimize
from scipy.special import logsumexp

from ctsieve.evaluation.sample import Floats
from ctsieve.evaluation.tune import TuneSample

STEEPEST = 10.0
FARTHEST = 20.0
FOLDS = 5


class Calibrates(Protocol):
    """Logits (N,) to probabilities (N,)."""

    def __call__(self, logit: Floats) -> Floats:
        """Calibrated probabilities."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """probability = sigmoid(slope * logit + intercept); a temperature is 1 / slope."""

    slope: float
    intercept: float

    def __call__(self, logit: Floats) -> Floats:
        """Calibrated probabilities."""
        z = np.clip(self.slope * logit + self.intercept, -60.0, 60.0)
        return np.asarray(1.0 / (1.0 + np.exp(-z)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Isotonic:
    """Never falling; straight lines between the middles of its steps, level outside."""

    logit: Floats  # (K,)
    probability: Floats  # (K,)

    def __call__(self, logit: Floats) -> Floats:
        """Calibrated probabilities."""
        return np.asarray(np.interp(logit, self.logit, self.probability))


def fit_platt(tune: TuneSample) -> Logistic:
    """Slope and intercept of the largest likelihood."""
    return _logistic(tune, with_intercept=True)


def fit_temperature(tune: TuneSample) -> Logistic:
    """The slope of the largest likelihood, its intercept 0: the cut stays at a logit of 0."""
    return _logistic(tune, with_intercept=False)


def fit_isotonic(tune: TuneSample) -> Isotonic:
    """The never falling function of the least squared error; scores of equal logits are pooled."""
    logit, group = np.unique(tune.logit, return_inverse=True)
    target, weight = _targets(tune), tune.weights()
    total = np.bincount(group, weights=weight)
    mean = np.bincount(group, weights=weight * target) / total
    found = isotonic_regression(mean, weights=total)
    starts, stops = found.blocks[:-1], found.blocks[1:] - 1
    return Isotonic(
        logit=(logit[starts] + logit[stops]) / 2, probability=np.asarray(found.x[starts])
    )


def fit_shared_slope(
    logits: Floats, true: npt.NDArray[np.intp], patient: npt.NDArray[np.str_]
) -> float:
    """The slope of logits (N, L) under a softmax whose likelihood is the largest.

    `true` (N,) numbers the labels.  Patients count alike within a label, and labels alike; targets
    are drawn in by the number of patients of a label, which for two labels is Platt's rule.
    """
    num_labels = logits.shape[1]
    weight, target = np.zeros(true.size), np.zeros(logits.shape)
    for label in np.unique(true):
        own = true == label
        _, index, times = np.unique(patient[own], return_inverse=True, return_counts=True)
        weight[own] = 1.0 / times[index] / times.size
        target[own] = 1.0 / (times.size + num_labels)
        target[own, label] = (times.size + 1.0) / (times.size + num_labels)

    def loss(parameters: Floats) -> float:
        z = np.exp(parameters[0]) * logits
        chances = z - logsumexp(z, axis=1, keepdims=True)
        return -float((weight * (target * chances).sum(axis=1)).sum() / weight.sum())

    steep = float(np.log(STEEPEST))
    found = minimize(loss, np.zeros(1), method="L-BFGS-B", bounds=[(-steep, steep)])
    return float(np.exp(found.x[0]))


METHODS: dict[str, Callable[[TuneSample], Calibrates]] = {
    "platt": fit_platt,
    "temperature": fit_temperature,
    "isotonic": fit_isotonic,
}


def cross_fitted(
    tune: TuneSample, fit: Callable[[TuneSample], Calibrates], *, seed: int = 0
) -> Floats:
    """Probabilities (N,) of each case from a calibration that did not see its patient.

    Patients are dealt to folds at random, positive and negative ones apart; a fold whose rest lacks
    a kind is fitted on everything.
    """
    fold = folds_of(tune, seed=seed)
    probability = np.empty(tune.logit.size)
    for number in np.unique(fold):
        rest = tune.of(fold != number)
        seen = rest if 0 < rest.positive.sum() < rest.positive.size else tune
        probability[fold == number] = fit(seen)(tune.logit[fold == number])
    return probability


def log_loss(probability: Floats, tune: TuneSample) -> float:
    """Mean negative log likelihood; kinds and patients count alike as in fitting."""
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    weight = tune.weights()
    loss = -np.where(tune.positive, np.log(p), np.log(1 - p))
    return float((weight * loss).sum() / weight.sum())


def _logistic(tune: TuneSample, *, with_intercept: bool) -> Logistic:
    target, weight = _targets(tune), tune.weights()

    def loss(parameters: Floats) -> float:
        z = np.exp(parameters[0]) * tune.logit + parameters[1]
        return float((weight * (np.logaddexp(0.0, z) - target * z)).sum() / weight.sum())

    steep, far = float(np.log(STEEPEST)), FARTHEST if with_intercept else 0.0
    bounds = [(-steep, steep), (-far, far)]
    found = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=bounds)
    return Logistic(slope=float(np.exp(found.x[0])), intercept=float(found.x[1]))


def _targets(tune: TuneSample) -> Floats:
    """Truth drawn in from 0 and 1 by the number of patients of a kind (Platt, section 2.2)."""
    ups, downs = (np.unique(tune.patient[k]).size for k in (tune.positive, ~tune.positive))
    return np.where(tune.positive, (ups + 1) / (ups + 2), 1 / (downs + 2))


def folds_of(tune: TuneSample, *, seed: int = 0) -> Floats:
    """A fold (N,) for every case, all of a patient in one, both kinds dealt alike."""
    random = np.random.default_rng(seed)
    names, index = np.unique(tune.patient, return_inverse=True)
    has_positive = np.bincount(index, weights=tune.positive) > 0
    fold = np.empty(names.size)
    for kind in (has_positive, ~has_positive):
        own = random.permutation(np.flatnonzero(kind))
        fold[own] = np.arange(own.size) % FOLDS
    return np.asarray(fold[index])
