"""Stored samples become Hounsfield units; padding becomes air; odd headers are understood."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydicom.dataelem import DataElement
from tests.readers.make import instance, marked, save, series, upright

from ctsieve.readers import read_study
from ctsieve.readers._hu import IMPOSSIBLE_HU, Rescale, padding_is_outside_tissue, to_hu
from ctsieve.types.volume import AIR_HU, CTVolume


@given(
    stored=hnp.arrays(st.sampled_from([np.int16, np.uint16, np.uint8, np.int32]), (3, 5)),
    slope=st.sampled_from([1.0, 2.0002442, 0.5, 32.1216]),
    intercept=st.sampled_from([-1024.0, 0.0, -4047.0, -8192.0, 0.25]),
)
def test_rescaling_is_what_the_header_says(
    stored: Any,  # noqa: ANN401
    slope: float,
    intercept: float,
) -> None:
    exact = np.clip(np.rint(stored.astype(np.float64) * slope + intercept), -32768, 32767)
    exact[exact < IMPOSSIBLE_HU] = AIR_HU
    out = np.empty(stored.shape, np.int16)
    result = to_hu(stored, Rescale(slope=slope, intercept=intercept), out=out)
    assert result.dtype == np.int16
    np.testing.assert_array_equal(result, exact)


def one(tmp_path: Path, stored: list[int], **header: Any) -> CTVolume:  # noqa: ANN401
    """A one-row slice of these samples, read back."""
    hu = np.zeros((1, 1, len(stored)), np.int16)
    signed = header.get("PixelRepresentation", 1)
    samples = np.array(stored, "<i2" if signed else "<u2").tobytes()
    dataset = instance(hu, upright(), number=0, **{**header, "PixelData": samples})
    volume = read_study(save([dataset], tmp_path))
    assert isinstance(volume, CTVolume)
    return volume


def test_undeclared_padding_becomes_air(tmp_path: Path) -> None:
    volume = one(tmp_path, [-2000, 0, 1024], RescaleIntercept="0")
    assert volume.hu.ravel().tolist() == [AIR_HU, 0, 1024]


def test_unsigned_padding_with_signed_pixels(tmp_path: Path) -> None:
    padding = DataElement(0x00280120, "US", 63536)
    volume = one(tmp_path, [-2000, -1600, 0], RescaleIntercept="600", PixelPaddingValue=padding)
    assert volume.hu.ravel().tolist() == [AIR_HU, -1000, 600]


def test_a_padding_range_becomes_air(tmp_path: Path) -> None:
    header = {"PixelPaddingValue": 4000, "PixelPaddingRangeLimit": 4095, "BitsStored": 16}
    volume = one(tmp_path, [4000, 4050, 4095, 3999, 1024], RescaleIntercept="0", **header)
    assert volume.hu.ravel().tolist() == [AIR_HU, AIR_HU, AIR_HU, 3999, 1024]


def test_no_padding_is_outside_tissue_where_none_is_declared() -> None:
    assert not padding_is_outside_tissue(None, slope=1.0, intercept=0.0)


def test_padding_among_tissue_values_erases_nothing(tmp_path: Path) -> None:
    volume = one(tmp_path, [0, 40, -800], RescaleIntercept="0", PixelPaddingValue=0)
    assert volume.hu.ravel().tolist() == [0, 40, -800]
    assert any("padding" in step for step in volume.provenance.steps)


def test_monochrome1_turns_no_hounsfield_unit_over(tmp_path: Path) -> None:
    volume = one(tmp_path, [24, 1024, 2024], PhotometricInterpretation="MONOCHROME1")
    assert volume.hu.ravel().tolist() == [-1000, 0, 1000]
    assert any("MONOCHROME1" in step for step in volume.provenance.steps)


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    hu = marked()
    datasets = series(hu, upright())
    for number, dataset in enumerate(datasets):
        dataset.RescaleSlope, dataset.RescaleIntercept = "2", str(-1024 - number)
        dataset.PixelData = ((hu[number].astype(int) + 1024 + number) // 2).astype("<i2").tobytes()
    volume = read_study(save(datasets, tmp_path))
    assert isinstance(volume, CTVolume)
    assert int(np.abs(volume.hu - hu.astype(int)).max()) <= 1


def test_a_missing_rescale_is_assumed_and_said(tmp_path: Path) -> None:
    volume = one(tmp_path, [-1000, 0], RescaleSlope=None, RescaleIntercept=None)
    assert volume.hu.ravel().tolist() == [-1000, 0]
    assert volume.provenance.acquisition.intensity == "assumed-hu"


@pytest.mark.parametrize("spelling", ["007.812500e-01", "+0.78125", " .78125 ", "7.8125E-1"])
def test_odd_decimal_strings(spelling: str, tmp_path: Path) -> None:
    datasets = series(marked(), upright())
    for dataset in datasets:
        dataset.PixelSpacing = ["0.500000000001", "0.500000000001"]
    folder = save(datasets, tmp_path)
    for path in folder.iterdir():
        old = b"0.500000000001\\0.500000000001"
        new = f"{spelling}\\{spelling}".encode().ljust(len(old))
        path.write_bytes(path.read_bytes().replace(old, new))
    assert read_study(folder).geometry.spacing[1:] == pytest.approx((0.78125, 0.78125))
