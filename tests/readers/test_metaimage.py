"""MetaImage: SimpleITK writes, we read: same numbers, same millimetres; damage is refused."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.make import MARK, marked

from ctsieve.readers import read_study
from ctsieve.types.errors import CtsieveError, InputRejected, UnreadableStudy
from ctsieve.types.volume import AIR_HU, CTVolume

sitk: Any = SimpleITK
MARK_INDEX = (2, 7, 4)
AXES = {
    "lps": (1, 0, 0, 0, 1, 0, 0, 0, 1),
    "ras": (-1, 0, 0, 0, -1, 0, 0, 0, 1),
    "feet-first": (-1, 0, 0, 0, 1, 0, 0, 0, -1),
    "coronal": (1, 0, 0, 0, 0, 1, 0, -1, 0),
    "turned": (0.96, -0.28, 0, 0.28, 0.96, 0, 0, 0, 1),
}


def image(values: object, axes: str = "lps") -> Any:  # noqa: ANN401
    made = sitk.GetImageFromArray(values)
    made.SetSpacing((0.7, 0.8, 2.5))
    made.SetOrigin((-31.0, 17.0, 250.0))
    made.SetDirection(AXES[axes])
    return made


def saved(values: object, path: Path, *, axes: str = "lps", compress: bool = False) -> Path:
    sitk.WriteImage(image(values, axes), str(path), compress)
    return path


def read(path: Path) -> CTVolume:
    volume = read_study(path)
    assert isinstance(volume, CTVolume)
    return volume


@pytest.mark.parametrize("axes", sorted(AXES))
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
def test_the_marked_voxel_keeps_its_millimetres(
    axes: str, compress: bool, suffix: str, tmp_path: Path
) -> None:
    path = saved(marked(), tmp_path / f"a{suffix}", axes=axes, compress=compress)
    volume = read(path)
    at = np.argwhere(volume.hu == MARK)
    assert len(at) == 1
    s, r, c = MARK_INDEX
    expected = image(marked(), axes).TransformIndexToPhysicalPoint((c, r, s))
    np.testing.assert_allclose(volume.geometry.to_world(at)[0], expected, atol=1e-6)
    assert volume.geometry.is_canonical
    assert volume.provenance.acquisition.intensity == "assumed-hu"
    assert read(tmp_path).provenance.digest == volume.provenance.digest


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64, np.float32, np.float64])
def test_values_of_any_type_become_hounsfield_units(dtype: type, tmp_path: Path) -> None:
    volume = read(saved(marked().astype(dtype), tmp_path / "a.mha"))
    assert sorted(np.unique(volume.hu).tolist()) == [-1000, MARK]


def test_big_endian_values_and_padding_are_understood(tmp_path: Path) -> None:
    values = marked()
    values[0] = -3024
    path = saved(values, tmp_path / "a.mhd")
    text = path.read_text().replace("OrderMSB = False", "OrderMSB = True")
    path.write_text(text)
    raw = tmp_path / "a.raw"
    raw.write_bytes(np.frombuffer(raw.read_bytes(), "<i2").astype(">i2").tobytes())
    volume = read(path)
    assert int(volume.hu.max()) == MARK
    assert int(volume.hu.min()) == AIR_HU


@pytest.mark.parametrize(("size", "front"), [(16, b"x" * 16), (-1, b"y" * 5)])
def test_a_header_of_the_raw_file_is_passed_over(size: int, front: bytes, tmp_path: Path) -> None:
    path = saved(marked(), tmp_path / "a.mhd")
    text = path.read_text().replace("ElementDataFile", f"HeaderSize = {size}\nElementDataFile")
    path.write_text(text)
    raw = tmp_path / "a.raw"
    raw.write_bytes(front + raw.read_bytes())
    assert int(read(path).hu.max()) == MARK


@pytest.mark.parametrize(
    ("old", "new", "error", "match"),
    [
        ("ElementDataFile = a.raw", "ElementDataFile = ../a.raw", UnreadableStudy, "voxels"),
        ("ElementDataFile = a.raw", "ElementDataFile = /etc/passwd", UnreadableStudy, "voxels"),
        ("ElementDataFile = a.raw", "ElementDataFile = LIST", UnreadableStudy, "voxels"),
        ("ElementDataFile = a.raw", "Other = a.raw", UnreadableStudy, "no ElementDataFile"),
        ("DimSize = 14 12 9", "DimSize = 14 12 90000", UnreadableStudy, "limit"),
        ("DimSize = 14 12 9", "DimSize = 14 12 10", UnreadableStudy, "bytes of voxels"),
        ("DimSize = 14 12 9", "DimSize = 14 12", UnreadableStudy, "DimSize"),
        ("DimSize = 14 12 9", "DimSize = 0 12 9", UnreadableStudy, "0 pixels|x 0"),
        ("NDims = 3", "NDims = 4", InputRejected, "no single volume"),
        ("MET_SHORT", "MET_SHORT_ARRAY", InputRejected, "no Hounsfield"),
        ("BinaryData = True", "BinaryData = False", InputRejected, "no Hounsfield"),
        ("ElementSpacing = ", "ElementSpacing = nan ", UnreadableStudy, "ElementSpacing"),
        ("TransformMatrix = 1 0 0", "TransformMatrix = 0 0 0", UnreadableStudy, "impossible"),
    ],
)
def test_headers_that_cannot_be_trusted_are_refused(
    old: str, new: str, error: type[CtsieveError], match: str, tmp_path: Path
) -> None:
    path = saved(marked(), tmp_path / "a.mhd")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(error, match=match) as refusal:
        read_study(path)
    assert refusal.value.hint


def test_a_bomb_is_inflated_no_further_than_its_header_says(tmp_path: Path) -> None:
    path = saved(np.zeros((64, 64, 64), np.int16), tmp_path / "a.mha", compress=True)
    data = path.read_bytes().replace(b"DimSize = 64 64 64", b"DimSize = 64 64 63")
    path.write_bytes(data)
    with pytest.raises(UnreadableStudy, match="516097 bytes"):
        read_study(path)


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    values = marked().astype(np.float32)
    values[1, 2, 3] = np.nan
    with pytest.raises(UnreadableStudy, match="not numbers"):
        read_study(saved(values, tmp_path / "a.mha"))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 600), st.binary(min_size=1, max_size=8))
def test_damage_gives_a_volume_or_a_sentence(at: int, junk: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = saved(marked(), Path(folder) / "a.mha", compress=True)
        good = path.read_bytes()
        path.write_bytes(good[:at] + junk + good[at + len(junk) :])
        try:
            image = read_study(path)
        except CtsieveError:
            return
        assert isinstance(image, CTVolume)
