"""Answers of several labels: confusion matrix, each label against the rest, F1 with three weights.

The weights of F1 are those of the data ("weighted"), equal ones ("macro"), or the One Shot papers'
fixed shares .45/.35/.20 of neither, other pneumonia and COVID-19, which fit no other data set.

Shapes   D weightings, N cases, C classes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.class_f1 import PAPER_SHARES
from ctsieve.evaluation.intervals import Weights, patient_draws, percentile_interval
from ctsieve.evaluation.measures import CHUNK
from ctsieve.evaluation.sample import Floats, Names
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Absent, Figure, Measured

Classes = npt.NDArray[np.intp]

PAPER_ORDER = ("neither", "other_pneumonia", "covid19")
"""Rows and columns of the papers' confusion matrices: normal, common pneumonia, COVID-19."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassSample:
    """True and called classes of some cases.

    Raises:
        InputRejected: there is no case, or a class has no name.
    """

    labels: tuple[str, ...]
    true: Classes  # (N,)
    called: Classes  # (N,)
    patient: Names  # (N,)

    def __post_init__(self) -> None:
        if self.true.size == 0:
            raise InputRejected("there is no case to measure anything on")
        for numbers in (self.true, self.called):
            if numbers.shape != self.patient.shape or numbers.max() >= len(self.labels):
                raise InputRejected(f"classes {numbers.max()} and more than {self.labels}")

    def matrix(self) -> npt.NDArray[np.int64]:
        """The confusion matrix (C, C), rows the true classes."""
        weight = np.ones((1, self.true.size), np.float32)
        return np.asarray(confusions(self, weight)[0].round().astype(np.int64))


def confusions(sample: ClassSample, weight: Weights) -> Floats:
    """Confusion matrices (D, C, C) under every weighting, rows the true classes."""
    count = len(sample.labels)
    cell = np.eye(count * count, dtype=np.float32)[sample.true * count + sample.called]
    return np.asarray((weight @ cell).astype(np.float64).reshape(-1, count, count))


def accuracies(matrix: Floats) -> Floats:
    """Share of right answers (D,)."""
    return np.asarray(np.trace(matrix, axis1=1, axis2=2) / matrix.sum(axis=(1, 2)))


def macro_f1(matrix: Floats) -> Floats:
    """Mean F1 of the classes that are true or called (D,)."""
    return np.asarray(np.nanmean(class_f1s(matrix), axis=1))


def weighted_f1(matrix: Floats) -> Floats:
    """F1 of the classes by their share of the cases (D,)."""
    share = matrix.sum(axis=2) / matrix.sum(axis=(1, 2))[:, None]
    return np.asarray(np.nansum(share * class_f1s(matrix), axis=1))


def weighted_precisions(matrix: Floats) -> Floats:
    """Precision of the classes by their share of the cases (D,)."""
    share = matrix.sum(axis=2) / matrix.sum(axis=(1, 2))[:, None]
    return np.asarray(np.nansum(share * precisions(matrix), axis=1))


def balanced_accuracies(matrix: Floats) -> Floats:
    """Mean sensitivity of the classes that occur (D,)."""
    return np.asarray(np.nanmean(recalls(matrix), axis=1))


def recalls(matrix: Floats) -> Floats:
    """Sensitivity of each class (D, C); NaN where it is never true."""
    return _ratio(np.diagonal(matrix, axis1=1, axis2=2), matrix.sum(axis=2))


def precisions(matrix: Floats) -> Floats:
    """Precision of each class (D, C); NaN where it is never called."""
    return _ratio(np.diagonal(matrix, axis1=1, axis2=2), matrix.sum(axis=1))


def class_f1s(matrix: Floats) -> Floats:
    """F1 of each class (D, C); NaN where it is neither true nor called."""
    return _ratio(
        2 * np.diagonal(matrix, axis1=1, axis2=2), matrix.sum(axis=1) + matrix.sum(axis=2)
    )


def shares_f1(shares: Sequence[float]) -> Callable[[Floats], Floats]:
    """F1 of the classes by fixed shares; NaN where a class never occurs, as in the papers' code."""

    def of(matrix: Floats) -> Floats:
        return np.asarray(class_f1s(matrix) @ np.asarray(shares, dtype=np.float64))

    return of


def multiclass_figures(sample: ClassSample, *, seed: int = 0) -> dict[str, Measured]:
    """The summary numbers of a confusion matrix, with intervals over patients."""
    measures: dict[str, Callable[[Floats], Floats]] = {
        "accuracy": accuracies,
        "balanced_accuracy": balanced_accuracies,
        "macro_f1": macro_f1,
        "weighted_f1": weighted_f1,
        "weighted_precision": weighted_precisions,
    }
    if set(sample.labels) == set(PAPER_ORDER):
        shares = dict(zip(PAPER_ORDER, PAPER_SHARES, strict=True))
        measures["paper_shares_f1"] = shares_f1([shares[label] for label in sample.labels])
    for number, label in enumerate(sample.labels):
        for name, of in (("recall", recalls), ("precision", precisions), ("f1", class_f1s)):
            measures[f"{name}:{label}"] = _one(of, number)
    return _with_intervals(sample, measures, seed=seed)


def _one(of: Callable[[Floats], Floats], number: int) -> Callable[[Floats], Floats]:
    return lambda matrix: of(matrix)[:, number]


def _with_intervals(
    sample: ClassSample, measures: Mapping[str, Callable[[Floats], Floats]], *, seed: int
) -> dict[str, Measured]:
    once = confusions(sample, np.ones((1, sample.true.size), np.float32))
    weight = patient_draws(sample.patient, seed=seed)
    chunks = [weight[i : i + CHUNK] for i in range(0, len(weight), CHUNK)]
    drawn = np.concatenate([confusions(sample, chunk) for chunk in chunks])
    figures: dict[str, Measured] = {}
    for name, of in measures.items():
        value = float(of(once)[0])
        if not np.isfinite(value):
            figures[name] = Absent(reason="a class is never true or never called")
            continue
        low, high = percentile_interval(of(drawn))
        figures[name] = Figure(
            value=value,
            low=low,
            high=high,
            num_cases=int(sample.true.size),
            num_patients=int(np.unique(sample.patient).size),
        )
    return figures


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0))
