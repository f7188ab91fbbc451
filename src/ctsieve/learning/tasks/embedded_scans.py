"""Scans from frozen slice features: ResNet50-LSTM-ATT2, with features computed once or every time.

Paper    LSTM-ATT2, section V: Adam at 1e-4 with a weight decay of 5e-3, batches of 16 scans of 16
         slices, at most 50 epochs, stopped after ten without a lower tune loss; slice features
         frozen, from a trained ResNet50-ATT2; weighted cross-entropy.  One random change for all
         slices of a scan.
Differs  With `versions` above 0 a scan is changed in that many ways only, drawn anew each time it
         is seen, so that features can be kept; 0 changes it differently every time, as the paper
         does, and keeps nothing.  Sixteen slices stand at even distances (the authors' code draws
         them at random among evenly spaced ones).

Shapes   B scans, S slices, R C rows and columns, E features of a slice.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ctsieve.learning.classification import ClassificationTask, Scans, Weighing, padded
from ctsieve.learning.draws import Sampler, class_numbers, draws
from ctsieve.learning.task import Feed, Material, Side, TaskCard, TaskSettings
from ctsieve.learning.warp import Warp, plain
from ctsieve.models.resnet50_lstm_att2 import ResNet50LstmAtt2
from ctsieve.types.errors import InputRejected

CHUNK = 32
"""Slices that features are computed of at once."""


class EmbeddedSettings(TaskSettings):
    """How scans are drawn, cut down, changed and weighed."""

    sampler: Sampler = "shuffle"
    weighing: Weighing = "rarest-first"
    warp: Warp = Warp()
    length: int = Field(default=16, ge=0)
    """Slices taken of each scan, at even distances; 0: all."""
    versions: int = Field(default=1, ge=0)
    """In how many ways a scan is changed; 0: in a new way every time."""
    cached: bool = True
    """Keep the features of every version instead of computing them each time."""


class EmbeddedFeed(Feed[Scans]):
    """Scans of a fixed number of slices: pixels, or with `features` what was computed of them."""

    def __init__(
        self, settings: EmbeddedSettings, material: Material, model: ResNet50LstmAtt2
    ) -> None:
        self._settings, self._material, self._model = settings, material, model
        self._classes = [
            class_numbers(side.cases, material.labels) for side in (material.train, material.tune)
        ]
        self._draws = draws(
            material.train.cases,
            settings.sampler,
            batch_size=material.batch_size,
            seed=material.seed,
            steps_per_epoch=material.steps_per_epoch,
        )
        self.steps_per_epoch = self._draws.steps_per_epoch
        self.num_tune = -(-len(material.tune) // material.piece_size)
        self._kept: dict[tuple[int, int], Tensor] = {}

    def training(self, step: int) -> Sequence[Scans]:
        """The scans of a step."""
        numbers, size = self._draws.of(step), self._material.piece_size
        scans = [self._drawn(step, slot, int(n)) for slot, n in enumerate(numbers)]
        classes = torch.from_numpy(self._classes[0][numbers])
        return [
            Scans(
                *padded(scans[first : first + size]),
                classes[first : first + size],
                tuple(numbers[first : first + size].tolist()),
            )
            for first in range(0, len(numbers), size)
        ]

    def _drawn(self, step: int, slot: int, number: int) -> Tensor:
        random = np.random.default_rng([self._material.seed, 2, step, slot])
        versions = self._settings.versions
        if versions == 0:
            return self._changed(number, random)
        version = int(random.integers(versions))
        fixed = np.random.default_rng([self._material.seed, 3, number, version])
        if not self._settings.cached:
            return self._changed(number, fixed)
        if (number, version) not in self._kept:
            self._kept[number, version] = self._embedded(self._changed(number, fixed))
        return self._kept[number, version]

    def tune(self, number: int) -> Scans:
        """Tune scans as production prepares them."""
        side, size = self._material.tune, self._material.piece_size
        cases = range(number * size, min(len(side), (number + 1) * size))
        scans = [self._tune_scan(side, case) for case in cases]
        return Scans(*padded(scans), torch.from_numpy(self._classes[1][cases]), tuple(cases))

    def _tune_scan(self, side: Side, case: int) -> Tensor:
        if not self._settings.cached or self._settings.versions == 0:
            return plain(self._chosen(side, case))
        if (case, -1) not in self._kept:
            self._kept[case, -1] = self._embedded(plain(self._chosen(side, case)))
        return self._kept[case, -1]

    def _changed(self, number: int, random: np.random.Generator) -> Tensor:
        views = self._chosen(self._material.train, number)
        return self._settings.warp(views, self._material.size, random)

    def _chosen(self, side: Side, number: int) -> np.ndarray:
        views, length = side.views(number), self._settings.length
        if length == 0:
            return views
        if len(views) < length:
            raise InputRejected(
                f"case {side.cases[number].id!r} has {len(views)} slices and {length} are taken",
                hint="leave short scans out, set task.length=0, or prepare all slices",
            )
        return views[np.rint(np.linspace(0, len(views) - 1, length)).astype(np.int64)]

    @torch.no_grad()
    def _embedded(self, x: Tensor) -> Tensor:
        """Features (S, E) of slices (S, 1, R, C)."""
        device = next(self._model.parameters()).device
        self._model.embeddings.eval()
        parts = [self._model.slice_features(some.to(device)).features for some in x.split(CHUNK)]
        return torch.cat(parts).float().cpu()


class EmbeddedTask(ClassificationTask):
    """Trains what reads the features; the features never change."""

    def logits(self, model: nn.Module, piece: Any) -> Tensor:  # noqa: ANN401  # Scans
        """Logits (B, L), from pixels (B, S, 1, R, C) or from features (B, S, E)."""
        if piece.x.ndim == 5:
            return super().logits(model, piece)
        assert isinstance(model, ResNet50LstmAtt2)  # noqa: S101  # by the card
        logits: Tensor = model.read_scan(piece.x[piece.keep], piece.keep).logits
        return logits


def build(
    model: nn.Module, settings: EmbeddedSettings, material: Material
) -> tuple[EmbeddedTask, EmbeddedFeed]:
    """The task and its scans."""
    assert isinstance(model, ResNet50LstmAtt2)  # noqa: S101  # by the card
    task = EmbeddedTask(model, material, settings.weighing)
    return task, EmbeddedFeed(settings, material, model)


CARD = TaskCard(
    title="Scans from frozen slice features",
    models=("resnet50-lstm-att2",),
    settings=EmbeddedSettings,
    build=build,
    criterion=("loss", "min"),
)
