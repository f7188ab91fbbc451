"""Damage of every part of a DICOM file: each refusal says what is wrong with it."""

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.encaps import encapsulate
from pydicom.uid import UID
from tests.readers.make import (
    instance,
    marked,
    multiframe,
    save,
    series,
    upright,
)

from ctsieve.readers import read_study
from ctsieve.readers._limits import MAX_HEADER_BYTES
from ctsieve.types.errors import InputRejected, UnreadableStudy, UnsupportedTransferSyntax
from ctsieve.types.volume import CTVolume

JPEG = "1.2.840.10008.1.2.4.50"


def one(folder: Path, **header: Any) -> Path:  # noqa: ANN401
    """A good single-slice file, but for `header`."""
    path = folder / "one.dcm"
    instance(marked()[:1], upright(), number=0, **header).save_as(path, enforce_file_format=True)
    return path


def compressed(folder: Path, frame: bytes) -> Path:
    """A slice of 12 x 14 8-bit samples whose only frame is `frame`."""
    dataset = instance(marked()[:1], upright(), number=0, BitsAllocated=8, BitsStored=8)
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.file_meta.TransferSyntaxUID = UID(JPEG)
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(folder / "one.dcm", enforce_file_format=True)
    return folder / "one.dcm"


@pytest.mark.parametrize(
    ("header", "error", "match"),
    [
        ({"SamplesPerPixel": 3, "PlanarConfiguration": 0}, InputRejected, "colour"),
        ({"BitsAllocated": 12}, UnreadableStudy, "12 are not supported"),
        ({"BitsStored": 17}, UnreadableStudy, "17 bits"),
        ({"Rows": 0}, UnreadableStudy, "1 frames of 0 x 14"),
        ({"NumberOfFrames": 9000}, UnreadableStudy, "limit of"),
        ({"NumberOfFrames": 2}, UnreadableStudy, "bytes of pixels are needed"),
    ],
)
def test_impossible_headers(
    header: dict[str, Any], error: type[InputRejected], match: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=match):
        read_study(one(tmp_path, **header))


def test_numbers_that_are_none_count_as_missing(tmp_path: Path) -> None:
    path = one(tmp_path, SliceThickness="2.000")
    path.write_bytes(path.read_bytes().replace(b"2.000", b"2,o.0"))
    volume = read_study(path)
    assert any("slice thickness not stated" in step for step in volume.provenance.steps)


def test_a_slice_without_place_is_at_the_origin(tmp_path: Path) -> None:
    volume = read_study(one(tmp_path, ImagePositionPatient=None))
    assert volume.geometry.to_world([[0, 0, 0]])[0].tolist() == [0.0, 0.0, 0.0]
    assert "position not stated: the origin assumed" in volume.provenance.steps


def test_a_tilt_beyond_belief_is_refused(tmp_path: Path) -> None:
    affine = upright()
    affine[:3, 0] = [0.0, 4.0, -2.0]
    with pytest.raises(InputRejected, match="60 degrees"):
        read_study(save(series(marked(), affine), tmp_path))


def test_functional_groups_must_match_the_frames(tmp_path: Path) -> None:
    dataset = multiframe(marked(), upright(), order=range(9))
    dataset.PerFrameFunctionalGroupsSequence = dataset.PerFrameFunctionalGroupsSequence[:7]
    dataset.save_as(tmp_path / "short.dcm", enforce_file_format=True)
    with pytest.raises(UnreadableStudy, match="9 frames and describes 7"):
        read_study(tmp_path / "short.dcm")


def test_a_damaged_sequence_is_refused(tmp_path: Path) -> None:
    path = one(tmp_path)
    data = path.read_bytes()
    at = data.index(b"\xe0\x7f\x10\x00OW")
    groups = b"\x00\x52\x30\x92SQ\x00\x00\x06\x00\x00\x00\xfe\xff\x00\xe0\x02\x00"
    path.write_bytes(data[:at] + groups + data[at:])
    with pytest.raises(UnreadableStudy, match="sequence in a DICOM header is damaged"):
        read_study(path)


def test_a_header_cut_inside_a_length_is_refused(tmp_path: Path) -> None:
    path = one(tmp_path, PrivateThing=DataElement(0x00091010, "OB", bytes(8)))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\x09\x00\x10\x10OB") + 10])
    with pytest.raises(UnreadableStudy, match="header is damaged"):
        read_study(path)


def test_a_damaged_deflated_file_is_refused(tmp_path: Path) -> None:
    path = one(tmp_path)
    data = path.read_bytes()
    short, long = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
    at = data.index(b"\x02\x00\x10\x00UI")
    data = data[: at + 6] + struct.pack("<H", 22) + data[at + 8 :].replace(short, long, 1)
    path.write_bytes(data)
    with pytest.raises(UnreadableStudy, match="deflated DICOM file is damaged"):
        read_study(path)


def test_a_header_longer_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = one(tmp_path)
    data = path.read_bytes()
    at = data.index(b"\x28\x00\x02\x00US")
    length = MAX_HEADER_BYTES + 1024
    with path.open("wb") as file:
        file.write(data[:at] + b"\x09\x00\x10\x10OB\x00\x00" + struct.pack("<L", length))
        file.seek(length, 1)
        file.write(data[at:])
    with pytest.raises(UnreadableStudy, match="no pixels in the first"):
        read_study(path)


def test_a_long_but_honest_header_is_read(tmp_path: Path) -> None:
    private = DataElement(0x00091010, "OB", bytes(3 << 20))
    assert read_study(one(tmp_path, PrivateThing=private)).geometry.shape == (1, 12, 14)


def test_fill_bytes_before_a_marker_are_skipped(tmp_path: Path) -> None:
    frame = bytes(imagecodecs.jpeg8_encode(np.full((12, 14), 124, np.uint8), level=95))
    at = frame.index(b"\xff\xc0")
    volume = read_study(compressed(tmp_path, frame[:at] + b"\xff\xff" + frame[at:]))
    assert isinstance(volume, CTVolume)
    assert int(volume.hu[0, 0, 0]) == 124 - 1024


def test_colour_inside_a_grey_slice_is_refused(tmp_path: Path) -> None:
    frame = bytes(imagecodecs.jpeg8_encode(np.zeros((12, 14, 3), np.uint8)))
    with pytest.raises(UnreadableStudy, match=r"\(12, 14, 3\) inside"):
        read_study(compressed(tmp_path, frame))


def test_pixels_of_known_length_may_not_pass_the_end(tmp_path: Path) -> None:
    path = compressed(tmp_path, bytes(imagecodecs.jpeg8_encode(np.zeros((12, 14), np.uint8))))
    data = path.read_bytes()
    at = data.index(b"\xe0\x7f\x10\x00OB") + 8
    path.write_bytes(data[:at] + struct.pack("<L", len(data)) + data[at + 4 :])
    with pytest.raises(UnreadableStudy, match="ends inside its pixels"):
        read_study(path)


@pytest.mark.parametrize(("frames", "match"), [(3, "declared and 3"), (0, "damaged|declared")])
def test_the_number_of_compressed_frames_must_be_right(
    frames: int, match: str, tmp_path: Path
) -> None:
    dataset = multiframe(marked(), upright(), order=range(9))
    dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.80")
    dataset.PixelData = encapsulate([bytes(60)] * max(frames, 1), has_bot=frames > 0)
    dataset["PixelData"].VR = "OB"
    dataset.save_as(tmp_path / "few.dcm", enforce_file_format=True)
    with pytest.raises(UnreadableStudy, match=match):
        read_study(tmp_path / "few.dcm")


def test_compressed_pixels_must_begin_with_an_item(tmp_path: Path) -> None:
    path = compressed(tmp_path, bytes(imagecodecs.jpeg8_encode(np.zeros((12, 14), np.uint8))))
    data = path.read_bytes()
    at = data.index(b"\xe0\x7f\x10\x00OB") + 12
    path.write_bytes(data[:at] + b"\x00" * 8 + data[at + 8 :])
    with pytest.raises(UnreadableStudy, match="compressed pixels"):
        read_study(path)


def test_frames_that_repeat_are_left_out(tmp_path: Path) -> None:
    order = [*range(9), 3, 5]
    path = tmp_path / "repeated.dcm"
    multiframe(marked(), upright(), order=order).save_as(path, enforce_file_format=True)
    volume = read_study(path)
    assert volume.geometry.shape[0] == 9
    assert "2 duplicated slices left out" in volume.provenance.steps


def test_slices_without_pixel_size_stand_apart(tmp_path: Path) -> None:
    datasets = series(marked(), upright())
    del datasets[8].PixelSpacing
    volume = read_study(save(datasets, tmp_path))
    assert volume.geometry.shape[0] == 8
    (left,) = (c for c in volume.provenance.choices if not c.chosen)
    assert "no pixel spacing" in left.reasons


def test_a_ct_that_cannot_be_placed_is_the_reason_even_beside_a_pet(tmp_path: Path) -> None:
    header = {"SeriesInstanceUID": "1.2.9", "Modality": "PT", "SOPClassUID": "1.2.3.9"}
    pet = series(marked(), upright(), **header)
    broken = series(marked((40, 3, 3), (1, 1, 1)), upright())
    with pytest.raises(InputRejected, match="missing"):
        read_study(save([*broken[:5], *broken[30:], *pet], tmp_path))


def test_one_slice_nobody_decodes_spoils_the_series(tmp_path: Path) -> None:
    datasets = series(marked(), upright())
    datasets[5].file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.100")
    datasets[5].PixelData = encapsulate([bytes(64)])
    datasets[5]["PixelData"].VR = "OB"
    with pytest.raises(UnsupportedTransferSyntax):
        read_study(save(datasets, tmp_path))


def test_a_cut_slice_among_copies_is_refused(tmp_path: Path) -> None:
    datasets = series(marked(), upright())
    folder = save([*datasets, datasets[3]], tmp_path)
    for path in folder.iterdir():
        if path.read_bytes() == (folder / "image757.dcm").read_bytes():
            path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UnreadableStudy, match="needed"):
        read_study(folder)


def test_the_damaged_slice_of_many_is_named_by_its_number(tmp_path: Path) -> None:
    folder = save(series(marked(), upright()), tmp_path / "DOE^JOHN")
    path = sorted(folder.iterdir())[4]
    number = pydicom.dcmread(path).InstanceNumber
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnreadableStudy, match=rf"^image {number}: \d+ bytes of pixels") as refused:
        read_study(folder)
    assert "DOE" not in str(refused.value)
    assert refused.value.hint


def test_a_file_damaged_in_its_header_is_counted_and_blamed(tmp_path: Path) -> None:
    thin = save(series(marked(), upright()), tmp_path / "thin")
    path = sorted(thin.iterdir())[4]
    path.write_bytes(path.read_bytes()[:300])
    assert read_study(thin).provenance.num_damaged == 1
    thick = save(series(marked(), upright((8.0, 0.7, 0.8))), tmp_path / "thick")
    path = sorted(thick.iterdir())[4]
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputRejected) as refused:
        read_study(thick)
    assert "1 damaged file left out" in refused.value.hint
