"""Lesions of annotated slices on other people's lungs: positives that look like a negative source.

Why      LUNA16 holds no COVID-19 and the annotated slices hold nothing else, so whatever tells the
         two sources apart would pass for disease.  A pasted slice has the source of the background
         and the disease of the donor.
Shapes   N rows and columns of a prepared slice.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.ops.crop import lung_mask

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SMALLEST = 0.006
"""Share of the slice that must have become brighter by `VISIBLE`; else nothing is pasted."""
VISIBLE = 25.0
"""Grey levels of 255."""
SOFTNESS = 1.5
"""Pixels over which a lesion's edge fades."""


def paste_lesions(background: Bytes, donor: Bytes, mask: Bytes) -> Bytes | None:
    """`background` (N, N) with the lesions that `mask` marks in `donor`, in its own tones.

    Both slices are cut to the lungs, so a lesion keeps its place in the chest.  None where too
    little of the lesions falls into the background's lungs, or N exceeds the crop's working size.
    """
    ground, gift = background.astype(np.float32), donor.astype(np.float32)
    dark, bright = _tones(ground)
    gift_dark, gift_bright = _tones(gift)
    if bright - dark < 40.0 or gift_bright - gift_dark < 40.0:
        return None
    lesion = dark + (gift - gift_dark) * (bright - dark) / (gift_bright - gift_dark)
    lung = ndimage.binary_closing(lung_mask(ground / np.float32(255.0)), iterations=3)
    if lung.shape != ground.shape:
        return None
    share = ndimage.gaussian_filter((mask > 127) * lung * np.float32(1.0), SOFTNESS)
    added = share * np.maximum(lesion - ground, 0.0)
    if (added > VISIBLE).mean() < SMALLEST:
        return None
    pasted: Bytes = np.clip(np.rint(ground + added), 0.0, 255.0).astype(np.uint8)
    return pasted


def _tones(values: Floats) -> tuple[float, float]:
    """Grey of aerated lung and of soft tissue."""
    middle = float(np.percentile(values, (5, 95)).mean())
    dark, bright = values[values < middle], values[values >= middle]
    if dark.size == 0 or bright.size == 0:
        return 0.0, 0.0
    return float(np.percentile(dark, 30)), float(np.median(bright))
