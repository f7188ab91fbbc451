"""Slices by their class: ResNet50-ATT2, and the plain networks that papers compare with.

Paper    ATT2, section IV-B: Adam at 5e-4, batches of 64, 1000 steps an epoch, stopped after five
         epochs without a lower tune loss, weighted cross-entropy.  The comparison networks of the
         other papers have no more than a name; configs/slice-baseline.toml says what is taken.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from ctsieve.learning.classification import ClassificationTask, Slices, Weighing
from ctsieve.learning.draws import Sampler, class_numbers, draws
from ctsieve.learning.task import Feed, Material, Side, TaskCard, TaskSettings
from ctsieve.learning.warp import Warp, plain
from ctsieve.types.errors import InputRejected


class SliceSettings(TaskSettings):
    """How slices are drawn, changed and weighed."""

    sampler: Sampler = "shuffle"
    weighing: Weighing = "none"
    warp: Warp = Warp()


class SliceFeed(Feed[Slices]):
    """Slices of cases with one slice each."""

    def __init__(self, settings: SliceSettings, material: Material) -> None:
        self._settings, self._material = settings, material
        for side in (material.train, material.tune):
            require_one_slice(side)
        self._classes = class_numbers(material.train.cases, material.labels)
        self._tune_classes = class_numbers(material.tune.cases, material.labels)
        self._draws = draws(
            material.train.cases,
            settings.sampler,
            batch_size=material.batch_size,
            seed=material.seed,
            steps_per_epoch=material.steps_per_epoch,
        )
        self.steps_per_epoch = self._draws.steps_per_epoch
        self.num_tune = -(-len(material.tune) // material.piece_size)

    def training(self, step: int) -> Sequence[Slices]:
        """The slices of a step, changed at random."""
        numbers = self._draws.of(step)
        size = self._material.piece_size
        return [
            self._piece(step, first, numbers[first : first + size])
            for first in range(0, len(numbers), size)
        ]

    def _piece(self, step: int, first: int, numbers: np.ndarray) -> Slices:
        images = []
        for slot, number in enumerate(numbers.tolist(), start=first):
            random = np.random.default_rng([self._material.seed, 2, step, slot])
            images.append(self._changed(number, random))
        classes = torch.from_numpy(self._classes[numbers])
        return Slices(torch.cat(images), classes, tuple(numbers.tolist()))

    def _changed(self, number: int, random: np.random.Generator) -> torch.Tensor:
        side = self._material.train
        window = int(random.integers(side.windows(number)))
        return self._settings.warp(side.views(number, window=window), self._material.size, random)

    def tune(self, number: int) -> Slices:
        """Tune slices as production prepares them."""
        side, size = self._material.tune, self._material.piece_size
        cases = range(number * size, min(len(side), (number + 1) * size))
        images = torch.cat([plain(side.views(case)) for case in cases])
        return Slices(images, torch.from_numpy(self._tune_classes[cases]), tuple(cases))


def require_one_slice(side: Side) -> None:
    """Refuse whole scans.

    Raises:
        InputRejected: a case has several slices.
    """
    for case, number in zip(side.cases, side.index, strict=True):
        if (slices := int(side.prepared.slices[number])) != 1:
            raise InputRejected(
                f"case {case.id!r} has {slices} slices and this model reads single ones",
                hint="set data.kinds to ['picture', 'slice'], or train a model of scans",
            )


def build(
    model: nn.Module, settings: SliceSettings, material: Material
) -> tuple[ClassificationTask, SliceFeed]:
    """The task and its slices."""
    task = ClassificationTask(model, material, settings.weighing)
    return task, SliceFeed(settings, material)


CARD = TaskCard(
    title="Slices by their class",
    models=(
        "resnet50-att2",
        *("resnet18", "resnet50", "resnext50", "resnext101"),
        *("densenet121", "densenet169", "vgg16", "googlenet"),
        *("efficientnet-b0", "efficientnet-b1"),
    ),
    settings=SliceSettings,
    build=build,
    criterion=("loss", "min"),
)
