"""A feed as Lightning asks for it: one loader per epoch, with the pieces of one process."""

from typing import Any, NamedTuple

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset

from ctsieve.learning.task import Feed
from ctsieve.types.errors import UsageError


class Step(NamedTuple):
    """One batch: its number since the start of the run, and this process's pieces of it."""

    number: int
    pieces: tuple[tuple[int, Any], ...]
    """Each with its place among the pieces of all processes."""


class Steps(Dataset[Step]):
    """Some steps of a feed, with the pieces of one process."""

    def __init__(self, feed: Feed[Any], steps: range, rank: int, processes: int) -> None:
        self._feed, self._steps, self._rank, self._processes = feed, steps, rank, processes

    def __len__(self) -> int:
        """Number of steps."""
        return len(self._steps)

    def __getitem__(self, index: int) -> Step:
        """This process's pieces of one step.

        Raises:
            UsageError: the pieces cannot be shared out evenly.
        """
        pieces = list(enumerate(self._feed.training(self._steps[index])))
        if len(pieces) % self._processes:
            raise UsageError(
                f"{len(pieces)} pieces of a batch cannot be shared by {self._processes} processes",
                hint="make run.batch_size a multiple of run.piece_size times the processes",
            )
        return Step(self._steps[index], tuple(pieces[self._rank :: self._processes]))


class TunePieces(Dataset[Any]):
    """The tune pieces of one process; all have as many, so some may have one twice."""

    def __init__(self, feed: Feed[Any], rank: int, processes: int) -> None:
        rounds = -(-feed.num_tune // processes)
        self._feed = feed
        self._numbers = [(rank + k * processes) % feed.num_tune for k in range(rounds)]

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self._numbers)

    def __getitem__(self, index: int) -> Any:  # noqa: ANN401  # a task's piece
        """One of them."""
        return self._feed.tune(self._numbers[index])


class FeedModule(LightningDataModule):
    """Epoch e holds the steps from e * `steps_per_epoch` on; needs a reload every epoch."""

    def __init__(self, feed: Feed[Any], *, workers: int = 0) -> None:
        super().__init__()
        self._feed = feed
        self._workers = workers

    def train_dataloader(self) -> DataLoader[Step]:
        """The steps of the epoch that begins."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        first = epoch * self._feed.steps_per_epoch
        steps = range(first, first + self._feed.steps_per_epoch)
        return DataLoader(
            Steps(self._feed, steps, *self._place()), batch_size=None, num_workers=self._workers
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """All tune pieces."""
        return DataLoader(TunePieces(self._feed, *self._place()), batch_size=None)

    def _place(self) -> tuple[int, int]:
        trainer = self.trainer
        return (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)
