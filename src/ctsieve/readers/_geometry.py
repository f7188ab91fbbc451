"""Turning any grid into a canonical one by exchanging and reversing axes: nothing is resampled."""

from dataclasses import dataclass
from itertools import permutations
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.types.geometry import CANONICAL_AXES

T = TypeVar("T", bound=np.generic)
Affine = npt.NDArray[np.float64]

_MIN_COSINE: Final = 0.5
"""`Geometry.is_canonical` asks for axes within 60 degrees of Feet, Posterior and Left."""

AXIS_NAMES: Final = ("slices", "rows", "columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Which source axis becomes slice, row and column, and which of them run backwards."""

    axes: tuple[int, int, int]
    reverse: tuple[bool, bool, bool]

    @property
    def keeps_slices(self) -> bool:
        """Whether slices of the source are still slices of the canonical grid."""
        return self.axes[0] == 0

    @property
    def steps(self) -> tuple[str, ...]:
        """What was done, for `Provenance.steps`; empty where nothing was."""
        exchanged = self.axes != (0, 1, 2)
        names = [name for name, back in zip(AXIS_NAMES, self.reverse, strict=True) if back]
        order = ", ".join(AXIS_NAMES[a] for a in self.axes)
        return (
            *((f"axes exchanged: {order} of the file became slices, rows, columns",) * exchanged),
            *(f"reversed {name}" for name in names),
        )

    def array(self, values: npt.NDArray[T]) -> npt.NDArray[T]:
        """`values` (source axes) on the canonical grid, a contiguous array."""
        flips = tuple(slice(None, None, -1) if back else slice(None) for back in self.reverse)
        return np.ascontiguousarray(values.transpose(self.axes)[flips])

    def affine(self, affine: Affine, shape: tuple[int, int, int]) -> Affine:
        """The affine of the canonical grid: every voxel keeps its millimetres."""
        turned = affine.copy()
        for target, (axis, back) in enumerate(zip(self.axes, self.reverse, strict=True)):
            column = affine[:3, axis]
            turned[:3, target] = -column if back else column
            if back:
                turned[:3, 3] += column * (shape[axis] - 1)
        return turned


def turn_to_canonical(affine: Affine) -> Turn:
    """How the grid of `affine` (index slice, row, column to LPS) is made canonical.

    Raises:
        UnreadableStudy: an axis has no length.
        InputRejected: an axis is more than 60 degrees from Feet, Posterior or Left.
    """
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise UnreadableStudy(
            f"grid axes of {[float(n) for n in lengths]} mm a voxel are impossible",
            hint="export the study again",
        )
    directions = affine[:3, :3] / lengths
    cosines: npt.NDArray[Any] = CANONICAL_AXES.T @ directions
    axes = max(permutations(range(3)), key=lambda p: sum(abs(cosines[i, p[i]]) for i in range(3)))
    chosen = [float(cosines[target, axis]) for target, axis in enumerate(axes)]
    if min(abs(c) for c in chosen) <= _MIN_COSINE:
        raise InputRejected(
            "an axis of the image lies more than 60 degrees from the body's axes",
            hint="give the axial series",
        )
    return Turn(
        axes=(axes[0], axes[1], axes[2]),
        reverse=(chosen[0] < 0, chosen[1] < 0, chosen[2] < 0),
    )


def shear_degrees(affine: Affine) -> float:
    """Angle between the slice axis and the normal of the slices: a gantry tilt; 0 if upright."""
    slices, rows, columns = (affine[:3, i] / np.linalg.norm(affine[:3, i]) for i in range(3))
    normal = np.cross(columns, rows)
    normal /= np.linalg.norm(normal)
    cosine = min(1.0, abs(float(slices @ normal)))
    angle = float(np.degrees(np.arccos(cosine)))
    return angle if angle > 0.05 else 0.0
