"""Training steps and tune images as Lightning asks for them: one loader per epoch of steps."""

from collections.abc import Sequence

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Subset

from ctsieve.learning.feed import Batch, TrainingBatches


class TuneBatches(Dataset[Batch]):
    """Batches that were made beforehand."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._batches)

    def __getitem__(self, index: int) -> Batch:
        """One of them."""
        return self._batches[index]


class StepsDataModule(LightningDataModule):
    """Epoch e holds the steps from e * `steps_per_epoch` on; needs a reload every epoch."""

    def __init__(
        self, training: TrainingBatches, tune: Sequence[Batch], steps_per_epoch: int
    ) -> None:
        super().__init__()
        self._training = training
        self._tune = TuneBatches(tune)
        self._steps_per_epoch = steps_per_epoch

    def train_dataloader(self) -> DataLoader[Batch]:
        """The steps of the epoch that begins."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        start = epoch * self._steps_per_epoch
        stop = min(start + self._steps_per_epoch, len(self._training))
        return DataLoader(Subset(self._training, range(start, stop)), batch_size=None)

    def val_dataloader(self) -> DataLoader[Batch]:
        """All tune batches."""
        return DataLoader(self._tune, batch_size=None)
