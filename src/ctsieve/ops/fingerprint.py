"""A picture's fingerprint: copies resized, recompressed, brightened or turned have the same.

A 48 x 48 picture is freed of slow shading and of contrast (each pixel is compared with its
neighbourhood), so that windows, gamma and marks matter little; its lowest 20 x 20 cosine
coefficients are the fingerprint.  Mirroring a picture changes the sign of every second coefficient
and turning it swaps rows with columns, so one fingerprint stands for all eight positions.

Measured on 2062 pictures of five public sets: with `ALIKE`, every copy is found that was scaled
(0.33 to 1.7), saved as JPEG (quality 30), brightened, given contrast or marked with arrow and box,
each also mirrored or turned; 87 % of those with 2 % of the border cut off, hardly any with 3 %.
Of 2.05 million pairs of different patients none is called alike (docs/concepts/data-audit.md).

Source   Own work; cosine transform: Ahmed, Natarajan, Rao, IEEE Trans. Computers C-23 (1974) 90;
         hashing its low frequencies is usual.

Shapes   N fingerprints, D their length, R rows, C columns.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from ctsieve.ops.resample import resample
from ctsieve.types.geometry import Geometry

Floats = npt.NDArray[np.float32]

SIZE = 48
"""Rows and columns a picture is reduced to."""
LOWEST = 20
"""Cosine coefficients kept along rows and columns."""
NEIGHBOURHOOD = 4.0
"""Sigma, in reduced pixels, of what a pixel is compared with."""
FAINT = 8 / 255
"""Added to the contrast of a neighbourhood, so that noise in black air stays small."""
LENGTH = LOWEST * LOWEST
ALIKE = 0.90
"""Correlation from which two pictures are copies of one, or neighbouring slices of one scan."""
BLOCK = 512
"""Fingerprints compared at once."""

TURNS = (
    "as it is",
    "mirrored left to right",
    "mirrored top to bottom",
    "turned by 180 degrees",
    "mirrored along the main diagonal",
    "turned by 270 degrees",
    "turned by 90 degrees",
    "mirrored along the other diagonal",
)
"""What `variants` does, in its order; 90 degrees are counter-clockwise."""
OPPOSITE = (0, 1, 2, 3, 4, 6, 5, 7)
"""For each of `TURNS` the one that undoes it."""


class Pair(NamedTuple):
    """Two fingerprints that are alike: `other` resembles `one` when it is turned as said."""

    one: int
    other: int
    likeness: float
    turn: int
    """Index into `TURNS`."""


def fingerprint(values: Floats) -> Floats:
    """The fingerprint (D,) of a picture (R, C) in [0, 1], of unit length.

    A picture of one shade has none: zeros, which resemble nothing.
    """
    flat = Geometry.of_picture((1, *values.shape), "fingerprint")
    target = flat.window_of((0, 0, 0), (1, *values.shape), (1, SIZE, SIZE))
    small = resample(values[None], source=flat, target=target)[0]
    detail = small - ndimage.gaussian_filter(small, NEIGHBOURHOOD)
    contrast = np.sqrt(ndimage.gaussian_filter(detail**2, NEIGHBOURHOOD)) + FAINT
    low = fft.dctn(detail / contrast, norm="ortho")[:LOWEST, :LOWEST].astype(np.float32)
    low[0, 0] = 0.0
    length = float(np.linalg.norm(low))
    return np.asarray(low.ravel() / length if length > 1e-6 else np.zeros(LENGTH), np.float32)


def variants(prints: Floats) -> Floats:
    """Fingerprints (8, N, D) of the pictures behind `prints` (N, D) in all positions of `TURNS`."""
    plain = prints.reshape(-1, LOWEST, LOWEST)
    sign = np.where(np.arange(LOWEST) % 2, -1.0, 1.0).astype(np.float32)
    turned = []
    for base in (plain, plain.transpose(0, 2, 1)):
        turned += [base, base * sign, base * sign[:, None], base * sign[:, None] * sign]
    return np.stack(turned).reshape(8, -1, LENGTH)


def alike(prints: Floats, *, threshold: float = ALIKE) -> list[Pair]:
    """All pairs of fingerprints (N, D) whose likeness is at least `threshold`; `one` < `other`.

    Takes N * N * 8 * D multiplications: seconds for thousands of pictures, an hour for 200 000.
    """
    pairs: dict[tuple[int, int], Pair] = {}
    for start in range(0, len(prints), BLOCK):
        for turn, block in enumerate(variants(prints[start : start + BLOCK])):
            # Those before `start` were compared with these already, the other way round.
            likeness = block @ prints[start:].T
            for i, j in np.argwhere(likeness >= threshold):
                # Turning `one` in one way is turning `other` in the opposite way.
                undone = OPPOSITE[turn]
                pair = Pair(start + int(i), start + int(j), float(likeness[i, j]), undone)
                best = pairs.get(pair[:2])
                if i < j and (best is None or best.likeness < pair.likeness):
                    pairs[pair[:2]] = pair
    return sorted(pairs.values(), key=lambda pair: (-pair.likeness, pair[:2]))
