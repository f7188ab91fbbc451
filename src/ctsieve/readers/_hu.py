"""Stored samples to Hounsfield units; padding to air.  PS3.3 C.11.1, C.7.5.1.1.2; PS3.5 8.1.1."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ctsieve.readers._header import PixelFormat
from ctsieve.types.volume import AIR_HU

IMPOSSIBLE_HU: Final = -1500
"""Nothing measures less, noise included: scanners write -2000, -2048, -3024 or -32768 outside
their circle, with or without declaring it."""

_TISSUE_HU: Final = (-900.0, 3071.0)
"""Padding declared inside this range would erase anatomy of the same value; it is kept."""

_LOWEST: Final = np.iinfo(np.int16).min
_HIGHEST: Final = np.iinfo(np.int16).max


def stored_values(samples: npt.NDArray[Any], pixels: PixelFormat) -> npt.NDArray[Any]:
    """Samples with the bits above Bits Stored ignored and the sign the header declares.

    A decoder that returns signed samples read the sign from the codestream, which knows better
    than a header that disagrees.
    """
    if samples.dtype.kind == "i":
        return samples
    unused = samples.dtype.itemsize * 8 - pixels.bits_stored
    if pixels.signed:
        signed = samples.view(f"i{samples.dtype.itemsize}")
        return (signed << unused) >> unused if unused > 0 else signed
    if unused > 0:
        return samples & samples.dtype.type((1 << pixels.bits_stored) - 1)
    return samples


def padding_is_outside_tissue(
    padding: tuple[int, int] | None, *, slope: float, intercept: float
) -> bool:
    """Whether declared padding lies where no tissue can, so that replacing it loses nothing."""
    if padding is None:
        return False
    low, high = sorted(value * slope + intercept for value in padding)
    return high <= _TISSUE_HU[0] or low >= _TISSUE_HU[1]


def to_hu(
    stored: npt.NDArray[Any], *, slope: float, intercept: float, padding: tuple[int, int] | None
) -> npt.NDArray[np.int16]:
    """Hounsfield units as int16: rescaled, rounded, clipped, padding and impossible values air."""
    if slope == 1.0 and intercept.is_integer() and abs(intercept) <= _HIGHEST:
        hu = np.add(stored, int(intercept), dtype=np.int32)
        np.clip(hu, _LOWEST, _HIGHEST, out=hu)
        result = hu.astype(np.int16)
    else:
        exact = stored * slope + intercept
        result = np.clip(np.rint(exact), _LOWEST, _HIGHEST).astype(np.int16)
    if padding_is_outside_tissue(padding, slope=slope, intercept=intercept) and padding is not None:
        result[(stored >= padding[0]) & (stored <= padding[1])] = AIR_HU
    result[result < IMPOSSIBLE_HU] = AIR_HU
    return result
