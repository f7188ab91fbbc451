"""How LA-DNN learns, as published and for the default bundle: named loss terms, two rates.

Paper    LA-DNN (see `ctsieve.models.la_dnn`), sections 3.2 and 4: Adam at one rate, weight decay.
Differs  With the `fixed` loss: AdamW, a warm-up and a cosine, a faster head, leading blocks that
         stay as they are.  The default bundle's images are blended and enlarged batch by batch
         (`ctsieve.learning.feed`), so that a batch is one piece.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ctsieve.learning.classification import judged_logits
from ctsieve.learning.feed import Batch, TrainingBatches
from ctsieve.learning.figures import area
from ctsieve.learning.task import Feed, Judged, Task, Terms
from ctsieve.models.la_dnn import LOSSES, LaDnn

SEEDS = 1_000_003
"""Runs of consecutive seeds never have a step's seed in common."""


class LaDnnFeed(Feed[Batch]):
    """A run's batches, and its tune side."""

    def __init__(
        self, training: TrainingBatches, tune: Sequence[Batch], *, steps_per_epoch: int
    ) -> None:
        self._training, self._tune = training, tuple(tune)
        self.steps_per_epoch = steps_per_epoch
        self.num_tune = len(self._tune)

    def training(self, step: int) -> Sequence[Batch]:
        """The batch of a step."""
        return [self._training[step]]

    def tune(self, number: int) -> Batch:
        """Tune images as production prepares them."""
        return self._tune[number]


class LaDnnTask(Task[Batch]):
    """Trains a `LaDnn` on COVID-19 and lesions together."""

    model: LaDnn

    def __init__(
        self,
        model: LaDnn,
        tune_covid: Tensor,
        *,
        loss: Literal["paper", "fixed"],
        head_factor: float = 1.0,
        lesion_weight: float = 1.0,
        frozen_blocks: int = 0,
    ) -> None:
        """`tune_covid` (N,) is the truth of the tune images, in order."""
        super().__init__(model)
        self._loss, self._head_factor, self._lesion_weight = loss, head_factor, lesion_weight
        self._covid = tune_covid.numpy().astype(np.float64)
        self._frozen = model.blocks[:frozen_blocks]
        for block in self._frozen:
            block.requires_grad_(requires_grad=False)

    def begin(self, phase: str) -> None:
        """Frozen blocks stay in evaluation mode."""
        super().begin(phase)
        for block in self._frozen:
            block.eval()

    def seed(self, run: int, step: int, phase: str, place: int) -> int:
        """As the default bundle was trained, whose batches are one piece; later pieces differ."""
        del phase
        return run * SEEDS + step + place * SEEDS**2

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """The new linear layer learns `head_factor` times as fast as the backbone."""
        head = list(self.model.head.parameters())
        of_head = {id(p) for p in head}
        body = [p for p in self.model.parameters() if p.requires_grad and id(p) not in of_head]
        return [{"params": body, "lr": rate}, {"params": head, "lr": rate * self._head_factor}]

    def terms(self, piece: Batch, phase: str) -> Terms:
        """The COVID-19 term and the lesion term."""
        del phase
        terms = LOSSES[self._loss](self.model(piece.x), piece.target)
        return terms | {"lesions": terms["lesions"] * self._lesion_weight}

    def judge(self, model: torch.nn.Module, piece: Batch) -> list[Judged]:
        """The COVID-19 logit of every image."""
        return judged_logits(model(piece.x).logits, piece.cases)

    def figures(self, judged: Sequence[Judged]) -> dict[str, float]:
        """Cross-entropy and area under the curve; 0.5 where all are positive, or all negative."""
        logit = np.array([row.values[0] for row in judged])
        covid = self._covid[[row.case for row in judged]]
        entropy = np.logaddexp(0.0, logit) - covid * logit
        auc = area(logit, covid > 0.5)
        return {
            "covid": float(entropy.mean()),
            "auc": auc if np.isfinite(auc) else 0.5,
        }
