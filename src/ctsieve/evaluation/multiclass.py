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
from ctsieve.evaluation.intervals import Weights, patient_draws, share_interval, wilson
from ctsieve.evaluation.measures import CHUNK
from ctsieve.evaluation.sample import Bools, Floats, Names
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
    """The summary numbers of a confusion matrix, with intervals over patients.

    Shares of independent cases (accuracy, recall, precision) have Wilson's interval instead.
    """
    whole = np.ones(sample.true.size, np.bool_)
    measures = {
        "accuracy": _Summary(of=accuracies, counted=whole, is_proportion=True),
        "balanced_accuracy": _Summary(of=balanced_accuracies, counted=whole),
        "macro_f1": _Summary(of=macro_f1, counted=whole),
        "weighted_f1": _Summary(of=weighted_f1, counted=whole),
        "weighted_precision": _Summary(of=weighted_precisions, counted=whole),
    }
    if set(sample.labels) == set(PAPER_ORDER):
        shares = dict(zip(PAPER_ORDER, PAPER_SHARES, strict=True))
        of = shares_f1([shares[label] for label in sample.labels])
        measures["paper_shares_f1"] = _Summary(of=of, counted=whole)
    for number, label in enumerate(sample.labels):
        true, called = sample.true == number, sample.called == number
        measures |= {
            f"recall:{label}": _Summary(_one(recalls, number), true, is_proportion=True),
            f"precision:{label}": _Summary(_one(precisions, number), called, is_proportion=True),
            f"f1:{label}": _Summary(_one(class_f1s, number), true | called),
        }
    return _with_intervals(sample, measures, seed=seed)


@dataclass(frozen=True, slots=True, eq=False)
class _Summary:
    """A number of a confusion matrix, and the cases that it is counted on."""

    of: Callable[[Floats], Floats]
    counted: Bools  # (N,)
    is_proportion: bool = False


def _one(of: Callable[[Floats], Floats], number: int) -> Callable[[Floats], Floats]:
    return lambda matrix: of(matrix)[:, number]


def _with_intervals(
    sample: ClassSample, measures: Mapping[str, _Summary], *, seed: int
) -> dict[str, Measured]:
    once = confusions(sample, np.ones((1, sample.true.size), np.float32))
    weight = patient_draws(sample.patient, seed=seed)
    chunks = [weight[i : i + CHUNK] for i in range(0, len(weight), CHUNK)]
    drawn = np.concatenate([confusions(sample, chunk) for chunk in chunks])
    figures: dict[str, Measured] = {}
    for name, summary in measures.items():
        value = float(summary.of(once)[0])
        if not np.isfinite(value):
            figures[name] = Absent(reason="a class is never true or never called")
            continue
        low, high = _interval(sample, summary, value, drawn)
        figures[name] = Figure(
            value=value,
            low=min(low, value),
            high=max(high, value),
            num_cases=int(summary.counted.sum()),
            num_patients=int(np.unique(sample.patient[summary.counted]).size),
        )
    return figures


def _interval(
    sample: ClassSample, summary: _Summary, value: float, drawn: Floats
) -> tuple[float, float]:
    """Wilson's for a share of independent cases, and where all draws are the same."""
    patients = int(np.unique(sample.patient[summary.counted]).size)
    if summary.is_proportion and patients == summary.counted.sum():
        hit = sample.true[summary.counted] == sample.called[summary.counted]
        return wilson(int(hit.sum()), patients)
    return share_interval(summary.of(drawn), value, patients)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0))
