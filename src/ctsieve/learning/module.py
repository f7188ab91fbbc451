"""LA-DNN under Lightning: named loss terms, an averaged copy, and a stop at the first NaN."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ctsieve.learning.feed import Batch
from ctsieve.learning.loop import Diverged
from ctsieve.models.la_dnn import LOSSES, LaDnn


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimisation:
    """How weights change."""

    preset: Literal["paper", "fixed"]
    """Which loss."""
    learning_rate: float
    head_factor: float
    """The new linear layer learns this many times as fast as the backbone."""
    weight_decay: float
    warmup: int
    """Steps until the full learning rate, which then falls along a cosine (fixed preset)."""
    num_steps: int
    average: float
    """Decay of the averaged weights per step; 0: the last weights are the result."""
    frozen_blocks: int
    """Leading blocks that stay as they are."""
    seed: int


class LaDnnModule(LightningModule):
    """Trains a `LaDnn`; `result` is the network that the run is for."""

    def __init__(self, model: LaDnn, settings: Optimisation) -> None:
        super().__init__()
        self.model = model
        self.settings = settings
        decay = settings.average
        self.average = (
            AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
            if decay > 0.0
            else None
        )
        self._frozen = model.blocks[: settings.frozen_blocks]
        for block in self._frozen:
            block.requires_grad_(requires_grad=False)
        self._tune: list[tuple[Tensor, Tensor]] = []

    @property
    def result(self) -> LaDnn:
        """The averaged network, or the trained one where nothing is averaged."""
        network = self.model if self.average is None else self.average.module
        assert isinstance(network, LaDnn)  # noqa: S101  # for the type checker
        return network

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make dropout a function of the step, so that a resumed run repeats itself."""
        del batch, batch_idx
        torch.manual_seed(self.settings.seed * 1_000_003 + self.global_step)
        for block in self._frozen:
            block.eval()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The summed loss of a batch; terms are logged by name.

        Raises:
            Diverged: a term is not finite; the weights are still those before the step.
        """
        del batch_idx
        terms = LOSSES[self.settings.preset](self.model(batch.x), batch.target)
        self.log_dict({f"train/{name}": term.detach() for name, term in terms.items()})
        total = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(total):
            broken = [name for name, term in terms.items() if not torch.isfinite(term)]
            raise Diverged(
                f"loss term {broken[0]!r} is {total.item()} at step {self.global_step}",
                hint="lower optimiser.learning_rate, or train in full precision",
            )
        return total

    def on_train_batch_end(self, outputs: object, batch: Batch, batch_idx: int) -> None:
        """Follow the weights after every step."""
        del outputs, batch, batch_idx
        if self.average is not None:
            self.average.update_parameters(self.model)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep the scores of a tune batch."""
        del batch_idx
        logit = self.result(batch.x).logits[:, 0]
        self._tune.append((logit.float(), batch.target.covid))

    def on_validation_epoch_end(self) -> None:
        """Log cross-entropy and AUC of all tune images together."""
        logit, covid = (torch.cat(parts) for parts in zip(*self._tune, strict=True))
        self._tune.clear()
        loss = nn.functional.binary_cross_entropy_with_logits(logit, covid)
        self.log_dict({"tune/covid": loss, "tune/auc": area_under_curve(logit, covid)})

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with warm-up and cosine, or the paper's Adam at one rate."""
        settings = self.settings
        head = list(self.model.head.parameters())
        of_head = {id(p) for p in head}
        body = [p for p in self.model.parameters() if p.requires_grad and id(p) not in of_head]
        rate = settings.learning_rate
        groups = [
            {"params": body, "lr": rate},
            {"params": head, "lr": rate * settings.head_factor},
        ]
        if settings.preset == "paper":
            adam = torch.optim.Adam(groups, weight_decay=settings.weight_decay)
            return {"optimizer": adam}
        adamw = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(adamw, self._rate_at)
        return {
            "optimizer": adamw,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _rate_at(self, step: int) -> float:
        warm = min(1.0, (step + 1) / max(1, self.settings.warmup))
        return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / self.settings.num_steps)))


def area_under_curve(score: Tensor, positive: Tensor) -> Tensor:
    """Chance that a positive scores above a negative, ties counted half; 0.5 without both."""
    high, low = score[positive > 0.5], score[positive <= 0.5]
    if len(high) == 0 or len(low) == 0:
        return torch.tensor(0.5)
    above = (high[:, None] > low[None]).float() + 0.5 * (high[:, None] == low[None]).float()
    return above.mean()
