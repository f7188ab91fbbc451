"""Single Shot Model: lesions, masks and the class of a slice from two parallel box branches.

Paper    Ter-Sarkisov, "Single-Shot Lightweight Model For The Detection of Lesions And The
         Prediction of COVID-19 From Chest CT Scans", medRxiv 2020.12.01.20241786; the authors' code
         (AlexTS1980/COVID-Single-Shot-Model, commit 9dc1f53) where the paper is silent.
Differs  In both presets: images come in the size that the recipe says and are not resized inside;
         images of a batch do not influence one another.
         `fixed` (default): fewer than 128 regions are repeated evenly (`paper`: at random, so that
         one image can have two answers); boxes without area are neither proposed nor shown
         (`paper`: both).
Licence  No weights come along.  The authors' repository has no licence; no code is taken from it.

Shapes   B images, H W rows and columns, R regions, L labels, D places for
         objects.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ctsieve.models._detector.classifier import TwinClassifier
from ctsieve.models._detector.config import (
    BackboneConfig,
    BranchConfig,
    DetectorConfig,
    Preset,
    ProposalConfig,
    RegionConfig,
    with_flat_boxes,
)
from ctsieve.models._detector.detector import all_objects
from ctsieve.models._detector.region_scores import RegionScores
from ctsieve.models._detector.steps import (
    EXEMPT,
    Step,
    freeze_twins,
    is_trained,
    trained,
)
from ctsieve.types.cards import ModelCard

Backbone = Literal["resnet18", "resnet34"]


def single_shot_detector(backbone: Backbone = "resnet18") -> DetectorConfig:
    """The authors' detector on a light backbone."""
    return DetectorConfig(
        normalisation="imagenet",
        backbone=BackboneConfig(name=backbone, last_layer=3),
        proposals=ProposalConfig(
            num_before=(2000, 2000),
            num_after=(1000, 1000),
            positive_share=0.5,
        ),
        branches=BranchConfig(
            num_kinds=2,
            mask_channels=(128,),
            mask_layer="conv5_mask",
            score=0.05,
            num_detections=128,
            foreground=0.5,
            background=0.5,
            batch=512,
            positive_share=0.25,
        ),
    )


REGIONS = RegionConfig(number=128, suppression=0.75, order="score")


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleShotConfig:
    """Sizes, thresholds and quirks.

    `paper` sets the quirks, whatever their fields say (see `resolved`); `fixed` leaves them alone.
    """

    preset: Preset = "fixed"
    detector: DetectorConfig = field(default_factory=single_shot_detector)
    regions: RegionConfig = REGIONS
    features: int = 512
    num_labels: int = 3

    def resolved(self) -> Self:
        """The same sizes with what the preset says of quirks in every field."""
        if self.preset == "fixed":
            return self
        return replace(
            self,
            detector=with_flat_boxes(self.detector, shown=True),
            regions=replace(self.regions, padding="random"),
        )


class SingleShotOutput(NamedTuple):
    """What `SingleShot` returns; objects with the surest first."""

    logits: Float[Tensor, "B L"]
    boxes: Float[Tensor, "B D 4"]
    labels: Int64[Tensor, "B D"]  # 0: an empty place
    scores: Float[Tensor, "B D"]
    masks: Float[Tensor, "B D H W"]  # probabilities
    roi_masks: Float[Tensor, "B D S S"]  # the masks cell by cell of each box
    regions: Float[Tensor, "B R 4"]  # in decreasing order of score
    region_scores: Float[Tensor, "B R"]
    region_labels: Int64[Tensor, "B R"]


class SingleShot(TwinClassifier):
    """The detector, a second box branch that only copies, and module S."""

    def __init__(self, config: SingleShotConfig) -> None:
        config = config.resolved()
        super().__init__(config.detector, config.regions)
        self.config = config
        self.s2new = RegionScores(config.regions.number, config.features, config.num_labels)
        freeze_twins(self.roi_heads)

    def forward(
        self, images: Float[Tensor, "B C H W"], generator: torch.Generator | None = None
    ) -> SingleShotOutput:
        """Segment and classify slices with values in [0, 1] and one channel, or three.

        `generator` draws the repetitions of the `paper` preset (None: torch's own).
        """
        looks = [self.look(image) for image in images.split(1)]
        regions = [self.regions(look, generator) for look in looks]
        return SingleShotOutput(
            torch.stack([self.s2new(r) for r in regions]),
            *all_objects([self.found(look) for look in looks]),
            *(torch.stack([getattr(r, k) for r in regions]) for k in ("boxes", "scores", "labels")),
        )

    def trained_by(self, step: Step) -> dict[str, nn.Parameter]:
        """The parameters that a step of training changes, by name."""
        own = ("s2new",) if step == "classification" else ("rpn", "roi_heads")
        return trained(self, ("backbone", *own))

    def train_for(self, step: Step) -> Self:
        """Put every part into its mode: batch norm learns statistics in the segmentation only."""
        return self.train(step == "segmentation")


CARD = ModelCard(
    title="Single Shot Model",
    paper="https://doi.org/10.1101/2020.12.01.20241786",
    config=SingleShotConfig,
    build=SingleShot,
    example_shape=(2, 1, 64, 64),
    size=(512, 512),
    trains=is_trained,
    num_parameters=8_267_759,
    exempt=EXEMPT,
)
