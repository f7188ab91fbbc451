"""Scores of one yes-no question on some cases, with whose they are.

Shapes   N cases.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from ctsieve.types.errors import InputRejected

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Probabilities, truth, patients and cuts; everything that is measured is measured on one.

    Raises:
        InputRejected: there is no case, the lengths differ, or a probability or a
            cut is none.
    """

    probability: Floats  # (N,)
    positive: Bools  # (N,)
    patient: Names  # (N,)
    threshold: Floats  # (N,); at or above it a case is called

    def __post_init__(self) -> None:
        sizes = {a.shape for a in (self.probability, self.positive, self.patient, self.threshold)}
        if len(sizes) != 1 or self.probability.ndim != 1:
            raise InputRejected(f"scores, labels, patients and cuts differ in shape: {sizes}")
        if self.probability.size == 0:
            raise InputRejected("there is no case to measure anything on")
        broken = int((~np.isfinite(self.probability)).sum())
        if broken:
            raise InputRejected(
                f"{broken} of {self.probability.size} scores are not finite",
                hint="a case without a score has no row, or an empty one, in a score file",
            )
        low, high = float(self.probability.min()), float(self.probability.max())
        if low < 0.0 or high > 1.0:
            raise InputRejected(
                f"probabilities lie in [0, 1], got {low:g} to {high:g}",
                hint="logits belong into the columns logit:LABEL",
            )
        if not ((self.threshold >= 0.0) & (self.threshold <= 1.0)).all():
            odd = self.threshold[~((self.threshold >= 0.0) & (self.threshold <= 1.0))][0]
            raise InputRejected(
                f"a cut is a probability, in [0, 1], got {odd:g}",
                hint="a cut on logits, or in percent, has to be turned into one",
            )

    @property
    def called(self) -> Bools:
        """Which cases are called positive."""
        return np.asarray(self.probability >= self.threshold)

    @property
    def num_cases(self) -> int:
        """N."""
        return int(self.positive.size)

    @property
    def num_patients(self) -> int:
        """How many different patients the cases are of."""
        return int(np.unique(self.patient).size)

    @property
    def num_positive(self) -> int:
        """How many cases are truly positive."""
        return int(self.positive.sum())

    @property
    def is_independent(self) -> bool:
        """Whether every patient has one case."""
        return self.num_patients == self.num_cases

    def of(self, keep: Bools | npt.NDArray[np.integer]) -> Self:
        """Some of the cases, by a mask (N,) or by their numbers."""
        return type(self)(
            probability=self.probability[keep],
            positive=self.positive[keep],
            patient=self.patient[keep],
            threshold=self.threshold[keep],
        )


def need_both(positive: Bools) -> None:
    """Refuse cases of one kind only.

    Raises:
        InputRejected: all cases are positive, or all are negative.
    """
    if positive.all() or not positive.any():
        only = "positive" if positive.any() else "negative"
        raise InputRejected(
            f"all {positive.size} cases are {only}", hint="this number needs cases of both kinds"
        )
