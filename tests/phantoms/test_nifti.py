"""NIfTI files keep every voxel's millimetres, whichever way their axes run."""

from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from tests.phantoms.small import small

from ctsieve.phantoms.nifti import save_labels, save_nifti
from ctsieve.types.errors import UsageError

load: Any = nib.load  # nibabel has no types
axes_of: Any = nib.aff2axcodes

ORDERS = tuple(
    "".join(letters) for axes in permutations(("RL", "AP", "SI")) for letters in product(*axes)
)


@pytest.mark.parametrize("axes", ORDERS)
def test_every_order_of_axes_keeps_place_and_hu(axes: str, tmp_path: Path) -> None:
    volume = small("normal", num_slices=6, matrix=32).volume
    image = load(save_nifti(volume, tmp_path / "chest.nii", axes=axes))
    assert "".join(axes_of(image.affine)) == axes
    data = np.asarray(image.dataobj)
    assert data.dtype == np.int16
    rng = np.random.default_rng(0)
    index = np.stack([rng.integers(0, n, 50) for n in volume.hu.shape], axis=1)
    world = volume.geometry.to_world(index) * [-1.0, -1.0, 1.0]
    inverse = np.linalg.inv(image.affine)
    there = world @ inverse[:3, :3].T + inverse[:3, 3]
    assert there == pytest.approx(np.rint(there), abs=1e-3)
    found = data[tuple(np.rint(there).astype(int).T)]
    assert (found == volume.hu[tuple(index.T)]).all()


def test_labels_lie_on_the_volume(tmp_path: Path) -> None:
    phantom = small("covid", num_slices=10, matrix=48)
    grid = phantom.volume.geometry
    hu = load(save_nifti(phantom.volume, tmp_path / "hu.nii.gz", axes="LPS"))
    labels = load(
        save_labels(phantom.lesions.astype(np.uint8), tmp_path / "l.nii.gz", grid=grid, axes="LPS")
    )
    assert np.allclose(hu.affine, labels.affine)
    inside = np.asarray(labels.dataobj) == 2
    assert inside.sum() == phantom.mask_of("consolidation").sum()
    assert sorted(np.asarray(hu.dataobj)[inside]) == sorted(
        phantom.volume.hu[phantom.mask_of("consolidation")]
    )


def test_the_same_volume_writes_the_same_bytes(tmp_path: Path) -> None:
    volume = small("normal", num_slices=6, matrix=32).volume
    first = save_nifti(volume, tmp_path / "a" / "x.nii.gz").read_bytes()
    assert first == save_nifti(volume, tmp_path / "b" / "x.nii.gz").read_bytes()


@pytest.mark.parametrize("axes", ["RAR", "XYZ", "RA", "RASL", ""])
def test_an_order_that_is_none_is_refused(axes: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not name three axes"):
        save_nifti(small("normal", num_slices=6, matrix=32).volume, tmp_path / "x.nii", axes=axes)
