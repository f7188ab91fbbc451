"""NIfTI: millimetres, scaling and refusal."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.readers.make import MARK, marked, nib, upright

from ctsieve.readers import read_study
from ctsieve.types.errors import CtsieveError, InputRejected, UnreadableStudy
from ctsieve.types.volume import AIR_HU, CTVolume

RAS = np.diag([-1.0, -1.0, 1.0, 1.0]) @ upright()


def saved(values: npt.ArrayLike, path: Path) -> Path:
    nib.save(nib.Nifti1Image(np.asarray(values), RAS), path)
    return path


def read(path: Path) -> CTVolume:
    volume = read_study(path)
    assert isinstance(volume, CTVolume)
    return volume


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64])
def test_values_of_any_type_become_hounsfield_units(dtype: type, tmp_path: Path) -> None:
    values: npt.NDArray[Any] = marked().astype(dtype)
    volume = read(saved(values, tmp_path / "a.nii"))
    np.testing.assert_array_equal(volume.hu, marked())
    assert volume.provenance.acquisition.intensity == "assumed-hu"
    assert volume.geometry.has_millimetres


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    image = nib.Nifti1Image(((marked().astype(np.int32) + 1024) // 4).astype(np.int16), RAS)
    image.header.set_slope_inter(4.0, -1024.0)
    nib.save(image, tmp_path / "a.nii.gz")
    assert int(np.abs(read(tmp_path / "a.nii.gz").hu - marked().astype(int)).max()) < 4


def test_padding_becomes_air(tmp_path: Path) -> None:
    values = marked()
    values[0] = -3024
    assert int(read(saved(values, tmp_path / "a.nii")).hu.min()) == AIR_HU


def test_a_pair_of_files_is_read_from_either_half(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(marked(), RAS), tmp_path / "scan.hdr")
    halves = [read(tmp_path / name) for name in ("scan.hdr", "scan.img")]
    for volume in halves:
        assert int(volume.hu.max()) == MARK
    assert halves[0].provenance.digest == halves[1].provenance.digest
    assert read(tmp_path).provenance.digest == halves[0].provenance.digest


def test_a_folder_with_two_volumes_is_refused_by_their_number(tmp_path: Path) -> None:
    for name in ("ct.nii.gz", "mask.nii.gz"):
        saved(marked(), tmp_path / name)
    with pytest.raises(InputRejected, match="holds 2 NIfTI files"):
        read(tmp_path)


def test_nifti_2_is_read(tmp_path: Path) -> None:
    nib.save(nib.Nifti2Image(marked(), RAS), tmp_path / "scan.nii")
    np.testing.assert_array_equal(read(tmp_path / "scan.nii").hu, marked())


def test_a_fourth_axis_of_one_is_no_fourth_axis(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(saved(marked()[..., None], tmp_path / "a.nii")).hu, marked())
    with pytest.raises(InputRejected, match="no single volume"):
        read(saved(np.stack([marked()] * 2, axis=-1), tmp_path / "b.nii"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(value: float, tmp_path: Path) -> None:
    values = marked().astype(np.float32)
    values[1, 2, 3] = value
    with pytest.raises(UnreadableStudy, match="not numbers"):
        read(saved(values, tmp_path / "a.nii"))


def test_a_volume_that_does_not_say_how_it_lies_is_refused(tmp_path: Path) -> None:
    image = nib.Nifti1Image(marked(), None)
    image.header["qform_code"] = image.header["sform_code"] = 0
    nib.save(image, tmp_path / "a.nii")
    with pytest.raises(InputRejected, match="oriented"):
        read(tmp_path / "a.nii")


def test_colour_and_complex_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="complex64"):
        read(saved(marked().astype(np.complex64), tmp_path / "a.nii"))


def test_metres_become_millimetres(tmp_path: Path) -> None:
    image = nib.Nifti1Image(marked(), np.diag([0.001, 0.001, 0.001, 1.0]) @ RAS)
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "a.nii")
    assert read(tmp_path / "a.nii").geometry.spacing == pytest.approx((2.0, 0.7, 0.8), abs=1e-4)


def test_values_that_are_no_ct_are_read_and_said(tmp_path: Path) -> None:
    volume = read(saved(np.abs(marked()) // 10, tmp_path / "a.nii"))
    assert any("do not look like Hounsfield" in step for step in volume.provenance.steps)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("keep", [352, 400, 1000])
def test_truncated_files_are_refused(suffix: str, keep: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-1000, 1000, (9, 12, 14), np.int16)
    path = saved(noise, tmp_path / f"a{suffix}")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CtsieveError):
        read_study(path)


def test_an_impossible_size_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = saved(marked(), tmp_path / "a.nii")
    data = bytearray(path.read_bytes())
    data[42:48] = np.array([32767] * 3, "<i2").tobytes()
    path.write_bytes(data)
    with pytest.raises(UnreadableStudy, match="limit"):
        read(path)


def test_the_real_volume_keeps_every_voxel(data: Path) -> None:
    path = data / "nifti" / "ts_pulm_ct_cropped.nii.gz"
    volume = read(path)
    image = nib.load(path)
    values = np.asarray(image.dataobj)
    index = np.random.default_rng(5).integers(0, values.shape, (200, 3))
    ras = np.c_[index, np.ones(200)] @ image.affine.T
    places = ras[:, :3] * [-1.0, -1.0, 1.0]
    found = np.rint(volume.geometry.to_index(places)).astype(int)
    np.testing.assert_array_equal(volume.hu[tuple(found.T)], values[tuple(index.T)])


def test_an_axis_without_length_is_refused(tmp_path: Path) -> None:
    flat = RAS.copy()
    flat[:3, 1] = 0.0
    image = nib.Nifti1Image(marked(), RAS)
    image.set_qform(None, 0)
    image.header.set_sform(flat, 2)
    nib.save(image, tmp_path / "a.nii")
    data = bytearray((tmp_path / "a.nii").read_bytes())
    data[280:328] = np.asarray(flat[:3], "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(data)
    with pytest.raises(UnreadableStudy, match="impossible"):
        read(tmp_path / "a.nii")
