"""Mask R-CNN in parts that a classifier can share: one image at a time.

Paper    One Shot + LSTM + attention, sections 3.3 to 3.6 and figure 1.
Differs  Images are not resized inside: the recipe says how large they come (the authors' detector
         resizes, which changes nothing at their 512 x 512).  Images of a batch do not influence one
         another in any mode (the authors' batches have one image).  An image without objects
         teaches background (the authors' loop skips it).

Shapes   B images, C channels (1 or 3), H W rows and columns, P proposals, D places for
         objects, S side of a mask; boxes are (x1, y1, x2, y2) in pixels.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torchvision.ops import MultiScaleRoIAlign

from ctsieve.models._detector.backbone import PyramidBackbone
from ctsieve.models._detector.config import BranchConfig, DetectorConfig
from ctsieve.models._detector.heads import (
    BOX_SIDE,
    MASK_SIDE,
    MaskHead,
    MaskPredictor,
    box_head,
    box_predictor,
)
from ctsieve.models._detector.normalise import imagenet_normalised, padded, standardised
from ctsieve.models._detector.paste import paste
from ctsieve.models._detector.proposals import Anchored, ProposalNetwork, Proposals
from ctsieve.models._detector.regions import Regions, candidates, detections
from ctsieve.models._detector.training import Target, box_losses, choose, mask_loss

SAMPLES = 2
"""Per side of each cell of a cut-out."""


class Look(NamedTuple):
    """What backbone and region proposal network see in one image."""

    maps: Mapping[str, Tensor]
    size: tuple[int, int]  # rows and columns of the image
    anchored: Anchored
    proposals: Proposals


class Found(NamedTuple):
    """Objects of one image, the surest first; empty places have label, score, box and mask 0."""

    regions: Regions
    roi_masks: Float[Tensor, "D S S"]  # cell by cell of each box
    size: tuple[int, int]  # rows and columns of the image

    @property
    def masks(self) -> Float[Tensor, "D H W"]:
        """The masks on the image's grid."""
        return paste(self.roi_masks, self.regions.boxes, self.size)


class Objects(NamedTuple):
    """Objects of every image, the surest first; empty places have label, score, box and mask 0."""

    boxes: Float[Tensor, "B D 4"]
    labels: Int64[Tensor, "B D"]
    scores: Float[Tensor, "B D"]
    masks: Float[Tensor, "B D H W"]
    roi_masks: Float[Tensor, "B D S S"]  # the masks cell by cell of each box


class Branches(nn.Module):
    """The RoI layer: cut-outs of the pyramid's maps, and the branches of the segmentation."""

    def __init__(self, config: BranchConfig, levels: Sequence[str], channels: int) -> None:
        super().__init__()
        self.config = config
        self.cut_for_boxes = MultiScaleRoIAlign(list(levels), BOX_SIDE, SAMPLES)
        self.cut_for_masks = MultiScaleRoIAlign(list(levels), MASK_SIDE, SAMPLES)
        self.box_head = box_head(channels, config)
        self.box_predictor = box_predictor(config)
        if config.mask_channels:
            self.mask_head = MaskHead(channels, config.mask_channels)
            self.mask_predictor = MaskPredictor(
                config.mask_channels[-1], config.num_kinds, config.mask_layer
            )

    def judge(
        self, look: Look, boxes: Float[Tensor, "P 4"], suffix: str = ""
    ) -> tuple[Tensor, Tensor]:
        """Logits (P, K) and deltas (P, 4K) of boxes; `suffix` names the branch."""
        cut = self.cut_for_boxes(look.maps, [boxes], [look.size])
        features = self.get_submodule(f"box_head{suffix}")(cut)
        logits, deltas = self.get_submodule(f"box_predictor{suffix}")(features)
        return logits, deltas

    def mask(self, look: Look, boxes: Float[Tensor, "P 4"], suffix: str = "") -> Tensor:
        """What a mask branch makes of boxes: logits (P, K, S, S), or features."""
        cut = self.cut_for_masks(look.maps, [boxes], [look.size])
        features = self.get_submodule(f"mask_head{suffix}")(cut)
        masks: Tensor = self.get_submodule(f"mask_predictor{suffix}")(features)
        return masks


class Detector(nn.Module):
    """Backbone, region proposals and segmentation branches."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.detector = config
        self.backbone = PyramidBackbone(config.backbone)
        levels, channels = config.backbone.num_levels, config.backbone.channels
        self.rpn = ProposalNetwork(config.proposals, levels, channels)
        self.roi_heads = Branches(config.branches, [str(i) for i in range(levels)], channels)

    def normalised(self, image: Float[Tensor, "1 C H W"]) -> Float[Tensor, "1 3 H W"]:
        """Three channels with the configured normalisation, from values in [0, 1]."""
        three = image.expand(-1, 3, -1, -1)
        if self.detector.normalisation == "image":
            return standardised(three)
        return imagenet_normalised(three)

    def look(self, image: Float[Tensor, "1 C H W"]) -> Look:
        """The pyramid's maps of one image, and where in it something may be."""
        x = padded(self.normalised(image))
        size = (int(image.shape[-2]), int(image.shape[-1]))
        maps = self.backbone(x)
        anchored = self.rpn(x, maps)
        return Look(maps, size, anchored, self.rpn.propose(anchored, size))

    def found(self, look: Look) -> Found:
        """The objects of one image."""
        branches = self.roi_heads
        logits, deltas = branches.judge(look, look.proposals.boxes)
        every = candidates(logits, deltas, look.proposals.boxes, look.size)
        regions = detections(every, branches.config)
        masks = branches.mask(look, regions.boxes)
        own = masks.gather(1, regions.labels[:, None, None, None].expand(-1, 1, *masks.shape[2:]))
        if branches.config.mask_values == "probability":
            own = own.sigmoid()
        number = branches.config.num_detections
        shown = Regions(*(filled(values, number) for values in regions))
        return Found(shown, filled(own[:, 0], number), look.size)

    def segmentation_losses(
        self, images: Float[Tensor, "B C H W"], targets: Sequence[Target]
    ) -> dict[str, Float[Tensor, ""]]:
        """The five terms of the segmentation loss, each averaged over the images.

        Random choices come from torch's generator: anchors, then regions, image by image.
        """
        terms: dict[str, list[Tensor]] = {}
        for image, target in zip(images, targets, strict=True):
            for name, value in self._losses(image[None], target).items():
                terms.setdefault(name, []).append(value)
        return {name: torch.stack(values).mean() for name, values in terms.items()}

    def _losses(self, image: Tensor, target: Target) -> dict[str, Tensor]:
        look, branches = self.look(image), self.roi_heads
        proposal_terms = self.rpn.losses(look.anchored, target.boxes)
        chosen = choose(look.proposals.boxes, target, branches.config)
        logits, deltas = branches.judge(look, chosen.boxes)
        terms = box_losses(logits, deltas, chosen, branches.config.beta)
        positive = chosen.positive()
        masks = branches.mask(look, positive.boxes)
        return {**proposal_terms, **terms, **mask_loss(masks, positive, target)}


def all_objects(found: Sequence[Found]) -> Objects:
    """The objects of the images of a batch, their masks on the images' grid."""
    regions = [f.regions for f in found]
    return Objects(
        torch.stack([r.boxes for r in regions]),
        torch.stack([r.labels for r in regions]),
        torch.stack([r.scores for r in regions]),
        stacked([f.masks for f in found]),
        torch.stack([f.roi_masks for f in found]),
    )


def stacked(one_by_one: Sequence[Tensor]) -> Tensor:
    """Tensors of a batch behind a new first axis; masks on the grid of one image are not copied."""
    return one_by_one[0][None] if len(one_by_one) == 1 else torch.stack(list(one_by_one))


def filled(values: Tensor, number: int) -> Tensor:
    """The first `number` rows of `values`, or zeros where there are fewer."""
    return torch.cat([values, values.new_zeros(number, *values.shape[1:])])[:number]
