"""One Shot + affinity: lesions, masks and the class of a slice from how its regions relate.

Paper    Ter-Sarkisov, "One Shot Model For The Prediction of COVID-19 And Lesions Segmentation In
         Chest CT Scans Through The Affinity Among Lesion Mask Features"; the "One Shot Model" that
         the LSTM paper compares with (section 4: 16 regions, 8 affinities); the authors' code
         (AlexTS1980/COVID-Affinity-Model, commit da68d6b) has 8 regions and 32 to 512 affinities.
Differs  In both presets as `one_shot_lstm_attention`, but for the order of regions, which is that
         of their scores.  The authors publish no training script: the steps are those of their LSTM
         model.
         `fixed` (default): batch norm uses its running statistics (`paper`: in the affinity layer
         those of the image's regions); fewer than 8 regions are repeated evenly (`paper`: at
         random); boxes without area are neither proposed nor shown (`paper`: both).
Licence  No weights come along.  The authors' repository has no licence; no code is taken from it.

Shapes   B images, H W rows and columns, R regions, C channels.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, NamedTuple, Self

import torch
from jaxtyping import Float
from torch import Tensor

from ctsieve.models._detector.config import (
    BackboneConfig,
    BranchConfig,
    DetectorConfig,
    Preset,
    RegionConfig,
    with_flat_boxes,
)
from ctsieve.models._detector.detector import Found
from ctsieve.models._detector.normalise import use_input_statistics
from ctsieve.models._detector.regions import Regions
from ctsieve.models._detector.steps import EXEMPT, is_trained
from ctsieve.models._one_shot.affinity import Affinities, Affinity
from ctsieve.models._one_shot.wiring import (
    ImageClassifier,
    OneShot,
    OneShotOutput,
    one_shot_output,
)
from ctsieve.types.cards import ModelCard


def affinity_detector(backbone: Literal["resnet18", "resnet50"] = "resnet18") -> DetectorConfig:
    """The authors' detector on either of their two backbones."""
    return DetectorConfig(
        backbone=BackboneConfig(name=backbone, last_layer=3),
        branches=BranchConfig(num_kinds=2, score=0.05, num_detections=100),
    )


REGIONS = RegionConfig(number=8, order="score")


@dataclass(frozen=True, slots=True, kw_only=True)
class OneShotAffinityConfig:
    """Sizes, thresholds and quirks.

    `paper` sets the quirks, whatever their fields say (see `resolved`); `fixed` leaves them alone.
    """

    preset: Preset = "fixed"
    detector: DetectorConfig = field(default_factory=affinity_detector)
    regions: RegionConfig = REGIONS
    num_affinities: int = 64
    num_sieve_stages: int = 3
    hidden: int = 128
    num_labels: int = 3
    input_statistics: bool = False
    """Batch norm over mask features takes its statistics from the image's regions."""

    def resolved(self) -> Self:
        """The same sizes with what the preset says of quirks in every field."""
        if self.preset == "fixed":
            return self
        return replace(
            self,
            detector=with_flat_boxes(self.detector, shown=True),
            regions=replace(self.regions, padding="random"),
            input_statistics=True,
        )


class Verdict(NamedTuple):
    """What one image gave."""

    found: Found
    regions: Regions
    affinities: Affinities
    logits: Float[Tensor, " L"]


class OneShotAffinity(OneShot):
    """Regions of one image, mixed by learned affinities."""

    CLASSIFIES: ClassVar = ("affinity_layer", "s2new")
    CLASSIFICATION_TRAINS: ClassVar = ("backbone", "affinity_layer")

    def __init__(self, config: OneShotAffinityConfig) -> None:
        config = config.resolved()
        super().__init__(config.detector, config.regions)
        self.config = config
        channels = config.detector.branches.mask_channels[-1]
        self.affinity_layer = Affinity(
            channels, config.num_sieve_stages, config.regions.number, config.num_affinities
        )
        self.s2new = ImageClassifier(channels, config.hidden, config.num_labels)
        if config.input_statistics:
            use_input_statistics(self.affinity_layer)

    def verdict(
        self, image: Float[Tensor, "1 C H W"], generator: torch.Generator | None = None
    ) -> Verdict:
        """Segment and classify one image."""
        look = self.look(image)
        regions = self.regions(look, generator)
        affinities: Affinities = self.affinity_layer(self.mask_features(look, regions))
        return Verdict(self.found(look), regions, affinities, self.s2new(affinities.vector))

    def forward(
        self, images: Float[Tensor, "B C H W"], generator: torch.Generator | None = None
    ) -> OneShotOutput:
        """Segment and classify slices with values in [0, 1] and one channel, or three.

        `generator` draws the repetitions of the `paper` preset (None: torch's own).
        """
        verdicts = [self.verdict(image, generator) for image in images.split(1)]
        return one_shot_output(
            [v.logits for v in verdicts],
            [v.regions for v in verdicts],
            [v.found for v in verdicts],
        )


CARD = ModelCard(
    title="One Shot + affinity",
    paper="https://doi.org/10.1101/2020.12.29.20248987",
    config=OneShotAffinityConfig,
    build=OneShotAffinity,
    example_shape=(2, 1, 64, 64),
    size=(512, 512),
    trains=is_trained,
    num_parameters=13_660_975,
    exempt=EXEMPT,
)
