"""Sets of labels that hold the true one as often as promised.

Source   Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World, section 4.5
         (label-conditional, or Mondrian, split conformal prediction); Sadinle, Lei and Wasserman
         2019, JASA 114, 223: for each label on its own, so that the rarer one is not sacrificed.
         Of a patient with several cases each counts its part, so that patients and not cases are
         exchangeable (Dunn, Wasserman and Ramdas 2023, JASA 118, 2491: pooled distributions).

The promise holds for a case of a new patient who comes as the tune patients came; a set may hold
both labels ("cannot say") or none ("like nothing seen").

Shapes   N cases, L labels.
"""

from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.recalibration import folds_of
from ctsieve.evaluation.sample import Bools, Floats, Names
from ctsieve.evaluation.tune import TuneSample
from ctsieve.types.errors import InputRejected, UsageError

ROUNDING = 1e-9
"""Parts of patients are summed up to a whole number within it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConformalSets:
    """The least probability with which each label is still in the set."""

    error: float
    """How often at most the true label is missing, for each label."""
    negative: float
    positive: float

    def __call__(self, probability: Floats) -> Bools:
        """Which labels (N, 2), negative first, are in the sets of probabilities (N,)."""
        shares = np.stack([1.0 - probability, probability], axis=1)
        return np.asarray(shares >= np.array([self.negative, self.positive]))


def fit_conformal(tune: TuneSample, probability: Floats, *, error: float = 0.1) -> ConformalSets:
    """Sets that miss a true label in at most the share `error` of new cases of that label.

    Patients count alike within a kind, however many cases they have: these are not independent.

    Raises:
        UsageError: `error` is no share.
        InputRejected: a kind has too few patients for so rare an error.
    """
    if not 0.0 < error < 1.0:
        raise UsageError(f"an error rate lies between 0 and 1, got {error}")
    negative, positive = (
        _least(share[kind], tune.patient[kind], error)
        for share, kind in ((1.0 - probability, ~tune.positive), (probability, tune.positive))
    )
    return ConformalSets(error=error, negative=negative, positive=positive)


def cross_conformal(tune: TuneSample, probability: Floats, *, error: float) -> Bools:
    """Sets (N, 2) of the cases of `tune`, each from patients of other folds than its own.

    Raises:
        UsageError: `error` is no share.
        InputRejected: a kind has too few patients, all folds but one together.
    """
    fold = folds_of(tune)
    held = np.zeros((probability.size, 2), dtype=np.bool_)
    for number in np.unique(fold):
        own = fold == number
        sets = fit_conformal(tune.of(~own), probability[~own], error=error)
        held[own] = sets(probability[own])
    return held


def _least(share: Floats, patient: Names, error: float) -> float:
    """The quantile of shares (N,) that conformal prediction asks for, every patient counting one.

    With one case a patient it is the floor(error * (N + 1))-th smallest; of several, each counts
    its part, so that the promise is about any case of a new patient.
    """
    _, index, times = np.unique(patient, return_inverse=True, return_counts=True)
    rank = int(np.floor(error * (times.size + 1)))
    if rank < 1:
        raise InputRejected(
            f"{times.size} patients are too few for an error rate of {error:g}",
            hint=f"it takes {int(np.ceil(1 / error)) - 1} patients of each kind",
        )
    order = np.argsort(share, kind="stable")
    reached = np.cumsum(1.0 / times[index[order]]) >= rank - ROUNDING
    return float(share[order][int(np.argmax(reached))])
