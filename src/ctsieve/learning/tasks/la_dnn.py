"""Slices by COVID-19 and by five kinds of lesion together: LA-DNN as published.

Paper    LA-DNN (see `ctsieve.models.la_dnn`), section 4 and the authors' code: Adam at 5e-5,
         batches of 32, 15 epochs, scale and mirror, the lowest tune loss of COVID-19.
Differs  Trust in labels and unknown lesion flags count in the `fixed` loss alone, whose lesion term
         is a mean over the known flags of a piece, so that there the size of a piece matters.

The default bundle is trained by `ctsieve.pipeline.fit`, whose batches blend, paste and grow.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor, nn

from ctsieve.learning.draws import Sampler
from ctsieve.learning.feed import POSITIVE, Batch, targets
from ctsieve.learning.la_dnn import LaDnnTask
from ctsieve.learning.task import Feed, Material, Side, TaskCard, TaskSettings
from ctsieve.learning.tasks.slices import SliceFeed, SliceSettings
from ctsieve.learning.warp import Warp
from ctsieve.models.la_dnn import LESIONS, LaDnn, LaDnnTarget
from ctsieve.types.errors import UsageError


class LesionSettings(TaskSettings):
    """How slices are drawn and changed, and how much lesions count."""

    sampler: Sampler = "shuffle"
    warp: Warp = Warp(mirror=0.5, zoom=(0.8, 1.2), shear=0.2)
    lesion_weight: Annotated[float, Field(ge=0.0)] = 1.0
    """Factor of the lesion terms; 0 trains the COVID-19 output alone."""


class LesionFeed(Feed[Batch]):
    """The slices of a `SliceFeed`, each with its lesion flags."""

    def __init__(self, settings: LesionSettings, material: Material) -> None:
        self._slices = SliceFeed(
            SliceSettings(sampler=settings.sampler, warp=settings.warp), material
        )
        self._train, self._tune = (_targets(side) for side in (material.train, material.tune))
        self.steps_per_epoch, self.num_tune = self._slices.steps_per_epoch, self._slices.num_tune

    def training(self, step: int) -> Sequence[Batch]:
        """The slices of a step, changed at random."""
        return [
            Batch(piece.x, _rows(self._train, piece.cases), piece.cases)
            for piece in self._slices.training(step)
        ]

    def tune(self, number: int) -> Batch:
        """Tune slices as production prepares them."""
        piece = self._slices.tune(number)
        return Batch(piece.x, _rows(self._tune, piece.cases), piece.cases)

    @property
    def tune_covid(self) -> Tensor:
        """The truth (N,) of the tune slices, in order."""
        return self._tune.covid


def _targets(side: Side) -> LaDnnTarget:
    return targets(side.cases, LESIONS)


def _rows(target: LaDnnTarget, cases: tuple[int, ...]) -> LaDnnTarget:
    return LaDnnTarget(*(values[list(cases)] for values in target))


def build(
    model: nn.Module, settings: LesionSettings, material: Material
) -> tuple[LaDnnTask, Feed[Any]]:
    """The task and its slices.

    Raises:
        UsageError: another label than COVID-19 is asked for.
    """
    assert isinstance(model, LaDnn)  # noqa: S101  # by the card
    if material.labels != (POSITIVE,):
        raise UsageError(
            f"la-dnn tells {POSITIVE} from everything else, not {', '.join(material.labels)}",
            hint=f'set data.labels = ["{POSITIVE}"]',
        )
    feed = LesionFeed(settings, material)
    task = LaDnnTask(
        model, feed.tune_covid, loss=model.config.preset, lesion_weight=settings.lesion_weight
    )
    return task, feed


CARD = TaskCard(
    title="Slices by COVID-19 and their lesions",
    models=("la-dnn",),
    settings=LesionSettings,
    build=build,
    criterion=("covid", "min"),
)
