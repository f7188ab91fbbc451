"""One Shot models without their last layer: segmentation, and regions for the classification.

Paper    One Shot + LSTM + attention, sections 3.3 to 3.6 and figure 1.

Shapes   B images, H W rows and columns, R regions of a batch, C channels, S side of mask features,
         L labels, D places for objects; boxes are (x1, y1, x2, y2) in pixels.
"""

from typing import ClassVar, NamedTuple, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from ctsieve.models._detector.classifier import TwinClassifier
from ctsieve.models._detector.config import DetectorConfig, RegionConfig
from ctsieve.models._detector.detector import Found, Look, all_objects
from ctsieve.models._detector.heads import MaskHead
from ctsieve.models._detector.regions import Regions
from ctsieve.models._detector.steps import Step, freeze_twins, trained
from ctsieve.models._one_shot.mask_features import MaskFeatures
from ctsieve.models._one_shot.sieve import initialise

LABELS = ("neither", "other_pneumonia", "covid19")
"""Order of the image's logits."""
KINDS = ("background", "lungs", "ground-glass opacity", "consolidation")
"""What the labels of objects mean with four kinds; with two: background, lesion."""


class OneShotOutput(NamedTuple):
    """What a One Shot model returns; objects with the surest first."""

    logits: Float[Tensor, "B L"]
    boxes: Float[Tensor, "B D 4"]
    labels: Int64[Tensor, "B D"]  # 0: an empty place
    scores: Float[Tensor, "B D"]
    masks: Float[Tensor, "B D H W"]  # probabilities
    roi_masks: Float[Tensor, "B D S S"]  # the masks cell by cell of each box
    regions: Float[Tensor, "B R 4"]  # in the order that the classifier reads them
    region_scores: Float[Tensor, "B R"]
    region_labels: Int64[Tensor, "B R"]


class ImageClassifier(nn.Module):
    """Two rectified linear layers, then one logit per label."""

    def __init__(self, features: int, hidden: int, num_labels: int) -> None:
        super().__init__()
        self.fc_l1 = nn.Linear(features, hidden)
        self.fc_l2 = nn.Linear(hidden, hidden)
        self.class_predict_logits = nn.Linear(hidden, num_labels)

    def forward(self, x: Float[Tensor, " C"]) -> Float[Tensor, " L"]:
        """Logits of an image's vector."""
        logits: Tensor = self.class_predict_logits(F.relu(self.fc_l2(F.relu(self.fc_l1(x)))))
        return logits


class OneShot(TwinClassifier):
    """The detector with the two branches that only copy, and the batch of regions they give."""

    CLASSIFIES: ClassVar[tuple[str, ...]]
    """Parts that only the classification trains."""
    CLASSIFICATION_TRAINS: ClassVar[tuple[str, ...]]
    """Parts whose batch norm is in training mode while the classification trains."""

    def __init__(self, config: DetectorConfig, regions: RegionConfig) -> None:
        super().__init__(config, regions)
        heads, channels = config.branches, config.backbone.channels
        self.roi_heads.mask_head_s2 = MaskHead(channels, heads.mask_channels)
        self.roi_heads.mask_predictor_s2 = MaskFeatures(heads.mask_channels[-1])
        initialise(self.roi_heads.mask_predictor_s2)
        freeze_twins(self.roi_heads)

    def mask_features(self, look: Look, regions: Regions) -> Float[Tensor, "R C S S"]:
        """Mask features of the regions, in their order."""
        return self.roi_heads.mask(look, regions.boxes, "_s2")

    def trained_by(self, step: Step) -> dict[str, nn.Parameter]:
        """The parameters that a step of training changes, by name."""
        own = self.CLASSIFIES if step == "classification" else ("rpn", "roi_heads")
        return trained(self, ("backbone", *own))

    def train_for(self, step: Step) -> Self:
        """Put every part into the mode that it has in a step of training."""
        self.train(step == "segmentation")
        for name in self.CLASSIFIES:
            self.get_submodule(name).eval()
        if step == "classification":
            for name in self.CLASSIFICATION_TRAINS:
                self.get_submodule(name).train()
        return self


def one_shot_output(
    logits: list[Tensor], regions: list[Regions], found: list[Found]
) -> OneShotOutput:
    """One output from what was found in each image."""
    objects = all_objects(found)
    return OneShotOutput(
        torch.stack(logits),
        *objects,
        *(torch.stack([getattr(r, k) for r in regions]) for k in ("boxes", "scores", "labels")),
    )
