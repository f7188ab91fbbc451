"""Candidate regions, their suppression, and the batch of exactly beta regions.

Paper    One Shot + LSTM + attention, sections 3.6 and 4: "Since beta is fixed, the batch size must
         be the same regardless of the distribution of the confidence scores"; regions ranked by
         score, then reordered by "the distance from the origin".
Differs  The paper's threshold of -0.01 admits every softmax score, so there is none here.
         The origin is the image's first pixel and a region stands where its top left corner is (as
         in the authors' code); equal distances keep the order of scores (theirs is undefined).
         `fixed`: fewer than beta regions are repeated evenly; `paper`: at random, so that the same
         image can get two answers.  Where no region is found at all the whole image is the region,
         with label and score 0 (the authors' code fails).

Shapes   N proposals, M candidates, R regions of a batch (the paper's beta), K kinds with
         background; boxes are (x1, y1, x2, y2) in pixels.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import batched_nms, clip_boxes_to_image

from ctsieve.models._detector.config import BranchConfig, RegionConfig

CODER = BoxCoder((10.0, 10.0, 5.0, 5.0))
"""What the box branch's deltas mean."""


class Regions(NamedTuple):
    """Boxes with one kind each."""

    boxes: Float[Tensor, "M 4"]
    scores: Float[Tensor, " M"]
    labels: Int64[Tensor, " M"]
    deltas: Float[Tensor, "M 4"]  # as the box branch gave them

    def take(self, index: Int64[Tensor, " R"]) -> "Regions":
        """The regions at `index`, in its order."""
        return Regions(*(values[index] for values in self))


def candidates(
    logits: Float[Tensor, "N K"],
    deltas: Float[Tensor, "N K4"],
    proposals: Float[Tensor, "N 4"],
    size: tuple[int, int],
) -> Regions:
    """One candidate per proposal and kind but background; those of a proposal stay together."""
    num_kinds = logits.shape[1]
    boxes = CODER.decode(deltas, [proposals]).reshape(-1, num_kinds, 4)
    kinds = torch.arange(1, num_kinds, device=logits.device).expand(boxes.shape[0], -1)
    return Regions(
        clip_boxes_to_image(boxes, size)[:, 1:].reshape(-1, 4),
        logits.softmax(dim=1)[:, 1:].reshape(-1),
        kinds.reshape(-1),
        deltas.reshape(-1, num_kinds, 4)[:, 1:].reshape(-1, 4),
    )


def suppressed(regions: Regions, iou: float) -> Regions:
    """Without boxes that overlap a better one of their kind; best score first."""
    return regions.take(batched_nms(regions.boxes, regions.scores, regions.labels, iou))


def survivors(found: Regions, config: RegionConfig) -> Regions:
    """The candidates of a region batch: those with an area that suppression leaves, best first."""
    return suppressed(with_area(found, config.min_area), config.suppression)


def with_area(regions: Regions, min_area: float) -> Regions:
    """Those that cover more than `min_area` square pixels."""
    width, height = (regions.boxes[:, 2:] - regions.boxes[:, :2]).unbind(dim=1)
    return regions.take(torch.where(width * height > min_area)[0])


def detections(found: Regions, config: BranchConfig) -> Regions:
    """What the segmentation branch shows: sure enough, with an area, suppressed, the best few."""
    sure = with_area(found.take(torch.where(found.scores > config.score)[0]), config.min_area)
    kept = suppressed(sure, config.suppression)
    return Regions(*(values[: config.num_detections] for values in kept))


def region_batch(
    ranked: Regions,
    size: tuple[int, int],
    config: RegionConfig,
    generator: torch.Generator | None = None,
) -> Regions:
    """Exactly `config.number` of the `ranked` survivors, in decreasing order of score.

    Where fewer survived they are repeated, and where none did the whole image stands in.
    """
    index = even_repetition(ranked.scores, config.number)
    if config.padding == "random" and 0 < (kept := len(ranked.scores)) < config.number:
        index = random_repetition(kept, config.number, generator).to(index.device)
    return _with_whole_image(ranked, size).take(index)


def even_repetition(scores: Float[Tensor, " M"], number: int) -> Int64[Tensor, " R"]:
    """Which survivor fills each slot: all in order, each about equally often.

    With no survivors all slots hold row 0; with more than `number`, the first ones.
    """
    slots = torch.arange(number, device=scores.device)
    kept = torch.ones_like(scores, dtype=torch.int64).sum().clamp(max=number)
    return torch.div(slots * kept, number, rounding_mode="floor")


def random_repetition(
    kept: int, number: int, generator: torch.Generator | None = None
) -> Int64[Tensor, " R"]:
    """Which of `kept` survivors (1 or more) fills each slot, as the authors draw it.

    Slot 0 starts the first survivor; the others start at distinct random slots in order, never at
    the last one.
    """
    if kept >= number:
        return torch.arange(number)
    starts = torch.randperm(number - 2, generator=generator)[: kept - 1] + 1
    begins = torch.zeros(number, dtype=torch.int64)
    begins[starts] = 1
    return begins.cumsum(dim=0)


def distance_order(boxes: Float[Tensor, "R 4"]) -> Int64[Tensor, " R"]:
    """Rows by distance of their top left corner from the origin, nearest first; stable."""
    distance = boxes[:, :2].square().sum(dim=1).sqrt()
    rows = torch.arange(len(boxes), device=boxes.device)
    before = distance[:, None] < distance[None, :]
    tied = (distance[:, None] == distance[None, :]) & (rows[:, None] < rows[None, :])
    rank = (before | tied).to(torch.int64).sum(dim=0)
    # a comparison table, since sorting is not stable in every runtime
    return ((rank[None, :] == rows[:, None]).to(torch.int64) * rows[None, :]).sum(dim=1)


def _with_whole_image(found: Regions, size: tuple[int, int]) -> Regions:
    height, width = size
    nothing = found.deltas.new_zeros(1, 4)
    return Regions(
        torch.cat([found.boxes, found.boxes.new_tensor([[0.0, 0.0, width, height]])]),
        torch.cat([found.scores, nothing[:, 0]]),
        torch.cat([found.labels, found.labels.new_zeros(1)]),
        torch.cat([found.deltas, nothing]),
    )
