"""Losses of the segmentation branch: kinds, boxes and masks of randomly chosen regions.

Paper    One Shot + LSTM + attention, section 3.9, where the segmentation loss is Mask R-CNN's.
Differs  From torchvision's: the box loss is smooth L1 with the authors' beta of 1 (there: 1/9).

Shapes   P proposals, G true objects, N chosen regions, K kinds with background.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, Matcher
from torchvision.models.detection.roi_heads import maskrcnn_loss
from torchvision.ops import box_iou

from ctsieve.models._detector.config import BranchConfig
from ctsieve.models._detector.regions import CODER

IGNORED = -1
"""Label of a region that is neither object nor background."""


class Target(NamedTuple):
    """The objects of one image; boxes (x1, y1, x2, y2) in pixels with an area."""

    boxes: Float[Tensor, "G 4"]
    labels: Int64[Tensor, " G"]
    masks: UInt8[Tensor, "G H W"]


class Chosen(NamedTuple):
    """Regions to learn from, in the order of the proposals."""

    boxes: Float[Tensor, "N 4"]
    labels: Int64[Tensor, " N"]  # 0 is background
    deltas: Float[Tensor, "N 4"]  # from the region to its object
    objects: Int64[Tensor, " N"]  # row of the object in the target

    def positive(self) -> "Chosen":
        """Those that show an object."""
        rows = torch.where(self.labels > 0)[0]
        return Chosen(*(values[rows] for values in self))


def choose(proposals: Float[Tensor, "P 4"], target: Target, config: BranchConfig) -> Chosen:
    """Match proposals and true boxes with true boxes, and choose a balanced batch at random."""
    boxes = torch.cat([proposals, target.boxes.to(proposals)])
    if target.boxes.numel() == 0:
        objects = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
        labels, true = objects.clone(), boxes  # the deltas of background are never used
    else:
        matcher = Matcher(config.foreground, config.background, allow_low_quality_matches=False)
        match = matcher(box_iou(target.boxes.to(boxes), boxes))
        objects = match.clamp(min=0)
        labels = target.labels[objects].clone()
        labels[match == Matcher.BELOW_LOW_THRESHOLD] = 0
        labels[match == Matcher.BETWEEN_THRESHOLDS] = IGNORED
        true = target.boxes.to(boxes)[objects]
    sampler = BalancedPositiveNegativeSampler(config.batch, config.positive_share)
    positive, negative = sampler([labels])
    rows = torch.where(positive[0].bool() | negative[0].bool())[0]
    deltas = CODER.encode_single(true[rows], boxes[rows])
    return Chosen(boxes[rows], labels[rows], deltas, objects[rows])


def box_losses(
    logits: Float[Tensor, "N K"], deltas: Float[Tensor, "N K4"], chosen: Chosen, beta: float
) -> dict[str, Float[Tensor, ""]]:
    """Cross entropy of kinds, and smooth L1 of the deltas of each object's own kind."""
    rows = torch.where(chosen.labels > 0)[0]
    own = deltas.reshape(len(logits), -1, 4)[rows, chosen.labels[rows]]
    box_loss = F.smooth_l1_loss(own, chosen.deltas[rows], beta=beta, reduction="sum")
    return {
        "loss_classifier": F.cross_entropy(logits, chosen.labels),
        "loss_box_reg": box_loss / len(logits),
    }


def mask_loss(
    logits: Float[Tensor, "N K S S"], positive: Chosen, target: Target
) -> dict[str, Float[Tensor, ""]]:
    """Binary cross entropy of the mask of each object's own kind."""
    loss = maskrcnn_loss(
        logits, [positive.boxes], [target.masks], [target.labels], [positive.objects]
    )
    return {"loss_mask": loss}
