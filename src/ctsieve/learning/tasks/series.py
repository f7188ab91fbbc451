"""Series of any length: max pooling, Bi-LSTM, Bi-LSTM with attention, attention alone.

Paper    Series, section 5: Adam at 1e-3, batches of 8, binary cross-entropy, 12 epochs, classes
         drawn alike, 256 x 256 rotated by up to 10 degrees and cut to 224 x 224; figures at epochs
         6 and 12 (here: of every epoch).
Differs  Slices that show no lungs are left out, as screening does.  Evaluation, of which the
         paper says nothing, sees whole slices of 256 x 256: with 224 x 224 everything would be an
         eighth smaller than in training, and batch norm's statistics those of another scale.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ctsieve.learning.classification import ClassificationTask, Scans, Weighing, padded
from ctsieve.learning.draws import Sampler, class_numbers, draws
from ctsieve.learning.recompute import features
from ctsieve.learning.task import Feed, Material, TaskCard, TaskSettings
from ctsieve.learning.warp import Warp, plain
from ctsieve.models._series import SeriesModel


class SeriesSettings(TaskSettings):
    """How scans are drawn, changed and computed."""

    sampler: Sampler = "class"
    weighing: Weighing = "none"
    warp: Warp = Warp(degrees=10.0, cut=0.875)
    at_once: int = Field(default=16, ge=1)
    """Slices that go through frozen layers together."""


class ScanFeed(Feed[Scans]):
    """Whole scans, padded to the longest of their piece."""

    def __init__(self, sampler: Sampler, warp: Warp, material: Material) -> None:
        self._warp, self._material = warp, material
        self._classes = class_numbers(material.train.cases, material.labels)
        self._tune_classes = class_numbers(material.tune.cases, material.labels)
        self._draws = draws(
            material.train.cases,
            sampler,
            batch_size=material.batch_size,
            seed=material.seed,
            steps_per_epoch=material.steps_per_epoch,
        )
        self.steps_per_epoch = self._draws.steps_per_epoch
        self.num_tune = -(-len(material.tune) // material.piece_size)

    def training(self, step: int) -> Sequence[Scans]:
        """The scans of a step; all slices of one are changed alike."""
        numbers, size = self._draws.of(step), self._material.piece_size
        scans = [self._changed(step, slot, int(n)) for slot, n in enumerate(numbers)]
        classes = torch.from_numpy(self._classes[numbers])
        return [
            Scans(
                *padded(scans[first : first + size]),
                classes[first : first + size],
                tuple(numbers[first : first + size].tolist()),
            )
            for first in range(0, len(numbers), size)
        ]

    def _changed(self, step: int, slot: int, number: int) -> Tensor:
        random = np.random.default_rng([self._material.seed, 2, step, slot])
        window = int(random.integers(self._material.train.windows(number)))
        views = self._material.train.views(number, window=window)
        return self._warp(views, self._material.size, random)

    def tune(self, number: int) -> Scans:
        """Tune scans as production prepares them."""
        side, size = self._material.tune, self._material.piece_size
        cases = range(number * size, min(len(side), (number + 1) * size))
        scans = [plain(side.views(case)) for case in cases]
        return Scans(*padded(scans), torch.from_numpy(self._tune_classes[cases]), tuple(cases))


class SeriesTask(ClassificationTask):
    """Trains a `SeriesModel` without keeping the activations of its slices."""

    def __init__(self, model: nn.Module, settings: SeriesSettings, material: Material) -> None:
        super().__init__(model, material, settings.weighing)
        self._at_once = settings.at_once

    def logits(self, model: nn.Module, piece: Any) -> Tensor:  # noqa: ANN401  # Scans
        """Logits (B, L) of scans, the same numbers as `model(x, keep)`."""
        assert isinstance(model, SeriesModel)  # noqa: S101  # by the card
        packed = piece.x[piece.keep].expand(-1, 3, -1, -1)
        packed = (packed - model.get_buffer("mean")) / model.get_buffer("deviation")
        maps = features(model, packed, trunk=model.backbone.trunk, at_once=self._at_once)
        logits: Tensor = model.read_scan(maps.mean(dim=(2, 3)), piece.keep).logits
        return logits


def build(
    model: nn.Module, settings: SeriesSettings, material: Material
) -> tuple[SeriesTask, ScanFeed]:
    """The task and its scans."""
    feed = ScanFeed(settings.sampler, settings.warp, material)
    return SeriesTask(model, settings, material), feed


CARD = TaskCard(
    title="Series by their class",
    models=("series-maxpool", "series-bilstm", "series-bilstm-attention", "series-attention"),
    settings=SeriesSettings,
    build=build,
    criterion=("loss", "min"),
)
