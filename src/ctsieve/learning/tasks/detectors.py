"""Lesions and the class of a slice: One Shot, Single Shot, Mask R-CNN, COVID-CT-Mask-Net.

Paper    One Shot + LSTM + attention, sections 3.6, 3.9 and 4: two data sets in one loop.  A step of
         the segmentation; if its loss has improved, the branches of the classification take the
         weights that gave it; a step of the classification; one Adam for both at 1e-5 with a
         weight decay of 1e-3.  Mask R-CNN has the first step only, the second stage of
         COVID-CT-Mask-Net the second.
Differs  `order = "alternating"` is the authors' code; `order = "combined"` is equation 8 as
         printed, one step of the sum of both losses, weighed by `weights`.  An image without
         objects teaches background (the authors' loop skips it).  Both data sets are drawn by
         `sampler` (the authors: uniformly, with replacement).

Shapes   B images, R C rows and columns, L logits.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ctsieve.learning.classification import judged_logits
from ctsieve.learning.detections import Copies, Detections, Segments
from ctsieve.learning.draws import Draws, Sampler, class_numbers, draws
from ctsieve.learning.figures import classification_figures
from ctsieve.learning.objects import Naming, objects_of
from ctsieve.learning.task import (
    Feed,
    Judged,
    Material,
    Side,
    Task,
    TaskCard,
    TaskSettings,
    Terms,
    Turn,
)
from ctsieve.learning.tasks.slices import require_one_slice
from ctsieve.learning.warp import plain
from ctsieve.models._detector.steps import Step, image_loss, improved
from ctsieve.models._detector.training import Target
from ctsieve.types.errors import InputRejected, UsageError

SEGMENTATION: Final = "segmentation"
CLASSIFICATION: Final = "classification"
NO_AP = -1.0
"""Stands for the average precision of an image without a mask of its own."""


class DetectorSettings(TaskSettings):
    """What is an object, who takes a step when, and when branches copy."""

    kinds: tuple[tuple[int, ...], ...] = ((1,), (2,), (3,))
    """Pixel values of a mask that are objects of kind 1, of kind 2, ..."""
    naming: Naming = "value"
    """What values mean; "rank" is the authors' code; see `ctsieve.learning.objects`."""
    min_area: int = Field(default=100, ge=0)
    """Objects have more pixels of the prepared slice than this."""
    phases: tuple[Literal["segmentation", "classification"], ...] = (SEGMENTATION, CLASSIFICATION)
    order: Literal["alternating", "combined"] = "alternating"
    weights: tuple[float, float] = (1.0, 1.0)
    """Of the segmentation's and of the classification's loss."""
    copy_when: Literal["previous", "best", "never"] = "previous"
    """Branches copy when the segmentation's loss is below the previous step's, or the best."""
    sampler: Sampler = "uniform"
    confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    """Objects that the tune side counts score more than this."""
    only_segment: tuple[str, ...] = ()
    """Sites whose slices are segmented and never classified."""

    @property
    def classifies(self) -> bool:
        """Whether every class must have cases."""
        return CLASSIFICATION in self.phases


class DetectorFeed(Feed[Detections]):
    """Two data sets side by side, one for each phase, drawn apart from each other."""

    def __init__(self, settings: DetectorSettings, material: Material) -> None:
        self._settings, self._material = settings, material
        for side in (material.train, material.tune):
            require_one_slice(side)
        self._masked = material.train.where(lambda case: case.mask is not None)
        if SEGMENTATION in settings.phases and not len(self._masked):
            raise InputRejected(
                "no training case has a mask to segment",
                hint="add a data set with masks to data.sets, or set "
                "task.phases=['classification']",
            )
        self._classed = material.train.where(lambda case: case.site not in settings.only_segment)
        self._classes = class_numbers(self._classed.cases, material.labels)
        self._tune_classes = class_numbers(material.tune.cases, material.labels)
        self._draws = {
            SEGMENTATION: self._of(self._masked, seed=0),
            CLASSIFICATION: self._of(self._classed, seed=1),
        }
        self.steps_per_epoch = self._draws[settings.phases[-1]].steps_per_epoch
        self.num_tune = -(-len(material.tune) // material.piece_size)

    def _of(self, side: Side, *, seed: int) -> Draws:
        material = self._material
        return draws(
            side.cases or material.train.cases,
            self._settings.sampler,
            batch_size=material.batch_size,
            seed=2 * material.seed + seed,
            steps_per_epoch=material.steps_per_epoch,
        )

    def training(self, step: int) -> Sequence[Detections]:
        """The images of both phases of a step."""
        size = self._material.piece_size
        objects, classes = (self._draws[p].of(step) for p in (SEGMENTATION, CLASSIFICATION))
        return [
            self._piece(objects[first : first + size], classes[first : first + size])
            for first in range(0, self._material.batch_size, size)
        ]

    def _piece(self, objects: np.ndarray, classes: np.ndarray) -> Detections:
        phases = self._settings.phases
        segmented = objects.tolist() if SEGMENTATION in phases else []
        classified = classes.tolist() if CLASSIFICATION in phases else []
        return Detections(
            self._images(self._masked, segmented),
            tuple(self._target(self._masked, number) for number in segmented),
            self._images(self._classed, classified),
            torch.from_numpy(self._classes[classified]),
            (),
        )

    def tune(self, number: int) -> Detections:
        """Tune slices with the objects of those that have a mask."""
        side, size = self._material.tune, self._material.piece_size
        cases = list(range(number * size, min(len(side), (number + 1) * size)))
        images = self._images(side, cases)
        targets = tuple(self._target(side, case) for case in cases)
        classes = torch.from_numpy(self._tune_classes[cases])
        return Detections(images, targets, images, classes, tuple(cases))

    def _images(self, side: Side, numbers: Sequence[int]) -> Tensor:
        if not numbers:
            return torch.zeros(0, 1, *self._material.size)
        return torch.cat([plain(side.views(number)) for number in numbers])

    def _target(self, side: Side, number: int) -> Target:
        maps, settings = side.labels(number), self._settings
        drawn = maps[0] if len(maps) else np.zeros(self._material.size, np.uint8)
        return objects_of(drawn, settings.kinds, min_area=settings.min_area, naming=settings.naming)


class DetectorTask(Task[Detections]):
    """Trains a detector phase by phase."""

    reference: Tensor

    def __init__(self, model: nn.Module, settings: DetectorSettings, material: Material) -> None:
        phases = settings.phases
        combined = settings.order == "combined"
        turns: tuple[Turn, ...] = (phases,) if combined else tuple((phase,) for phase in phases)
        super().__init__(model, turns)
        self._settings, self._material = settings, material
        self._tune_cases = material.tune.cases
        self._tune_classes = class_numbers(self._tune_cases, material.labels)
        self._weights = dict(zip((SEGMENTATION, CLASSIFICATION), settings.weights, strict=True))
        self.register_buffer("reference", torch.tensor(math.inf, dtype=torch.float64))
        for phase in phases:
            if not self.detector.trained_by(phase):
                raise UsageError(
                    f"{type(model).__name__} does not learn by the {phase}",
                    hint="set task.phases to what its paper trains",
                )

    @property
    def detector(self) -> Segments:
        """The model, as a detector."""
        return cast("Segments", self.model)

    def begin(self, phase: str) -> None:
        """As the authors set modes."""
        self.detector.train_for(cast("Step", phase))

    def learners(self, phase: str) -> Iterable[nn.Parameter]:
        """What a phase may change."""
        return self.detector.trained_by(cast("Step", phase)).values()

    def terms(self, piece: Detections, phase: str) -> Terms:
        """Five terms of the segmentation, or the one of the image's class."""
        if phase == SEGMENTATION:
            terms = self.detector.segmentation_losses(piece.images, piece.targets)
        else:
            terms = image_loss(self.model(piece.x).logits, piece.classes)
        return {name: self._weights[phase] * value for name, value in terms.items()}

    def before_step(self, losses: Mapping[str, float]) -> None:
        """Copy branches if the segmentation has improved: the weights that gave the loss."""
        rule = self._settings.copy_when
        if SEGMENTATION not in losses or rule == "never" or not isinstance(self.model, Copies):
            return
        copy, reference = improved(losses[SEGMENTATION], float(self.reference), rule)
        self.reference.fill_(reference)
        if copy:
            self.model.copy_to_twins()

    def judge(self, model: nn.Module, piece: Detections) -> list[Judged]:
        """Average precision of each image that has a mask, and logits where there are any."""
        output = model(piece.x)
        logits = getattr(output, "logits", torch.zeros(len(piece.x), 0))
        rows = judged_logits(logits, piece.cases)
        return [
            Judged(
                row.case, (self._ap(output, number, piece.targets[number], row.case), *row.values)
            )
            for number, row in enumerate(rows)
        ]

    def _ap(self, output: Any, number: int, target: Target, case: int) -> float:  # noqa: ANN401
        """Of one image; the masks of the output are probabilities, or logits as the preset says."""
        if not hasattr(output, "masks") or self._tune_cases[case].mask is None:
            return NO_AP
        sure = output.scores[number] > self._settings.confidence
        found = {
            "masks": (output.masks[number][sure] > 0.5).cpu().numpy(),
            "labels": output.labels[number][sure].cpu().numpy(),
            "scores": output.scores[number][sure].float().cpu().numpy(),
        }
        true = {"masks": target.masks.bool().cpu().numpy(), "labels": target.labels.cpu().numpy()}
        return self._material.mask_ap(found, true)

    def figures(self, judged: Sequence[Judged]) -> dict[str, float]:
        """`lesion_map` over images with a mask, and what a classifier has; `loss` is unweighted."""
        table = np.array([row.values for row in judged])
        known = table[:, 0] != NO_AP
        figures = {"lesion_map": float(table[known, 0].mean())} if known.any() else {}
        if table.shape[1] > 1:
            sites = [self._tune_cases[row.case].site for row in judged]
            classed = np.array([site not in self._settings.only_segment for site in sites])
            classes = self._tune_classes[[row.case for row in judged]]
            weights = [1.0] * max(2, table.shape[1] - 1)
            figures |= classification_figures(table[classed, 1:], classes[classed], weights)
        return figures


def build(
    model: nn.Module, settings: DetectorSettings, material: Material
) -> tuple[DetectorTask, DetectorFeed]:
    """The task and its two data sets."""
    return DetectorTask(model, settings, material), DetectorFeed(settings, material)


CARD = TaskCard(
    title="Lesions and the class of a slice",
    models=(
        *("one-shot-lstm-attention", "one-shot-lstm", "one-shot-affinity"),
        *("single-shot", "mask-rcnn", "mask-net"),
    ),
    settings=DetectorSettings,
    build=build,
    criterion=("loss", "min"),
)
