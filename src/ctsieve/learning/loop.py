"""The one training loop, for slices, scans and detectors alike.

A batch comes in pieces; every piece has random numbers of its own, and gradients are means over all
pieces of all processes.  So a run on two processes, or with smaller pieces and more of them on one
process, is the same run.

Source   Exponential average of weights: Polyak, Juditsky 1992, as `torch.optim.swa_utils` has it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from lightning_utilities.core.apply_func import apply_to_collection
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ctsieve.learning.feeding import Step
from ctsieve.learning.task import Judged, Task, Turn
from ctsieve.types.errors import CtsieveError

NotNegative = Annotated[float, Field(ge=0.0)]


class Diverged(CtsieveError):
    """The loss is no longer a number."""


class OptimiserSettings(BaseModel):
    """How weights change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: Annotated[float, Field(gt=0.0)] = 1e-4
    weight_decay: NotNegative = 0.0
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    """Of "sgd"."""
    schedule: Literal["constant", "cosine"] = "constant"
    """"cosine": falls to 0 at the last step."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Steps until the full rate."""
    clip: NotNegative = 0.0
    """Largest norm of all gradients together; 0: they are not clipped."""
    average: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Decay of the averaged weights per step; 0: the trained weights are the result."""


class Learner(LightningModule):
    """Trains the model of a task; `result` is the network that the run is for."""

    def __init__(
        self,
        task: Task[Any],
        settings: OptimiserSettings,
        *,
        num_steps: int,
        seed: int,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.task = task
        self.settings = settings
        self.average = _averaged(task.model, settings.average)
        self._num_steps = num_steps
        self._seed = seed
        self._channels_last = channels_last
        self._judged: list[Judged] = []
        self._count = 0
        if channels_last:
            task.model.to(memory_format=torch.channels_last)

    @property
    def result(self) -> nn.Module:
        """The averaged network, or the trained one where nothing is averaged."""
        if self.average is None:
            return self.task.model
        network: nn.Module = self.average.module
        return network

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:  # noqa: ANN401
        """Lay images out as the model wants them."""
        del dataloader_idx
        return apply_to_collection(batch, Tensor, _channels_last) if self._channels_last else batch

    def training_step(self, batch: Step, batch_idx: int) -> None:
        """Every turn of one batch.

        Raises:
            Diverged: a loss term is not finite; the weights are still those before the turn.
        """
        del batch_idx
        for turn in self.task.turns:
            self._take(turn, batch)
        if self.average is not None:
            self.average.update_parameters(self.task.model)

    def _take(self, turn: Turn, batch: Step) -> None:
        optimiser = self.optimizers()
        assert isinstance(optimiser, LightningOptimizer)  # noqa: S101  # one, by configure_optimizers
        optimiser.zero_grad(set_to_none=True)
        losses = {phase: self._gradients(phase, batch, last=phase == turn[-1]) for phase in turn}
        learners = {id(p) for phase in turn for p in self.task.learners(phase)}
        for parameter in self.task.model.parameters():
            if id(parameter) not in learners:
                parameter.grad = None  # not zero: decay and momentum would still move it
        if self.settings.clip > 0.0:
            nn.utils.clip_grad_norm_(self.task.model.parameters(), self.settings.clip)
        self.task.before_step(losses)
        optimiser.step()
        if turn is self.task.turns[-1]:
            self._schedule().step()

    def _gradients(self, phase: str, batch: Step, *, last: bool) -> float:
        """Add the gradients of one phase; its mean loss over all pieces of all processes."""
        self.task.begin(phase)
        sums: dict[str, Tensor] = {}
        for number, (place, piece) in enumerate(batch.pieces):
            torch.manual_seed(self.task.seed(self._seed, batch.number, phase, place))
            terms = self.task.terms(piece, phase)
            _require_finite(terms, batch.number)
            total = torch.stack(list(terms.values())).sum() / len(batch.pieces)
            with self._exchange(last and number == len(batch.pieces) - 1):
                self.manual_backward(total)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value.detach() / len(batch.pieces)
        means = {name: self._mean(value) for name, value in sums.items()}
        self.log_dict({f"train/{name}": value for name, value in means.items()})
        return float(torch.stack(list(means.values())).sum())

    def _mean(self, value: Tensor) -> Tensor:
        """Over all processes."""
        mean = self.trainer.strategy.reduce(value.float(), reduce_op="mean")
        return mean if isinstance(mean, Tensor) else torch.tensor(mean)

    @contextmanager
    def _exchange(self, now: bool) -> Iterator[None]:
        """Processes exchange gradients once a turn, with its last backward pass."""
        wrapper = self.trainer.strategy.model
        if now or not isinstance(wrapper, DistributedDataParallel):
            yield
        else:
            with wrapper.no_sync():
                yield

    def on_validation_epoch_start(self) -> None:
        """Start with nothing judged."""
        self._judged = []

    def validation_step(self, batch: Any, batch_idx: int) -> None:  # noqa: ANN401  # a task's piece
        """Keep what the resulting network says of a tune piece."""
        del batch_idx
        self._judged += self.task.judge(self.result.eval(), batch)

    def on_validation_epoch_end(self) -> None:
        """Log the figures of all tune cases together, as one process would."""
        judged = {row.case: row for row in _gathered(self._judged)}
        figures = self.task.figures([judged[case] for case in sorted(judged)])
        self.log_dict({f"tune/{name}": value for name, value in figures.items()})

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """One optimiser for all turns, whose moments they share, and its schedule."""
        settings = self.settings
        rate, decay = settings.learning_rate, settings.weight_decay
        parameters = self.task.groups(rate)
        optimiser: torch.optim.Optimizer
        if settings.kind == "sgd":
            momentum = settings.momentum
            optimiser = torch.optim.SGD(parameters, rate, momentum, weight_decay=decay)
        else:
            make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.kind]
            optimiser = make(parameters, rate, weight_decay=decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, self._rate_at)
        return [optimiser], [schedule]

    def _rate_at(self, step: int) -> float:
        warm = min(1.0, (step + 1) / max(1, self.settings.warmup))
        if self.settings.schedule == "constant":
            return warm
        return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / self._num_steps)))

    def _schedule(self) -> torch.optim.lr_scheduler.LambdaLR:
        schedule = self.lr_schedulers()
        assert isinstance(schedule, torch.optim.lr_scheduler.LambdaLR)  # noqa: S101  # as made above
        return schedule


def _averaged(model: nn.Module, decay: float) -> AveragedModel | None:
    if decay <= 0.0:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


def _require_finite(terms: Mapping[str, Tensor], step: int) -> None:
    for name, term in terms.items():
        if not torch.isfinite(term):
            raise Diverged(
                f"loss term {name!r} is {term.item()} at step {step}",
                hint="lower optimiser.learning_rate, clip gradients, or train in full "
                "precision; checkpoints of finished epochs are intact",
            )


def _gathered(judged: Sequence[Judged]) -> list[Judged]:
    """Of all processes."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return list(judged)
    everyone: list[list[Judged]] = [[] for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(everyone, list(judged))
    return [row for own in everyone for row in own]
