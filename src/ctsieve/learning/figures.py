"""Figures of the tune side that say when a network is better: losses, areas, shares.

They choose a checkpoint.  What is reported of a finished model, with intervals, is made by
`ctsieve.evaluation`.

Shapes   N cases, L logits, K classes: L of them, or two for a single logit.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def class_logits(logits: Floats) -> Floats:
    """Logits (N, K) of a softmax that says the same: a single logit stands against 0."""
    if logits.shape[1] > 1:
        return logits
    return np.concatenate([np.zeros_like(logits), logits], axis=1)


def classification_figures(
    logits: Floats, classes: Numbers, weights: Sequence[float]
) -> dict[str, float]:
    """Weighted loss, accuracy, and the area under the curve of every class against the rest.

    `loss` is the mean over all cases of the weighted cross-entropy, not divided by the weights, as
    the ATT2 paper's code has it.  `auc` is the last label's (by convention COVID-19);
    `auc_mean` is the mean over the classes that have cases and others.
    """
    table = class_logits(logits)
    log_p = log_softmax(table, axis=1)
    own = log_p[np.arange(len(table)), classes]
    areas = [area(log_p[:, k] - _rest(log_p, k), classes == k) for k in range(table.shape[1])]
    known = [a for a in areas if np.isfinite(a)]
    return {
        "loss": float(-(np.asarray(weights)[classes] * own).mean()),
        "accuracy": float((table.argmax(axis=1) == classes).mean()),
        "auc": areas[-1],
        "auc_mean": float(np.mean(known)) if known else float("nan"),
    }


def _rest(log_p: Floats, label: int) -> Floats:
    """Log probability of all other classes; differences rank where probabilities are all 1."""
    others = np.delete(log_p, label, axis=1)
    return np.asarray(np.logaddexp.reduce(others, axis=1))


def area(score: Floats, positive: npt.NDArray[np.bool_]) -> float:
    """Chance that a positive scores above a negative, ties counted half; NaN without both.

    Example:
        >>> area(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
        0.875
    """
    num_positive, num_negative = int(positive.sum()), int((~positive).sum())
    if num_positive == 0 or num_negative == 0:
        return float("nan")
    above = rankdata(score)[positive].sum() - num_positive * (num_positive + 1) / 2
    return float(above / (num_positive * num_negative))
