"""Cuts chosen on tune data, each with its criterion, its data and what it does there.

Sources  Youden 1950, Cancer 3, 32 (largest sensitivity + specificity - 1).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.sample import Floats
from ctsieve.evaluation.tune import TuneSample
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.recipe import FittedOn


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A cut: at or above it a case is called.

    Sensitivity and specificity are those on the data it was chosen on, and so too good.
    """

    threshold: float
    sensitivity: float
    specificity: float
    fitted: FittedOn


Rule = Callable[[Floats, Floats], int]
"""Which of the cuts, by their sensitivities and specificities."""


def choose(tune: TuneSample, probability: Floats, criterion: str) -> OperatingPoint:
    """The cut on probabilities (N,) that a criterion asks for, midway between two scores.

    `criterion` is "youden", "sensitivity>=0.95" or "specificity>=0.95": of the cuts that reach the
    share, the one that is best in the other.  Patients count alike within a kind.

    Raises:
        UsageError: the criterion is none of these.
        InputRejected: no cut reaches the share.
    """
    scores = np.unique(probability)
    cuts = np.concatenate([[scores[0]], (scores[1:] + scores[:-1]) / 2, [(scores[-1] + 1.0) / 2]])
    weight = tune.weights()
    called = probability >= cuts[:, None]
    up, down = weight * tune.positive, weight * ~tune.positive
    sensitivity, specificity = called @ up / up.sum(), ~called @ down / down.sum()
    best = _rule(criterion)(sensitivity, specificity)
    return OperatingPoint(
        threshold=float(cuts[best]),
        sensitivity=round(float(sensitivity[best]), 12),
        specificity=round(float(specificity[best]), 12),
        fitted=tune.fitted(_in_words(criterion)),
    )


def _rule(criterion: str) -> Rule:
    if criterion == "youden":
        return lambda first, second: int(np.argmax(np.round(first + second, 9)))
    kind, found, text = criterion.partition(">=")
    try:
        share = float(text)
    except ValueError:
        share = float("nan")
    if kind not in ("sensitivity", "specificity") or not found or not 0.0 < share <= 1.0:
        raise UsageError(
            f"{criterion!r} is no criterion",
            hint="say youden, sensitivity>=0.95 or specificity>=0.95",
        )

    def reaching(sensitivity: Floats, specificity: Floats) -> int:
        wanted, other = (
            (sensitivity, specificity) if kind == "sensitivity" else (specificity, sensitivity)
        )
        reached = np.flatnonzero(wanted >= share - 1e-12)
        if reached.size == 0:
            raise InputRejected(f"no cut has a {kind} of {share}")
        return int(reached[np.argmax(other[reached])])

    return reaching


def _in_words(criterion: str) -> str:
    if criterion == "youden":
        return "largest sensitivity + specificity, every patient counting alike within a kind"
    kind, _, share = criterion.partition(">=")
    other = "specificity" if kind == "sensitivity" else "sensitivity"
    return f"largest {other} with a {kind} of at least {share}"
