"""Masks of regions, put back where the regions are.

Paper    He et al., "Mask R-CNN"; the authors of the One Shot models use torchvision's.
Differs  From torchvision's loop over masks: two matrix products for all masks at once, which every
         runtime can do; equal to rounding.

Shapes   D detections, S side of a mask, H W rows and columns of the image.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

PADDING = 1
"""Zeros around a mask, so that it fades out beyond its box."""


def paste(
    masks: Float[Tensor, "D S S"], boxes: Float[Tensor, "D 4"], size: tuple[int, int]
) -> Float[Tensor, "D H W"]:
    """Masks on the image's grid: bilinear inside each box, grown for the padding, 0 outside."""
    side = masks.shape[-1]
    framed = F.pad(masks, (PADDING,) * 4)
    half = (boxes[:, 2:] - boxes[:, :2]) * 0.5 * ((side + 2 * PADDING) / side)
    centre = (boxes[:, 2:] + boxes[:, :2]) * 0.5
    first, last = (centre - half).to(torch.int64), (centre + half).to(torch.int64)
    rows = _interpolation(first[:, 1], last[:, 1], size[0], framed)
    columns = _interpolation(first[:, 0], last[:, 0], size[1], framed)
    return rows @ framed @ columns.transpose(1, 2)


def _interpolation(
    first: Int64[Tensor, " D"], last: Int64[Tensor, " D"], length: int, like: Tensor
) -> Float[Tensor, "D L S"]:
    """Weights that resample a mask's S pixels to `length` pixels of an image's axis."""
    side = like.shape[-1]
    pixel = torch.arange(length, device=like.device)[None, :]
    extent = (last - first + 1).clamp(min=1)[:, None]
    inside = (pixel >= first[:, None]) & (pixel < first[:, None] + extent)
    scale = side / extent.to(like.dtype)
    place = (scale * ((pixel - first[:, None]).to(like.dtype) + 0.5) - 0.5).clamp(min=0.0)
    low = place.floor().clamp(max=side - 1)
    share = place - low
    taps = torch.arange(side, device=like.device, dtype=like.dtype)
    at_low = (taps == low[..., None]).to(like.dtype)
    at_high = (taps == (low + 1).clamp(max=side - 1)[..., None]).to(like.dtype)
    weight = at_low * (1 - share)[..., None] + at_high * share[..., None]
    return weight * inside.to(like.dtype)[..., None]
