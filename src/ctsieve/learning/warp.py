"""The papers' augmentations: one affine draw, mirrors and blur for all slices of a case.

Paper    ATT2 and LSTM-ATT2: the authors' transforms (mirrors, blur always, 30 degrees, a tenth of
         shift and of zoom, 20 degrees of shear).  Series: section 5, 256 x 256, rotated by up to 10
         degrees, a random 224 x 224 cut out, no mirrors.  The detectors: none.
Differs  Rotation, shift, zoom, shear, cut and resizing are one sampling, not one after another.
         What a cut leaves is not enlarged again: a network that learned from 224 of 256 pixels is
         asked about all 256 (the effect of another scale: Touvron et al., arXiv:1906.06423).
         The sampling is as sharp as screening: pixels that fall on pixels are copied, others are
         interpolated by cubics (Keys, IEEE TASSP 29, 1981, with torch's -0.75).
Decision docs/decisions/0019-training-as-sharp-as-screening.md

Shapes   S slices, N rows and columns in the preparation, R C those of the network.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.functional import gaussian_blur

Bytes = npt.NDArray[np.uint8]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Angle = Annotated[float, Field(ge=0.0, le=180.0)]


class Warp(BaseModel):
    """How far a case is changed; every draw is even within its range."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mirror: Share = 0.0
    """Probability that left and right are exchanged."""
    upside_down: Share = 0.0
    degrees: Angle = 0.0
    """Rotation, to either side."""
    shift: Share = 0.0
    """Of the width and of the height, to either side."""
    zoom: tuple[float, float] = (1.0, 1.0)
    """Above 1 is closer."""
    shear: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    """Degrees along rows, to either side."""
    cut: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of rows and columns that a random cut keeps; what is cut out is as much smaller than
    the network's input in screening, so that a pixel is as large in both."""
    blur: tuple[float, float] | None = None
    """Standard deviation in pixels of the network's input, from 7 x 7 pixels."""

    def __call__(self, slices: Bytes, size: tuple[int, int], random: np.random.Generator) -> Tensor:
        """Slices (S, N, N), all changed alike, as float32 (S, 1, R, C) in [0, 1].

        R and C are `size`, or with `cut` that share of it.
        """
        size = (round(self.cut * size[0]), round(self.cut * size[1]))
        x, theta = plain(slices), self._theta(random)
        copied = _on_pixels(theta, x.shape[-2:], size)
        linear = torch.from_numpy(theta if copied is None else copied).expand(len(x), 2, 3)
        grid = F.affine_grid(linear, [len(x), 1, *size], align_corners=False)
        mode = "bicubic" if copied is None else "nearest"
        x = F.grid_sample(x, grid, mode=mode, padding_mode="zeros", align_corners=False)
        x = x.clamp(0.0, 1.0)  # cubics overshoot
        if self.blur is not None:
            x = gaussian_blur(x, [7, 7], [float(random.uniform(*self.blur))] * 2)
        return x

    def _theta(self, random: np.random.Generator) -> npt.NDArray[np.float32]:
        """From places in the result to places in the source, both from -1 to 1."""
        angle = np.radians(random.uniform(-self.degrees, self.degrees))
        lean = np.tan(np.radians(random.uniform(-self.shear, self.shear)))
        share = self.cut / random.uniform(*self.zoom)
        moved = random.uniform(-1.0, 1.0, 2) * (1.0 - self.cut)
        moved += random.uniform(-1.0, 1.0, 2) * 2.0 * self.shift
        mirror = np.where(random.random(2) < (self.mirror, self.upside_down), -1.0, 1.0)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = share * turn @ np.array([[1.0, lean], [0.0, 1.0]]) @ np.diag(mirror)
        return np.concatenate([linear, moved[:, None]], axis=1, dtype=np.float32)


def _on_pixels(
    theta: npt.NDArray[np.float32], source: Sequence[int], size: Sequence[int]
) -> npt.NDArray[np.float32] | None:
    """`theta` shifted by less than a pixel so that every pixel of the result is one of the source.

    None where it turns, shears or scales: then there is no such shift.
    """
    across = np.array(source[::-1], dtype=np.float64)
    result = np.array(size[::-1], dtype=np.float64)
    steps = theta[:, :2] * across[:, None] / result
    if not np.allclose(np.abs(steps), np.eye(2), atol=1e-5):
        return None
    corner = theta[:, :2] @ (1.0 / result - 1.0) + theta[:, 2]
    pixel = ((corner + 1.0) * across - 1.0) / 2.0
    snapped = theta.copy()
    snapped[:, 2] += 2.0 * (np.rint(pixel) - pixel) / across
    return snapped


def plain(slices: Bytes) -> Tensor:
    """Slices (S, R, C) as they are, as float32 (S, 1, R, C) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(slices))[:, None].float() / 255.0
