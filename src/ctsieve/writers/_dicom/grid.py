"""The study's own grid beside the canonical one: results lie pixel for pixel over their images.

Inside the house every volume is canonical (docs/decisions/0001-grid-convention.md).  Viewers lay a
segment over the image it was made from, so results go out in the order of rows and columns that
the source images have; nothing is resampled, every voxel keeps its millimetres.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from highdicom import (
    CoordinateSystemNames,
    PixelMeasuresSequence,
    PlaneOrientationSequence,
    PlanePositionSequence,
)

from ctsieve.types.geometry import Geometry
from ctsieve.types.study import Cosines
from ctsieve.writers._dicom.values import decimal

T = TypeVar("T", bound=np.generic)
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceGrid:
    """A volume's grid in the order of its source images: slices from the head, rows, columns.

    `affine` maps (slice, row, column) of the source's order to LPS millimetres; `swap` and `back`
    say how an array of the canonical order is turned into it.
    """

    shape: tuple[int, int, int]
    affine: npt.NDArray[np.float64]
    swap: bool
    back: tuple[bool, bool]
    """Whether the source's rows and columns run against the canonical ones."""
    thickness_mm: float

    @property
    def rows(self) -> int:
        """Rows of a source image."""
        return self.shape[1]

    @property
    def columns(self) -> int:
        """Columns of a source image."""
        return self.shape[2]

    @property
    def orientation(self) -> list[float]:
        """Image Orientation (Patient): directions of growing column and of growing row."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        across, down = self.affine[:3, 2] / lengths[2], self.affine[:3, 1] / lengths[1]
        return [decimal(v) for v in (*across, *down)]

    @property
    def pixel_spacing(self) -> list[float]:
        """Pixel Spacing in mm: between rows, between columns."""
        return [decimal(float(np.linalg.norm(self.affine[:3, axis]))) for axis in (1, 2)]

    @property
    def step_mm(self) -> float:
        """Distance of neighbouring planes along their normal: less than along a tilted axis."""
        normal = np.cross(self.affine[:3, 2], self.affine[:3, 1])
        normal /= np.linalg.norm(normal)
        return decimal(abs(float(normal @ self.affine[:3, 0])))

    def position(self, index: int) -> list[float]:
        """Image Position (Patient) of the slice `index`: LPS mm of its first pixel's centre."""
        return [decimal(v) for v in self.affine[:3, 3] + index * self.affine[:3, 0]]

    def array(self, values: npt.NDArray[T]) -> npt.NDArray[T]:
        """`values` (slice, row, column) of the canonical order in the source's: a view."""
        turned = values.swapaxes(1, 2) if self.swap else values
        rows, columns = (slice(None, None, -1 if back else 1) for back in self.back)
        return turned[:, rows, columns]

    def positions(self, indices: range) -> list[PlanePositionSequence]:
        """For highdicom: the places of the slices `indices`."""
        places = map(self.position, indices)
        return [PlanePositionSequence(CoordinateSystemNames.PATIENT, place) for place in places]

    @property
    def planes(self) -> PlaneOrientationSequence:
        """For highdicom: the orientation of all slices."""
        return PlaneOrientationSequence(CoordinateSystemNames.PATIENT, self.orientation)

    @property
    def measures(self) -> PixelMeasuresSequence:
        """For highdicom: spacing of pixels and slices."""
        row, column = self.pixel_spacing
        return PixelMeasuresSequence(
            pixel_spacing=(row, column),
            slice_thickness=self.thickness_mm,
            spacing_between_slices=self.step_mm,
        )


def source_grid(
    geometry: Geometry, orientation: Cosines, *, thickness_mm: float | None
) -> SourceGrid:
    """The grid of `geometry` with rows and columns as `orientation` has them."""
    lengths = np.linalg.norm(geometry.affine[:3, :3], axis=0)
    directions = geometry.affine[:3, :3] / lengths
    across, down = (np.asarray(direction) for direction in orientation)
    swap = bool(abs(down @ directions[:, 1]) < abs(down @ directions[:, 2]))
    row, column = (2, 1) if swap else (1, 2)
    back = (bool(down @ directions[:, row] < 0), bool(across @ directions[:, column] < 0))
    affine = geometry.affine.copy()
    for target, axis, is_back in ((1, row, back[0]), (2, column, back[1])):
        vector = geometry.affine[:3, axis]
        affine[:3, target] = -vector if is_back else vector
        if is_back:
            affine[:3, 3] += vector * (geometry.shape[axis] - 1)
    return SourceGrid(
        shape=(geometry.shape[0], geometry.shape[row], geometry.shape[column]),
        affine=affine,
        swap=swap,
        back=back,
        thickness_mm=float(lengths[0]) if thickness_mm is None else thickness_mm,
    )
