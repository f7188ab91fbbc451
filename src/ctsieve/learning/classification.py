"""What families that classify share: the loss, the weights of classes, and the tune figures.

Shapes   B cases, S places for slices, R C rows and columns, L logits, K classes: L of them, or two
         for a single logit.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctsieve.learning.class_weights import rarest_first
from ctsieve.learning.draws import class_counts, class_numbers
from ctsieve.learning.figures import classification_figures
from ctsieve.learning.task import Judged, Material, Task, Terms

Weighing = Literal["none", "rarest-first"]
"""How much classes count in a loss; "rarest-first": min(count) / count."""


class Slices(NamedTuple):
    """Single slices."""

    x: Tensor
    """(B, 1, R, C) in [0, 1]."""
    classes: Tensor
    """(B,)."""
    cases: tuple[int, ...]
    """Numbers of the cases on their side."""


class Scans(NamedTuple):
    """Whole scans, of different length."""

    x: Tensor
    """(B, S, 1, R, C) in [0, 1]; 0 in masked places."""
    keep: Tensor
    """(B, S), True where there is a slice."""
    classes: Tensor
    """(B,)."""
    cases: tuple[int, ...]
    """Numbers of the cases on their side."""


class ClassificationTask(Task[Any]):
    """A network of one phase that says of every case which class it is."""

    weights: Tensor

    def __init__(self, model: nn.Module, material: Material, weighing: Weighing) -> None:
        super().__init__(model)
        counts = class_counts(material.train.cases, material.labels)
        weights = rarest_first(counts) if weighing == "rarest-first" else np.ones(len(counts))
        self.register_buffer("weights", torch.tensor(weights, dtype=torch.float32))
        self.tune_classes = class_numbers(material.tune.cases, material.labels)

    def terms(self, piece: Any, phase: str) -> Terms:  # noqa: ANN401  # Slices or Scans
        """The weighted cross-entropy."""
        del phase
        logits = self.logits(self.model, piece)
        return {"loss": class_loss(logits, piece.classes, self.weights)}

    def logits(self, model: nn.Module, piece: Any) -> Tensor:  # noqa: ANN401  # Slices or Scans
        """Logits (B, L) of a piece."""
        inputs = (piece.x, piece.keep) if isinstance(piece, Scans) else (piece.x,)
        logits: Tensor = model(*inputs).logits
        return logits

    def judge(self, model: nn.Module, piece: Any) -> list[Judged]:  # noqa: ANN401
        """The logits of every case."""
        return judged_logits(self.logits(model, piece), piece.cases)

    def figures(self, judged: Sequence[Judged]) -> dict[str, float]:
        """Loss, accuracy and areas under the curve."""
        logits = np.array([row.values for row in judged])
        classes = self.tune_classes[[row.case for row in judged]]
        return classification_figures(logits, classes, self.weights.tolist())


def class_loss(logits: Tensor, classes: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross-entropy of logits (B, L) and classes (B,), summed and divided by B.

    Not divided by the weights (K,), as the ATT2 paper's code has it; with a single logit a binary
    cross-entropy.
    """
    if logits.shape[1] == 1:
        target = classes.to(logits.dtype)
        terms = F.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none")
    else:
        terms = F.cross_entropy(logits, classes, reduction="none")
    return (weights[classes] * terms).mean()


def judged_logits(logits: Tensor, cases: Sequence[int]) -> list[Judged]:
    """One row for each case."""
    rows = logits.detach().float().cpu().tolist()
    return [Judged(case, tuple(row)) for case, row in zip(cases, rows, strict=True)]


def padded(scans: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Scans (S, 1, R, C) of different length as one tensor (B, S, 1, R, C), and where slices are.

    Example:
        >>> x, keep = padded([torch.ones(1, 1, 2, 2), torch.ones(3, 1, 2, 2)])
        >>> x.shape, keep.tolist()
        (torch.Size([2, 3, 1, 2, 2]), [[True, False, False], [True, True, True]])
    """
    longest = max(len(scan) for scan in scans)
    x = scans[0].new_zeros(len(scans), longest, *scans[0].shape[1:])
    keep = torch.zeros(len(scans), longest, dtype=torch.bool)
    for row, scan in enumerate(scans):
        x[row, : len(scan)] = scan
        keep[row, : len(scan)] = True
    return x, keep
