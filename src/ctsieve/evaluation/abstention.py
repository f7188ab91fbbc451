"""What is gained when the least certain cases get no call: error over coverage.

Source   El-Yaniv and Wiener 2010, JMLR 11, 1605 (risk-coverage curve; its mean is the AURC).
"""

from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.sample import Floats, Sample


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AbstentionCurve:
    """Share of wrong calls among the cases that are still called, most certain first."""

    coverage: Floats  # (N,)
    error: Floats  # (N,)

    @property
    def area(self) -> float:
        """Mean error over all coverages (AURC); 0 is perfect."""
        return float(self.error.mean())


def abstention_curve(sample: Sample) -> AbstentionCurve:
    """Cases in the order of their distance from the cut, as a share of the room on their side.

    Cases that are as certain as each other count as the mean of them.
    """
    room = np.where(sample.called, 1.0 - sample.threshold, sample.threshold)
    certain = np.abs(sample.probability - sample.threshold) / np.maximum(room, 1e-9)
    wrong = (sample.called != sample.positive).astype(np.float64)
    _, group = np.unique(-certain, return_inverse=True)
    mean = np.bincount(group, weights=wrong) / np.bincount(group)
    order = np.argsort(group, kind="stable")
    number = np.arange(1, wrong.size + 1)
    errors = mean[group][order].cumsum() / number
    return AbstentionCurve(coverage=number / wrong.size, error=np.asarray(errors))
