"""Synthetic volumes and label maps as NIfTI files, with their axes in any order."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from ctsieve.types.errors import UsageError
from ctsieve.types.geometry import Geometry
from ctsieve.types.volume import CTVolume

AXES = ("RAS", "LPS", "LAS", "RPI", "PIR", "SAL", "ILP")
"""Orders worth testing; `save_nifti` writes all 48."""

CANONICAL = ("IS", "PA", "LR")
"""Where slices, rows and columns of a canonical grid run to, and the opposite."""


def save_nifti(volume: CTVolume, path: Path, *, axes: str = "RAS") -> Path:
    """Write HU as int16; `axes` names where the file's three axes run to (Right, Anterior, ...).

    Raises:
        UsageError: `axes` does not name three directions.
    """
    return save_labels(volume.hu, path, grid=volume.geometry, axes=axes)


def save_labels(
    values: npt.NDArray[np.generic], path: Path, *, grid: Geometry, axes: str = "RAS"
) -> Path:
    """Write `values` of the grid's shape (slice, row, column) with the grid's millimetres.

    Raises:
        UsageError: `axes` does not name three directions.
    """
    order = [next((k for k, pair in enumerate(CANONICAL) if c in pair), -1) for c in axes]
    if sorted(order) != [0, 1, 2]:
        raise UsageError(f"{axes!r} does not name three axes", hint=f"for example {AXES[0]}")
    turned = np.asarray(values).transpose(order)
    # NIfTI's world runs to Right-Anterior-Superior, ours to Left-Posterior-Superior.
    own = np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.affine
    affine = own[:, [*order, 3]]
    for axis, (letter, source) in enumerate(zip(axes, order, strict=True)):
        if letter != CANONICAL[source][0]:
            turned = np.flip(turned, axis)
            affine[:, 3] += affine[:, axis] * (turned.shape[axis] - 1)
            affine[:, axis] *= -1.0
    make: Any = nib.Nifti1Image  # nibabel has no types
    image = make(np.ascontiguousarray(turned), affine)
    image.set_sform(affine, code=1)
    image.header.set_xyzt_units("mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(path)
    return path
