"""A voxel grid in patient space, or a pixel grid where there is no patient space.

Index order is (slice, row, column); world order is DICOM LPS millimetres (x to the patient's
Left, y Posterior, z Superior).  Canonical grids run Feet-Posterior-Left: slice 0 is nearest the
head, rows run to the back, columns to the patient's left.  That triple is right-handed and is the
order radiologists scroll and highdicom writes, so no writer converts anything.
Decision: docs/decisions/0001-grid-convention.md
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from ctsieve.types.errors import UnreadableStudy

MIN_AXIS_VOLUME = 1e-3
"""Smallest volume of the parallelepiped of unit axes; below it the axes do not span space."""

PICTURE_FRAME = "picture:"
"""Prefix of the `frame` of grids that are pixels only: such a grid has no millimetres."""

CANONICAL_AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
"""Columns are the directions of slice, row, column in LPS for a canonical upright grid."""


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Where each voxel is: `world = affine @ (slice, row, column, 1)`.

    Only grids with the same `frame` may be compared: it is the Frame of Reference UID, or
    ``picture:<digest>`` when there is no patient space.  Axes may be sheared (gantry tilt) but
    always span space.

    Raises:
        UnreadableStudy: shape or affine is impossible.

    Example:
        >>> grid = Geometry.from_spacing((40, 512, 512), spacing=(5.0, 0.7, 0.7), frame="1.2.3")
        >>> grid.spacing
        (5.0, 0.7, 0.7)
    """

    shape: tuple[int, int, int]
    affine: npt.NDArray[np.float64]
    frame: str

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.shape)
        if len(shape) != 3 or min(shape) < 1:
            raise UnreadableStudy(f"a grid needs three positive sizes, got {self.shape}")
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise UnreadableStudy(f"affine must be a finite 4x4 matrix, got shape {affine.shape}")
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        if (lengths == 0).any() or abs(np.linalg.det(affine[:3, :3] / lengths)) < MIN_AXIS_VOLUME:
            raise UnreadableStudy("the three grid axes do not span space")
        affine.flags.writeable = False
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "affine", affine)

    @classmethod
    def from_spacing(
        cls,
        shape: tuple[int, int, int],
        *,
        spacing: tuple[float, float, float],
        frame: str,
        origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> Self:
        """A canonical upright grid; `origin` is the LPS place of voxel (0, 0, 0)."""
        affine = np.eye(4)
        affine[:3, :3] = CANONICAL_AXES * np.asarray(spacing)
        affine[:3, 3] = origin
        return cls(shape, affine, frame)

    @classmethod
    def of_picture(cls, shape: tuple[int, int, int], digest: str) -> Self:
        """The pixel grid of a picture or a stack: one unit per pixel, no millimetres."""
        return cls.from_spacing(shape, spacing=(1.0, 1.0, 1.0), frame=PICTURE_FRAME + digest)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance of neighbours along (slice, row, column): mm, or pixels in a picture."""
        s, r, c = (float(n) for n in np.linalg.norm(self.affine[:3, :3], axis=0))
        return s, r, c

    @property
    def has_millimetres(self) -> bool:
        """Whether world coordinates are patient millimetres."""
        return not self.frame.startswith(PICTURE_FRAME)

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in millilitres, exact for sheared grids too.

        Raises:
            UnreadableStudy: the grid is a picture's and has no millimetres.
        """
        if not self.has_millimetres:
            raise UnreadableStudy(
                "a picture has no millimetres, so no volume can be measured on it"
            )
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    @property
    def is_canonical(self) -> bool:
        """Whether the axes run (nearest to) Feet, Posterior, Left."""
        directions = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        return bool(((CANONICAL_AXES * directions).sum(axis=0) > 0.5).all())

    def to_world(self, index: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Map voxel indices `(n, 3)` to LPS millimetres `(n, 3)`."""
        points = np.atleast_2d(np.asarray(index, dtype=np.float64))
        return np.asarray(points @ self.affine[:3, :3].T + self.affine[:3, 3])

    def to_index(self, world: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Map LPS millimetres `(n, 3)` to fractional voxel indices `(n, 3)`."""
        points = np.atleast_2d(np.asarray(world, dtype=np.float64))
        inverse = np.linalg.inv(self.affine)
        return np.asarray(points @ inverse[:3, :3].T + inverse[:3, 3])

    def window_of(
        self, start: Sequence[float], stop: Sequence[float], shape: tuple[int, int, int]
    ) -> "Geometry":
        """The grid of `shape` cells that tiles the box from `start` to `stop`.

        `start` and `stop` are corners in index units where voxel `i` covers [i, i + 1): the whole
        grid is `(0, 0, 0)` to `shape`.  Cell centres are placed so that the box is covered exactly,
        which is how image resizing with aligned borders works.
        """
        low, high = np.asarray(start, dtype=np.float64), np.asarray(stop, dtype=np.float64)
        step = (high - low) / np.asarray(shape, dtype=np.float64)
        affine = self.affine.copy()
        affine[:3, :3] = self.affine[:3, :3] * step
        affine[:3, 3] = self.to_world(low + step / 2 - 0.5)[0]
        return Geometry(shape, affine, self.frame)

    def matches(self, other: "Geometry", *, tolerance: float = 1e-4) -> bool:
        """Whether both grids have the same frame, shape and (within `tolerance`) places."""
        return (
            self.frame == other.frame
            and self.shape == other.shape
            and bool(np.allclose(self.affine, other.affine, rtol=0.0, atol=tolerance))
        )
