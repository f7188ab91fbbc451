"""Stored samples to Hounsfield units; padding to air.  PS3.3 C.11.1, C.7.5.1.1.2; PS3.5 8.1.1."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ctsieve.readers._header import PixelFormat
from ctsieve.types.errors import UnreadableStudy
from ctsieve.types.volume import AIR_HU

IMPOSSIBLE_HU: Final = -1500
"""Nothing measures less, noise included: scanners write -2000, -2048, -3024 or -32768 outside
their circle, with or without declaring it."""

PLAUSIBLE_LOW_HU: Final = -200
"""A CT that holds any air goes below this; a file that does not is probably something else."""

_TISSUE_HU: Final = (-900.0, 3071.0)
"""Padding declared inside this range would erase anatomy of the same value; it is kept."""

_LOWEST: Final = np.iinfo(np.int16).min
_HIGHEST: Final = np.iinfo(np.int16).max


def stored_values(samples: npt.NDArray[Any], pixels: PixelFormat) -> npt.NDArray[Any]:
    """Samples with the bits above Bits Stored ignored and the sign the header declares.

    A decoder that returns signed samples read the sign from the codestream, which knows better
    than a header that disagrees.
    """
    unused = samples.dtype.itemsize * 8 - pixels.bits_stored
    if samples.dtype.kind == "i":
        return samples
    if not pixels.signed:
        if unused <= 0 or not int(samples.max()) >> pixels.bits_stored:
            return samples
        mask = samples.dtype.type((1 << pixels.bits_stored) - 1)
        return np.asarray(samples & mask)
    signed: npt.NDArray[Any] = samples.view(f"i{samples.dtype.itemsize}")
    return np.asarray((signed << unused) >> unused) if unused > 0 else signed


def padding_is_outside_tissue(
    padding: tuple[int, int] | None, *, slope: float, intercept: float
) -> bool:
    """Whether declared padding lies where no tissue can, so that replacing it loses nothing."""
    if padding is None:
        return False
    low, high = sorted(value * slope + intercept for value in padding)
    return high <= _TISSUE_HU[0] or low >= _TISSUE_HU[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescale:
    """How stored values become Hounsfield units, and which of them are padding."""

    slope: float
    intercept: float
    padding: tuple[int, int] | None = None


def to_hu(
    stored: npt.NDArray[Any], rescale: Rescale, *, out: npt.NDArray[np.int16]
) -> npt.NDArray[np.int16]:
    """Hounsfield units as int16: rescaled, rounded, clipped, padding and impossible values air.

    Written into `out`, which may be the memory of `stored` itself.
    """
    slope, intercept, padding = rescale.slope, rescale.intercept, rescale.padding
    low, high = int(stored.min()), int(stored.max())
    ends = sorted((low * slope + intercept, high * slope + intercept))
    padded = None
    if padding is not None and padding_is_outside_tissue(padding, slope=slope, intercept=intercept):
        padded = (stored >= padding[0]) & (stored <= padding[1])
    fits = ends[0] >= _LOWEST and ends[1] <= _HIGHEST
    if fits and slope == 1.0 and intercept.is_integer() and stored.dtype.itemsize == 2:
        # Sums that fit are right modulo 2**16 too: no wider copy of the slice is needed.
        np.add(stored.view(np.int16), _wrapped(int(intercept)), out=out)
    else:
        out[...] = np.clip(np.rint(stored * slope + intercept), _LOWEST, _HIGHEST)
    if padded is not None:
        out[padded] = AIR_HU
    if ends[0] < IMPOSSIBLE_HU:
        out[out < IMPOSSIBLE_HU] = AIR_HU
    return out


def assumed_hu(
    planes: npt.NDArray[Any], *, slope: float = 1.0, intercept: float = 0.0
) -> npt.NDArray[np.int16]:
    """Values of a format that has no unit, taken as Hounsfield units: rounded and clipped.

    Plane by plane, so that no wider copy of the volume is made; impossible values become air.

    Raises:
        UnreadableStudy: a value is not a finite number.
    """
    hu = np.empty(planes.shape, np.int16)
    for target, plane in zip(hu, planes, strict=True):
        values = plane if (slope, intercept) == (1.0, 0.0) else plane * slope + intercept
        if values.dtype.kind == "f":
            if not np.isfinite(values).all():
                raise UnreadableStudy(
                    "the volume holds values that are not numbers", hint="convert the study again"
                )
            values = np.rint(values)
        target[...] = np.clip(values, _LOWEST, _HIGHEST)
    hu[hu < IMPOSSIBLE_HU] = AIR_HU
    return hu


def doubts(hu: npt.NDArray[np.int16]) -> tuple[str, ...]:
    """What speaks against assumed Hounsfield units, for `Provenance.steps`."""
    low, high = int(hu.min()), int(hu.max())
    if low <= PLAUSIBLE_LOW_HU:
        return ()
    return (f"values {low}..{high} do not look like Hounsfield units",)


def _wrapped(number: int) -> np.int16:
    """`number` modulo 2**16, as int16."""
    return np.int16((number - _LOWEST) % (1 << 16) + _LOWEST)
