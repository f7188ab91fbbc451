"""What is gained when the least certain cases get no call: error over coverage.

Source   El-Yaniv and Wiener 2010, JMLR 11, 1605 (risk-coverage curve; its mean is the AURC).
"""

from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.in_words import counted, in_words
from ctsieve.evaluation.intervals import wilson
from ctsieve.evaluation.sample import Floats, Sample
from ctsieve.types.errors import UsageError
from ctsieve.types.report import Figure, Table

COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AbstentionCurve:
    """Share of wrong calls among the cases that are still called, most certain first."""

    coverage: Floats  # (N,)
    error: Floats  # (N,)

    @property
    def area(self) -> float:
        """Mean error over all coverages (AURC); 0 is perfect."""
        return float(self.error.mean())


def abstention_table(sample: Sample) -> Table:
    """Wrong calls among the most certain shares of the cases."""
    found = [(share, error_at(sample, share)) for share in COVERAGES]
    return Table(
        title="Abstaining from the least certain",
        columns=("share of cases that get a call", "wrong calls", "n"),
        rows=tuple((f"{100 * s:g} %", in_words(f), counted(f)) for s, f in found),
        note="Patient level; Wilson's interval over patients. How certain a call is, is its "
        "distance from the cut.",
    )


def error_at(sample: Sample, coverage: float) -> Figure:
    """Share of wrong calls among the most certain cases, with Wilson's interval over patients.

    Cases as certain as the last one are taken along.

    Raises:
        UsageError: `coverage` is no share of the cases.
    """
    if not 0.0 < coverage <= 1.0:
        raise UsageError(f"a coverage lies between 0 and 1, got {coverage:g}")
    certain = certainty(sample)
    least = np.sort(certain)[::-1][max(1, round(coverage * certain.size)) - 1]
    called = sample.of(certain >= least)
    share = float((called.called != called.positive).mean())
    low, high = wilson(share * called.num_patients, called.num_patients)
    return Figure(
        value=share,
        low=low,
        high=high,
        num_cases=called.num_cases,
        num_patients=called.num_patients,
    )


def certainty(sample: Sample) -> Floats:
    """Distance from the cut (N,), as a share of the room on its side."""
    room = np.where(sample.called, 1.0 - sample.threshold, sample.threshold)
    away = np.abs(sample.probability - sample.threshold)
    return np.asarray(away / np.maximum(room, 1e-9))


def abstention_curve(sample: Sample) -> AbstentionCurve:
    """Cases in the order of their distance from the cut, as a share of the room on their side.

    Cases that are as certain as each other count as the mean of them.
    """
    wrong = (sample.called != sample.positive).astype(np.float64)
    _, group = np.unique(-certainty(sample), return_inverse=True)
    mean = np.bincount(group, weights=wrong) / np.bincount(group)
    order = np.argsort(group, kind="stable")
    number = np.arange(1, wrong.size + 1)
    errors = mean[group][order].cumsum() / number
    return AbstentionCurve(coverage=number / wrong.size, error=np.asarray(errors))
