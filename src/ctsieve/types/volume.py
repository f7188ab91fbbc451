"""The two kinds of image: Hounsfield units in millimetres, or a picture of a CT.

They are different types on purpose (docs/decisions/0003-two-picture-types.md): what measures in
millimetres or HU accepts only `CTVolume`.
"""

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import promise
from ctsieve.types.provenance import Provenance
from ctsieve.types.study import StudyHeader

T = TypeVar("T", bound=np.generic)

AIR_HU = -1000
"""The Hounsfield value of air, and of padding after reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A display window in HU: `centre` and `width` as DICOM means them."""

    centre: float
    width: float

    @property
    def low(self) -> float:
        """The HU shown black."""
        return self.centre - self.width / 2

    @property
    def high(self) -> float:
        """The HU shown white."""
        return self.centre + self.width / 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CTVolume:
    """A CT volume in Hounsfield units on a canonical grid, with no gap between slices.

    Promises: `hu` is int16 of `geometry.shape` (slice, row, column), read-only; the grid runs
    Feet-Posterior-Left; padding is air; missing or irregular slices were refused or resampled and
    `provenance.steps` says so.
    """

    hu: npt.NDArray[np.int16] = field(repr=False)
    geometry: Geometry
    provenance: Provenance
    study: StudyHeader | None = field(default=None, repr=False)
    """The DICOM study it was read from, for DICOM results; None for every other source."""

    def __post_init__(self) -> None:
        promise(self.hu.dtype == np.int16, f"HU are int16, got {self.hu.dtype}")
        promise(self.hu.shape == self.geometry.shape, "HU and grid have one shape")
        promise(self.geometry.is_canonical, "a CT volume is canonical")
        promise(self.geometry.has_millimetres, "a CT volume lies in patient space")
        object.__setattr__(self, "hu", read_only(self.hu))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CTPicture:
    """A picture of CT slices (screenshot, figure, exported PNG): display values, no HU, no mm.

    Promises: `values` is float32 in [0, 1] of shape (slice, row, column), read-only and finite;
    a single picture is a stack of one.  `window` is what was applied when the picture was made,
    where that is known.
    """

    values: npt.NDArray[np.float32] = field(repr=False)
    geometry: Geometry
    provenance: Provenance
    window: Window | None = None

    def __post_init__(self) -> None:
        promise(self.values.dtype == np.float32, f"values are float32, got {self.values.dtype}")
        promise(self.values.shape == self.geometry.shape, "values and grid have one shape")
        promise(not self.geometry.has_millimetres, "a picture has no millimetres")
        low, high = float(self.values.min()), float(self.values.max())
        promise(low >= 0.0 and high <= 1.0, f"values lie in [0, 1], got {low}..{high}")
        object.__setattr__(self, "values", read_only(self.values))


def read_only(array: npt.NDArray[T]) -> npt.NDArray[T]:
    """A view of `array` that cannot be written; the caller's own array stays as it was."""
    view = array.view()
    view.flags.writeable = False
    return view
