"""COVID-CT-Mask-Net: Mask R-CNN first, then the class of a slice from its trained box branch.

Paper    Ter-Sarkisov, "COVID-CT-Mask-Net: Prediction of COVID-19 from CT Scans Using Regional
         Features", medRxiv 2020.10.11.20211052 (full), and "Lightweight Model For The Prediction of
         COVID-19 Through The Detection And Segmentation of Lesions in Chest CT Scans", medRxiv
         2020.10.30.20223586 (light); the authors' code (AlexTS1980/COVID-CT-Mask-Net, commit
         f06cd37) where they are silent.
Differs  As `mask_rcnn`, and: `fixed` (default): fewer regions than the batch holds are repeated
         evenly (`paper`: at random, so that one image can have two answers).
Licence  No weights come along.  The authors' repository has no licence; no code is taken from it.

Shapes   B images, H W rows and columns, R regions, L labels.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ctsieve.models._detector.classifier import RegionClassifier
from ctsieve.models._detector.config import DetectorConfig, Preset, RegionConfig
from ctsieve.models._detector.mask_rcnn import (
    MaskRcnn,
    MaskRcnnConfig,
    as_published,
    lesion_detector,
)
from ctsieve.models._detector.region_scores import RegionScores
from ctsieve.models._detector.steps import EXEMPT, Step, trained
from ctsieve.types.cards import ModelCard

REGIONS = RegionConfig(number=128, min_area=0.0, suppression=0.75, order="score")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskNetConfig:
    """Sizes, thresholds and quirks; the default sizes are those of the light model.

    `paper` sets the quirks, whatever their fields say (see `resolved`); `fixed` leaves them alone.
    The full model: `lesion_detector("full")`, 256 regions and 1024 features.
    """

    preset: Preset = "fixed"
    stage: Literal["segmentation", "classification"] = "classification"
    detector: DetectorConfig = field(default_factory=lambda: lesion_detector("light", num_kinds=2))
    regions: RegionConfig = REGIONS
    features: int = 512
    num_labels: int = 3

    def resolved(self) -> Self:
        """The same sizes with what the preset says of quirks in every field."""
        if self.preset == "fixed":
            return self
        return replace(
            self,
            detector=as_published(self.detector),
            regions=replace(self.regions, padding="random"),
        )


class MaskNetOutput(NamedTuple):
    """What `MaskNet` returns."""

    logits: Float[Tensor, "B L"]
    regions: Float[Tensor, "B R 4"]  # in decreasing order of score
    region_scores: Float[Tensor, "B R"]
    region_labels: Int64[Tensor, "B R"]


class MaskNet(RegionClassifier):
    """The second stage: backbone, proposals and box branch of a Mask R-CNN, and module S."""

    def __init__(self, config: MaskNetConfig) -> None:
        config = config.resolved()
        maskless = replace(config.detector.branches, mask_channels=())
        super().__init__(replace(config.detector, branches=maskless), config.regions)
        self.config = config
        self.s2new = RegionScores(config.regions.number, config.features, config.num_labels)
        for name, parameter in self.named_parameters():
            parameter.requires_grad = is_trained(name)

    def forward(
        self, images: Float[Tensor, "B C H W"], generator: torch.Generator | None = None
    ) -> MaskNetOutput:
        """Classify slices with values in [0, 1] and one channel, or three.

        `generator` draws the repetitions of the `paper` preset (None: torch's own).
        """
        regions = [self.regions(self.look(image), generator) for image in images.split(1)]
        return MaskNetOutput(
            torch.stack([self.s2new(r) for r in regions]),
            *(torch.stack([getattr(r, k) for r in regions]) for k in ("boxes", "scores", "labels")),
        )

    def start_from(self, segmentation: MaskRcnn) -> tuple[str, ...]:
        """Take every tensor of the same name from a trained first stage; their names."""
        own = self.state_dict()
        shared = {k: v for k, v in segmentation.state_dict().items() if k in own}
        self.load_state_dict({**own, **shared})
        return tuple(shared)

    def trained_by(self, step: Step) -> dict[str, nn.Parameter]:
        """Module S, and scale and shift of batch norm outside shortcuts, as the authors have it."""
        return trained(self, ("",)) if step == "classification" else {}

    def train_for(self, step: Step) -> Self:
        """Both steps leave the second stage in evaluation mode: batch norm keeps its statistics."""
        del step
        return self.eval()


def is_trained(name: str) -> bool:
    """Whether the second stage trains the parameter of that name."""
    return "new" in name or "bn" in name


def build(config: MaskNetConfig) -> MaskNet | MaskRcnn:
    """The stage that the configuration names."""
    if config.stage == "segmentation":
        return MaskRcnn(MaskRcnnConfig(preset=config.preset, detector=config.detector))
    return MaskNet(config)


CARD = ModelCard(
    title="COVID-CT-Mask-Net",
    paper="https://doi.org/10.1101/2020.10.11.20211052",
    config=MaskNetConfig,
    build=build,
    example_shape=(2, 1, 64, 64),
    size=(512, 512),
    trains=is_trained,
    num_parameters=6_283_235,
    exempt=EXEMPT,
)
