"""Sets of labels that hold the true one as often as promised.

Source   Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World, section 4.5
         (label-conditional, or Mondrian, split conformal prediction); Sadinle, Lei and Wasserman
         2019, JASA 114, 223: for each label on its own, so that the rarer one is not sacrificed.

The promise holds for cases that come as the tune cases came, one per patient; a set may hold both
labels ("cannot say") or none ("like nothing seen").

Shapes   N cases, L labels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.sample import Bools, Floats
from ctsieve.evaluation.tune import TuneSample
from ctsieve.types.errors import InputRejected, UsageError


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

    One case a patient and kind is taken, the median one, for others are not independent.

    Raises:
        UsageError: `error` is no share.
        InputRejected: a kind has too few patients for so rare an error.
    """
    if not 0.0 < error < 1.0:
        raise UsageError(f"an error rate lies between 0 and 1, got {error}")
    negative, positive = (
        _least(_by_patient(share[kind], tune.patient[kind]), error)
        for share, kind in ((1.0 - probability, ~tune.positive), (probability, tune.positive))
    )
    return ConformalSets(error=error, negative=negative, positive=positive)


def _least(share: Floats, error: float) -> float:
    rank = int(np.floor(error * (share.size + 1)))
    if rank < 1:
        raise InputRejected(
            f"{share.size} patients are too few for an error rate of {error:g}",
            hint=f"it takes {int(np.ceil(1 / error)) - 1} patients of each kind",
        )
    return float(np.sort(share)[rank - 1])


def _by_patient(share: Floats, patient: npt.NDArray[np.str_]) -> Floats:
    names = np.unique(patient)
    return np.array([np.sort(own)[own.size // 2] for own in (share[patient == n] for n in names)])
