"""One Shot with two LSTMs: wiring of the model with attention and of its ablation without.

Paper    One Shot + LSTM + attention, section 3 and figure 1.

Shapes   R regions, L labels, U units of an LSTM.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple, Self

import torch
from jaxtyping import Float
from torch import Tensor

from ctsieve.models._detector.config import (
    DetectorConfig,
    Preset,
    RegionConfig,
    with_flat_boxes,
)
from ctsieve.models._detector.detector import Found
from ctsieve.models._detector.normalise import use_input_statistics
from ctsieve.models._detector.regions import Regions
from ctsieve.models._one_shot.lstm_attention import LstmAttention, Readings
from ctsieve.models._one_shot.wiring import ImageClassifier, OneShot


@dataclass(frozen=True, slots=True, kw_only=True)
class OneShotLstmConfig:
    """Sizes, thresholds and quirks.

    `paper` sets the quirks, whatever their fields say (see `resolved`); `fixed` leaves them alone.
    """

    preset: Preset = "fixed"
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    regions: RegionConfig = field(default_factory=RegionConfig)
    num_sieve_stages: int = 1
    units: int = 256
    hidden: int = 128
    num_labels: int = 3
    input_statistics: bool = False
    """Batch norm over mask features takes its statistics from the image's regions."""

    def resolved(self) -> Self:
        """The same sizes with what the preset says of quirks in every field."""
        if self.preset == "fixed":
            return self
        backbone = replace(self.detector.backbone, input_statistics=True)
        return replace(
            self,
            detector=replace(with_flat_boxes(self.detector, shown=True), backbone=backbone),
            regions=replace(self.regions, padding="random"),
            input_statistics=True,
        )


class Verdict(NamedTuple):
    """What one image gave."""

    found: Found
    regions: Regions
    readings: Readings
    positive: Float[Tensor, " L"]
    negative: Float[Tensor, " L"]


class OneShotLstmBase(OneShot):
    """Detector, region batch, attention layer and two image classifiers."""

    CLASSIFIES: ClassVar = ("attn_layer", "pos_classifier_attn", "neg_classifier_attn")
    CLASSIFICATION_TRAINS: ClassVar = ("backbone", "attn_layer")

    def __init__(self, config: OneShotLstmConfig, *, attention: bool) -> None:
        config = config.resolved()
        super().__init__(config.detector, config.regions)
        self.config = config
        self.attn_layer = LstmAttention(
            config.detector.branches.mask_channels[-1],
            config.num_sieve_stages,
            config.units,
            attention=attention,
        )
        self.pos_classifier_attn = ImageClassifier(config.units, config.hidden, config.num_labels)
        self.neg_classifier_attn = ImageClassifier(config.units, config.hidden, config.num_labels)
        if config.input_statistics:
            use_input_statistics(self.attn_layer)

    def verdict(
        self, image: Float[Tensor, "1 C H W"], generator: torch.Generator | None = None
    ) -> Verdict:
        """Segment and classify one image."""
        look = self.look(image)
        regions = self.regions(look, generator)
        readings: Readings = self.attn_layer(self.mask_features(look, regions))
        return Verdict(
            self.found(look),
            regions,
            readings,
            self.pos_classifier_attn(readings.positive.vector),
            self.neg_classifier_attn(readings.negative.vector),
        )
