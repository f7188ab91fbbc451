"""Mask R-CNN alone: the baseline of the One Shot papers, and the first stage of COVID-CT-Mask-Net.

Paper    Ter-Sarkisov, "Detection and Segmentation of Lesion Areas in Chest CT Scans For The
         Prediction of COVID-19", medRxiv 2020.10.23.20218461.

Shapes   B images, H W rows and columns, D places for objects; boxes are (x1, y1, x2, y2)
         in pixels.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, Self

from jaxtyping import Float
from torch import Tensor, nn

from ctsieve.models._detector.config import (
    BackboneConfig,
    BranchConfig,
    DetectorConfig,
    Preset,
    ProposalConfig,
    ResNetName,
    with_flat_boxes,
)
from ctsieve.models._detector.detector import Detector, Objects, all_objects
from ctsieve.models._detector.steps import Step, trained

MaskKind = Literal["full", "light"]


def lesion_detector(
    size: MaskKind = "full", backbone: ResNetName | None = None, *, num_kinds: int = 3
) -> DetectorConfig:
    """The authors' detector: "full" on four levels, "light" on one that ends after layer 3."""
    light = size == "light"
    name: ResNetName = backbone or ("resnet18" if light else "resnet50")
    return DetectorConfig(
        normalisation="imagenet",
        backbone=BackboneConfig(
            name=name, last_layer=3 if light else 4, num_levels=1 if light else 4
        ),
        proposals=ProposalConfig(num_before=(2000, 1000), num_after=(2000, 1000)),
        branches=BranchConfig(
            num_kinds=num_kinds,
            mask_channels=(128,) if light else (256,) * 4,
            mask_layer="conv5_mask",
            score=0.05,
            num_detections=128,
            positive_share=0.75,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskRcnnConfig:
    """Sizes, thresholds and quirks.

    `paper` sets the quirks, whatever their fields say (see `resolved`); `fixed` leaves them alone.
    """

    preset: Preset = "fixed"
    detector: DetectorConfig = field(default_factory=lesion_detector)

    def resolved(self) -> Self:
        """The same sizes with what the preset says of quirks in every field."""
        if self.preset == "fixed":
            return self
        return replace(self, detector=as_published(self.detector))


def as_published(config: DetectorConfig) -> DetectorConfig:
    """The same sizes with the quirks of the authors' first detector: masks are logits."""
    flat = with_flat_boxes(config, shown=False)
    return replace(flat, branches=replace(flat.branches, mask_values="logit"))


class MaskRcnn(Detector):
    """The detector, every part of which the segmentation trains."""

    def __init__(self, config: MaskRcnnConfig) -> None:
        config = config.resolved()
        super().__init__(config.detector)
        self.config = config

    def forward(self, images: Float[Tensor, "B C H W"]) -> Objects:
        """Segment slices with values in [0, 1] and one channel, or three."""
        return all_objects([self.found(self.look(image)) for image in images.split(1)])

    def trained_by(self, step: Step) -> dict[str, nn.Parameter]:
        """The parameters that a step of training changes, by name."""
        return trained(self, ("backbone", "rpn", "roi_heads")) if step == "segmentation" else {}

    def train_for(self, step: Step) -> Self:
        """Put every part into the mode that it has in a step of training."""
        return self.train(step == "segmentation")
