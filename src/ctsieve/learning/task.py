"""What a model family has to say of itself for the one training loop to train it.

A *turn* is one step of the optimiser.  It is made of *phases*, each a forward and a backward pass
over every piece of the batch, whose gradients add up.  Most families have one turn of one phase;
the One Shot models take a turn for the segmentation and then one for the classification, or one
turn of both phases.  The loop (`ctsieve.learning.loop`) knows no family.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from ctsieve.learning.prepared import PreparedCases
from ctsieve.learning.views import Bytes
from ctsieve.types.cases import Case

Piece = TypeVar("Piece")
Terms = dict[str, Tensor]
"""Named loss terms of one piece; their sum is what is minimised."""
Turn = tuple[str, ...]
"""Names of phases whose gradients add up before one step of the optimiser."""
ALL = "all"
"""The only phase of families that have one."""


class Judged(NamedTuple):
    """What a network said of one tune case: numbers that only its task understands."""

    case: int
    values: tuple[float, ...]


class Task(nn.Module, ABC, Generic[Piece]):
    """How one family learns: losses, who changes when, and what counts as better.

    Buffers of a task are part of a checkpoint, so that a resumed run goes on as it would have.
    """

    def __init__(self, model: nn.Module, turns: tuple[Turn, ...] = ((ALL,),)) -> None:
        super().__init__()
        self.model = model
        self.turns = turns

    def begin(self, phase: str) -> None:
        """Put every part of the model into the mode that it has in `phase`."""
        del phase
        self.model.train()

    def learners(self, phase: str) -> Iterable[nn.Parameter]:
        """The parameters that `phase` may change."""
        del phase
        return (p for p in self.model.parameters() if p.requires_grad)

    def seed(self, run: int, step: int, phase: str, place: int) -> int:
        """Seed of a forward pass: of where it stands, not of what ran before it."""
        return hash((run, step, place, *phase.encode())) & 0x7FFF_FFFF_FFFF_FFFF

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """What the optimiser moves, each group at its own learning rate."""
        return [{"params": [p for p in self.model.parameters() if p.requires_grad], "lr": rate}]

    @abstractmethod
    def terms(self, piece: Piece, phase: str) -> Terms:
        """The loss terms of a piece, each a mean over its cases."""

    def before_step(self, losses: Mapping[str, float]) -> None:
        """Called with the loss of every phase of a turn, before its step changes the weights."""
        del losses

    @abstractmethod
    def judge(self, model: nn.Module, piece: Piece) -> list[Judged]:
        """What `model`, in evaluation mode, says of the cases of a tune piece."""

    @abstractmethod
    def figures(self, judged: Sequence[Judged]) -> dict[str, float]:
        """Named figures of all tune cases together, in order of their numbers."""


class Feed(ABC, Generic[Piece]):
    """Where pieces come from: each is a function of its number and the seed, nothing else."""

    steps_per_epoch: int
    num_tune: int

    @abstractmethod
    def training(self, step: int) -> Sequence[Piece]:
        """The batch of one step, in pieces of one size that fit into memory."""

    @abstractmethod
    def tune(self, number: int) -> Piece:
        """One of the pieces that the tune side is made of."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """Some cases of a preparation: those of the training or of the tune side."""

    prepared: PreparedCases
    index: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Number of cases."""
        return len(self.index)

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases in order."""
        return tuple(self.prepared.cases[i] for i in self.index)

    def windows(self, number: int) -> int:
        """Under how many windows a case is kept."""
        return int(self.prepared.windows[self.index[number]])

    def views(self, number: int, *, window: int = 0) -> Bytes:
        """The slices (S, R, C) of a case."""
        return self.prepared.views(int(self.index[number]), window=window)

    def labels(self, number: int) -> Bytes:
        """The mask (S, R, C) of a case; (0, R, C) where it has none."""
        return self.prepared.labels(int(self.index[number]))

    def where(self, chosen: Callable[[Case], bool]) -> "Side":
        """The cases that `chosen` takes."""
        mine = [i for i in self.index if chosen(self.prepared.cases[i])]
        return Side(prepared=self.prepared, index=np.array(mine, dtype=np.int64))


MaskAp = Callable[[Mapping[str, npt.NDArray[Any]], Mapping[str, npt.NDArray[Any]]], float]
"""Average precision of found against true `masks`, `labels` and `scores` of one image."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """What a task is built from, beside its model and its settings."""

    train: Side
    tune: Side
    labels: tuple[str, ...]
    """Order of the logits; one label alone is told from everything else."""
    size: tuple[int, int]
    """Rows and columns that the network takes."""
    seed: int
    batch_size: int
    piece_size: int
    """Cases of a piece; `batch_size` is a multiple of it."""
    steps_per_epoch: int
    """0: as many as it takes to see every case once."""
    mask_ap: MaskAp
    """The tune criterion of detectors."""


class TaskSettings(BaseModel):
    """Settings of one task; each task has its own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @property
    def classifies(self) -> bool:
        """Whether every class must have cases."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCard:
    """One way to train: which models learn by it, its settings, and how it is put together."""

    title: str
    models: tuple[str, ...]
    settings: type[TaskSettings]
    build: Callable[[nn.Module, Any, Material], tuple[Task[Any], Feed[Any]]]
    criterion: tuple[str, str]
    """Figure of the tune side by which the best weights are kept, and "min" or "max"."""
