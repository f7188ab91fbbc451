"""The region proposal network: boxes that may hold an object.

Paper    One Shot + LSTM + attention, section 3.4, after Ren et al., "Faster R-CNN".
Differs  From torchvision's: boxes are ranked by their logits, also where sigmoids would be equal;
         the box loss can be L1; boxes without area can be kept.  Two of the paper's anchors (size
         2, ratios 0.1 and 0.25) round to height 0, and so does every box decoded from them: with
         `min_side` above 0 (`fixed`) none of those is proposed.

Shapes   A anchors, P proposals, G true boxes; boxes are (x1, y1, x2, y2) in pixels.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, BoxCoder, Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import concat_box_prediction_layers
from torchvision.ops import batched_nms, box_iou, clip_boxes_to_image, remove_small_boxes

from ctsieve.models._detector.config import ProposalConfig


class Proposals(NamedTuple):
    """Boxes in decreasing order of their logit."""

    boxes: Float[Tensor, "P 4"]
    logits: Float[Tensor, " P"]
    anchor: Int64[Tensor, " P"]  # its row


class Anchored(NamedTuple):
    """What the network says about every anchor."""

    anchors: Float[Tensor, "A 4"]
    logits: Float[Tensor, " A"]
    deltas: Float[Tensor, "A 4"]
    per_level: tuple[int, ...]  # anchors of each level of the pyramid


class ProposalHead(nn.Module):
    """One 3 x 3 convolution, then a logit and four deltas for every anchor of a place."""

    def __init__(self, channels: int, num_anchors: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.cls_logits = nn.Conv2d(channels, num_anchors, 1)
        self.bbox_pred = nn.Conv2d(channels, 4 * num_anchors, 1)
        for layer in (self.conv, self.cls_logits, self.bbox_pred):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.constant_(layer.get_parameter("bias"), 0.0)

    def forward(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Logits and deltas of every level."""
        hidden = [F.relu(self.conv(level)) for level in maps]
        return [self.cls_logits(h) for h in hidden], [self.bbox_pred(h) for h in hidden]


class ProposalNetwork(nn.Module):
    """Anchors, their scores, and the boxes proposed from them."""

    def __init__(self, config: ProposalConfig, num_levels: int, channels: int) -> None:
        super().__init__()
        self.config = config
        self.anchor_generator = AnchorGenerator(
            (config.sizes,) * num_levels, (config.ratios,) * num_levels
        )
        self.head = ProposalHead(channels, len(config.sizes) * len(config.ratios))
        self.coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
        self.matcher = Matcher(config.foreground, config.background, allow_low_quality_matches=True)
        self.sampler = BalancedPositiveNegativeSampler(config.batch, config.positive_share)

    def forward(self, x: Float[Tensor, "1 3 H W"], maps: Mapping[str, Tensor]) -> Anchored:
        """Judge every anchor of one padded image `x`."""
        levels = list(maps.values())
        logits, deltas = self.head(levels)
        anchors = self.anchor_generator(ImageList(x, [tuple(x.shape[-2:])]), levels)[0]
        per_level = tuple(level[0].numel() for level in logits)
        flat_logits, flat_deltas = concat_box_prediction_layers(logits, deltas)
        return Anchored(anchors, flat_logits.flatten(), flat_deltas, per_level)

    def propose(self, anchored: Anchored, size: tuple[int, int]) -> Proposals:
        """The boxes worth a look in an image of `size` (rows, columns); no gradient."""
        boxes = self.coder.decode(anchored.deltas.detach(), [anchored.anchors])[:, 0]
        return filter_proposals(
            boxes,
            anchored.logits.detach(),
            per_level=anchored.per_level,
            size=size,
            config=self.config,
            training=self.training,
        )

    def losses(
        self, anchored: Anchored, true_boxes: Float[Tensor, "G 4"]
    ) -> dict[str, Float[Tensor, ""]]:
        """Objectness and box losses of randomly chosen anchors; one image."""
        labels, targets = self._targets(anchored.anchors, true_boxes)
        positive, negative = (torch.where(chosen[0])[0] for chosen in self.sampler([labels]))
        chosen = torch.cat([positive, negative])
        box_loss = F.smooth_l1_loss(
            anchored.deltas[positive], targets[positive], beta=self.config.beta, reduction="sum"
        )
        return {
            "loss_objectness": F.binary_cross_entropy_with_logits(
                anchored.logits[chosen], labels[chosen]
            ),
            "loss_rpn_box_reg": box_loss / max(chosen.numel(), 1),
        }

    def _targets(self, anchors: Tensor, true_boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Labels (A,): 1 object, 0 none, -1 ignored; and deltas (A, 4)."""
        if true_boxes.numel() == 0:
            return anchors.new_zeros(len(anchors)), torch.zeros_like(anchors)
        match = self.matcher(box_iou(true_boxes, anchors))
        labels = (match >= 0).to(anchors.dtype)
        labels[match == Matcher.BETWEEN_THRESHOLDS] = -1.0
        return labels, self.coder.encode_single(true_boxes[match.clamp(min=0)], anchors)


def filter_proposals(
    boxes: Float[Tensor, "A 4"],
    logits: Float[Tensor, " A"],
    *,
    per_level: tuple[int, ...],
    size: tuple[int, int],
    config: ProposalConfig,
    training: bool = False,
) -> Proposals:
    """Best of each level, clipped to the image, without small boxes, suppressed, best of all."""
    before, after = (n[0] if training else n[1] for n in (config.num_before, config.num_after))
    ranked, levels, start = [], [], 0
    for level, number in enumerate(per_level):
        best = logits[start : start + number].topk(min(before, number)).indices
        ranked.append(start + best)
        levels.append(torch.full_like(best, level))
        start += number
    rows, level_of = torch.cat(ranked), torch.cat(levels)
    boxes = clip_boxes_to_image(boxes[rows], size)
    large = remove_small_boxes(boxes, config.min_side)
    rows, boxes = rows[large], boxes[large]
    logits = logits[rows]
    keep = batched_nms(boxes, logits, level_of[large], config.suppression)[:after]
    return Proposals(boxes[keep], logits[keep], rows[keep])
