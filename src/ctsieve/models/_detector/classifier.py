"""A detector that classifies its image too, from a batch of regions that a box branch picks.

Paper    One Shot + LSTM + attention, sections 3.6 and 4; so do the Single Shot Model and
         COVID-CT-Mask-Net.

Shapes   H W rows and columns, R regions of a batch; boxes are (x1, y1, x2, y2) in pixels.
"""

from typing import ClassVar

import torch

from ctsieve.models._detector.config import DetectorConfig, RegionConfig
from ctsieve.models._detector.detector import Detector, Look
from ctsieve.models._detector.heads import box_head, box_predictor
from ctsieve.models._detector.regions import (
    Regions,
    candidates,
    distance_order,
    region_batch,
    survivors,
)
from ctsieve.models._detector.steps import TWIN, copy_to_twins


class RegionClassifier(Detector):
    """The detector, and the regions that the class of an image is read from."""

    BRANCH: ClassVar[str] = ""
    """What the authors append to the names of the box branch that picks."""

    def __init__(self, config: DetectorConfig, regions: RegionConfig) -> None:
        super().__init__(config)
        self.region_config = regions

    def survivors(self, look: Look) -> Regions:
        """All regions that suppression leaves, the best score first."""
        boxes = look.proposals.boxes
        logits, deltas = self.roi_heads.judge(look, boxes, self.BRANCH)
        return survivors(candidates(logits, deltas, boxes, look.size), self.region_config)

    def regions(self, look: Look, generator: torch.Generator | None = None) -> Regions:
        """The batch of regions in the order that the class is read from them."""
        batch = region_batch(self.survivors(look), look.size, self.region_config, generator)
        if self.region_config.order == "distance":
            return batch.take(distance_order(batch.boxes))
        return batch


class TwinClassifier(RegionClassifier):
    """With a second box branch, which no optimiser changes: it only copies the first."""

    BRANCH = TWIN

    def __init__(self, config: DetectorConfig, regions: RegionConfig) -> None:
        super().__init__(config, regions)
        self.roi_heads.box_head_s2 = box_head(config.backbone.channels, config.branches)
        self.roi_heads.box_predictor_s2 = box_predictor(config.branches)

    def copy_to_twins(self) -> tuple[str, ...]:
        """Copy the segmentation's branches to the classification's; names of what was copied."""
        return tuple(f"roi_heads.{name}" for name in copy_to_twins(self.roi_heads))
