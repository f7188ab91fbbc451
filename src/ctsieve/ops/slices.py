"""From slice logits to a scan logit, and each slice's share in it."""

import math

import numpy as np
import numpy.typing as npt

from ctsieve.types.recipe import SliceRule


def slice_weights(logit: npt.NDArray[np.float32], rule: SliceRule) -> npt.NDArray[np.float32]:
    """Weight of each slice (S,) in the scan's logit for slice logits (S,); sums to 1.

    Ties go to the slice nearer the head, so the result does not depend on a sort's whim.

    Example:
        >>> slice_weights(np.array([0., 3., 1., 2.]), SliceRule(kind="top-mean", fraction=0.5))
        array([0. , 0.5, 0. , 0.5], dtype=float32)
    """
    count = logit.size
    chosen = {
        "mean": count,
        "max": 1,
        "top-mean": max(1, math.ceil(rule.fraction * count - 1e-9)),
    }[rule.kind]
    weights = np.zeros(count, dtype=np.float32)
    order = np.argsort(-np.asarray(logit, dtype=np.float64), kind="stable")
    weights[order[:chosen]] = 1.0 / chosen
    return weights


def scan_logit(
    logit: npt.NDArray[np.float32], rule: SliceRule
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Scan logits (L,) from slice logits (S, L), and the first label's slice weights (S,)."""
    weights = [slice_weights(logit[:, k], rule) for k in range(logit.shape[1])]
    values = np.array([float(w @ logit[:, k].astype(np.float64)) for k, w in enumerate(weights)])
    return values, weights[0]
