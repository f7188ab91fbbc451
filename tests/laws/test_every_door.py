"""One bright place keeps its millimetres through every way in and every way out.

The volume is a smooth ball in air: its centre of mass is known in LPS millimetres, whatever order,
direction, tilt, spacing or encoding it is written with.
"""

from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from ctsieve.phantoms.dicom import HABITS, save_dicom
from ctsieve.phantoms.nifti import save_nifti
from ctsieve.readers import read_study
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Acquisition, Provenance
from ctsieve.types.volume import CTVolume

BRIGHT_AT_MM = np.array([17.0, -23.0, -41.0])
SHAPE = (24, 48, 40)
SPACING = (3.0, 1.2, 1.4)
EXACT_HU = set(HABITS) - {"tilt", "irregular", "missing"}
"""Habits whose slices are those that were written; the others are interpolated on the way."""


def ball() -> CTVolume:
    """A ball of water in air, fading over some voxels so that interpolation keeps its centre."""
    shifted = Geometry.from_spacing(SHAPE, spacing=SPACING, frame="1.2.3")
    middle = shifted.to_world([[(n - 1) / 2 for n in SHAPE]])[0]
    grid = Geometry.from_spacing(
        SHAPE, spacing=SPACING, frame="1.2.3", origin=tuple(BRIGHT_AT_MM - middle + [4, -5, 6])
    )
    index = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), -1)
    distance = np.linalg.norm(grid.to_world(index.reshape(-1, 3)) - BRIGHT_AT_MM, axis=1)
    hu = np.rint(-1000 + 1000 * np.exp(-0.5 * (distance / 7.0) ** 2)).astype(np.int16)
    provenance = Provenance(
        reader="test",
        reader_version="0",
        digest="0" * 64,
        slices=(None,) * SHAPE[0],
        acquisition=Acquisition(modality="CT", slice_thickness_mm=3.0),
    )
    return CTVolume(hu=hu.reshape(SHAPE), geometry=grid, provenance=provenance)


def centre_mm(values: npt.NDArray[np.floating], grid: Geometry) -> npt.NDArray[np.float64]:
    """Centre of mass in LPS millimetres."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), -1)
    weight = np.maximum(values.reshape(-1).astype(np.float64), 0.0)
    return np.asarray(weight @ grid.to_world(index.reshape(-1, 3)) / weight.sum())


@pytest.mark.parametrize("habit", sorted(HABITS))
def test_the_bright_place_survives_every_dicom_habit(habit: str, tmp_path: Path) -> None:
    written = ball()
    save_dicom(written, tmp_path / "study", habit=habit)
    volume = read_study(tmp_path / "study")
    assert isinstance(volume, CTVolume)
    assert volume.geometry.is_canonical
    bright = np.maximum(volume.hu.astype(np.float64) + 950.0, 0.0)
    found = centre_mm(bright, volume.geometry)
    assert np.abs(found - BRIGHT_AT_MM).max() < 0.25, found
    if habit in EXACT_HU:
        inside = volume.hu > -900
        assert int(volume.hu.max()) == int(written.hu.max())
        assert int(inside.sum()) == int((written.hu > -900).sum())


@pytest.mark.parametrize("axes", ["RAS", "LPS", "LAS", "PIR", "SLA", "AIL"])
def test_the_bright_place_survives_every_nifti_axis_order(axes: str, tmp_path: Path) -> None:
    path = save_nifti(ball(), tmp_path / "ball.nii.gz", axes=axes)
    volume = read_study(path)
    assert isinstance(volume, CTVolume)
    found = centre_mm(volume.hu.astype(np.float64) + 950.0, volume.geometry)
    assert np.abs(found - BRIGHT_AT_MM).max() < 0.05


def test_nifti_out_is_where_nifti_in_was(tmp_path: Path) -> None:
    """Nibabel itself, which knows nothing of us, sees the ball at the same place in RAS."""
    path = save_nifti(ball(), tmp_path / "ball.nii.gz", axes="RAS")
    image = nibabel.Nifti1Image.from_filename(path)
    values = np.asarray(image.get_fdata())
    index = np.stack(np.meshgrid(*(np.arange(n) for n in values.shape), indexing="ij"), -1)
    weight = np.maximum(values.reshape(-1) + 950.0, 0.0)
    centre = weight @ index.reshape(-1, 3) / weight.sum()
    ras = image.affine[:3, :3] @ centre + image.affine[:3, 3]
    np.testing.assert_allclose(ras, BRIGHT_AT_MM * [-1, -1, 1], atol=0.05)
