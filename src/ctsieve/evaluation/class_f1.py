"""Sensitivity, precision and F1 of every class, and the One Shot papers' weighted F1.

Paper    Ter-Sarkisov, "One Shot Model for COVID-19 Classification and Lesions Segmentation in Chest
         CT Scans Using Long Short-Term Memory Network with Attention Mechanism", equations 9 to 11.
Differs  Equation 11 prints TP / (TP + TN) for the sensitivity; it is TP / (TP + FN).  The papers'
         shares of the classes are fixed numbers; here they are an argument, and by default those of
         the data.

Shapes   C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.types.errors import InputRejected

Float64 = npt.NDArray[np.float64]

PAPER_SHARES = (0.45, 0.35, 0.20)
"""Normal, common pneumonia, COVID-19: what the authors' code takes for every test set."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassScores:
    """What a confusion matrix says.

    NaN is the sensitivity of a class that is never true, the precision of one that is never called,
    and the F1 of one that is neither.
    """

    sensitivity: Float64  # (C,)
    precision: Float64  # (C,)
    f1: Float64  # (C,)
    accuracy: float
    weighted_f1: float
    num_cases: int


def class_scores(confusion: npt.ArrayLike, *, shares: Sequence[float] | None = None) -> ClassScores:
    """Scores of a confusion matrix (C, C) whose rows are the true classes.

    `shares` weigh the classes' F1; None takes the shares of the data, where a class that never
    occurs has no say.  With fixed shares such a class makes the weighted F1 NaN, as in the
    authors' code.

    Raises:
        InputRejected: the matrix is no matrix of counts, or there is not one share per class.

    Example:
        >>> class_scores([[9, 1], [1, 9]]).weighted_f1
        0.9
    """
    counts = np.asarray(confusion, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise InputRejected(f"a confusion matrix is square and not negative, got {counts.shape}")
    if counts.sum() == 0:
        raise InputRejected("the confusion matrix counts no case")
    if shares is not None and len(shares) != len(counts):
        raise InputRejected(f"{len(shares)} shares for {len(counts)} classes")

    hits, true, called = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        sensitivity, precision = hits / true, hits / called
        # The harmonic mean, and 0 where a class that is there is never called, or never rightly.
        f1 = 2.0 * hits / (true + called)
    weights = true / counts.sum() if shares is None else np.asarray(shares, dtype=np.float64)
    counted = weights > 0.0
    return ClassScores(
        sensitivity=sensitivity,
        precision=precision,
        f1=f1,
        accuracy=float(hits.sum() / counts.sum()),
        weighted_f1=float(weights[counted] @ f1[counted]),
        num_cases=int(counts.sum()),
    )
