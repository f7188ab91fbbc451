"""Every transfer syntax a free decoder reads: lossless ones to the bit, lossy ones nearly."""

from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID
from tests.readers.make import Volume, instance, multiframe, upright

from ctsieve.readers import read_study
from ctsieve.readers._codecs import CODECS, RLE
from ctsieve.types.errors import UnreadableStudy, UnsupportedTransferSyntax
from ctsieve.types.volume import CTVolume

LOSSLESS = (
    *("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"),
    *("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.57"),
    *("1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"),
)
LOSSY = {
    "1.2.840.10008.1.2.4.50": 80,
    "1.2.840.10008.1.2.4.51": 40,
    "1.2.840.10008.1.2.4.53": 40,
    "1.2.840.10008.1.2.4.55": 40,
    "1.2.840.10008.1.2.4.81": 1,
    "1.2.840.10008.1.2.4.91": 8,
}
"""How far, in HU, a voxel may be from the uncompressed file: 8 and 12 bits quantise coarsely."""


def hu_of(path: Path) -> Volume:
    volume = read_study(path)
    assert isinstance(volume, CTVolume)
    return volume.hu


def encoded(data: Path, transfer_syntax: str) -> Path:
    (path,) = (data / "dicom_encodings").glob(f"CTImage.dcm_*_{transfer_syntax}.dcm")
    return path


@pytest.mark.parametrize("transfer_syntax", LOSSLESS)
def test_lossless_is_bit_equal(transfer_syntax: str, data: Path) -> None:
    expected = hu_of(data / "dicom_encodings" / "CTImage.dcm")
    np.testing.assert_array_equal(hu_of(encoded(data, transfer_syntax)), expected)


@pytest.mark.parametrize(("transfer_syntax", "most"), LOSSY.items())
def test_lossy_is_near_and_says_so(transfer_syntax: str, most: int, data: Path) -> None:
    expected = hu_of(data / "dicom_encodings" / "CTImage.dcm").astype(int)
    volume = read_study(encoded(data, transfer_syntax))
    assert isinstance(volume, CTVolume)
    assert int(np.abs(volume.hu - expected).max()) <= most
    assert "pixels were compressed with loss" in volume.provenance.steps


def test_every_file_of_the_collection_is_read_or_refused(data: Path) -> None:
    for path in sorted((data / "dicom_encodings").iterdir()):
        if "fragmented" not in path.name:
            assert hu_of(path).shape == (1, 512, 512)


def slice_of(values: npt.NDArray[np.int16], frame: bytes, transfer_syntax: str, path: Path) -> Path:
    hu = (values.astype(np.int32) - 1024).astype(np.int16)[None]
    dataset = instance(hu, upright(), number=0)
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def noise() -> npt.NDArray[np.int16]:
    """Samples of both signs, none so low that it would be taken for padding."""
    return np.random.default_rng(3).integers(-400, 3071, (33, 47), dtype=np.int16)


@pytest.mark.parametrize("transfer_syntax", ["1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202"])
def test_high_throughput_jpeg_2000(
    transfer_syntax: str, noise: npt.NDArray[np.int16], tmp_path: Path
) -> None:
    frame = bytes(imagecodecs.htj2k_encode(noise, reversible=True))
    path = slice_of(noise, frame, transfer_syntax, tmp_path / "htj2k.dcm")
    np.testing.assert_array_equal(hu_of(path)[0], noise - 1024)


@pytest.mark.parametrize("transfer_syntax", sorted(CODECS))
def test_a_damaged_frame_is_refused_and_never_half_shown(
    transfer_syntax: str, noise: npt.NDArray[np.int16], tmp_path: Path
) -> None:
    path = slice_of(noise, b"\xff\xd8\xff\xe0" + bytes(60), transfer_syntax, tmp_path / "bad.dcm")
    with pytest.raises(UnreadableStudy, match="compressed frame"):
        read_study(path)


@pytest.mark.parametrize("keep", [0.5, 0.99])
@pytest.mark.parametrize("transfer_syntax", [*LOSSLESS[4:], "1.2.840.10008.1.2.4.51"])
def test_a_frame_that_was_cut_is_refused(
    transfer_syntax: str, keep: float, data: Path, tmp_path: Path
) -> None:
    dataset = pydicom.dcmread(encoded(data, transfer_syntax))
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([frame[: int(len(frame) * keep) // 2 * 2]])
    dataset.save_as(tmp_path / "cut.dcm")
    with pytest.raises(UnreadableStudy, match="frame is"):
        read_study(tmp_path / "cut.dcm")


def test_a_frame_larger_inside_than_its_header_is_not_decoded(
    noise: npt.NDArray[np.int16], tmp_path: Path
) -> None:
    large = np.zeros((2000, 3000), np.int16)
    frame = bytes(imagecodecs.jpeg2k_encode(large, codecformat="J2K", reversible=True))
    path = slice_of(noise, frame, "1.2.840.10008.1.2.4.90", tmp_path / "bomb.dcm")
    with pytest.raises(UnreadableStudy, match=r"\(2000, 3000, 1\) inside"):
        read_study(path)


def test_a_run_length_bomb_stops_at_the_declared_size(
    noise: npt.NDArray[np.int16], tmp_path: Path
) -> None:
    header = np.array([2, 64, 64 + 40_000, *[0] * 13], "<u4").tobytes()
    frame = header + b"\x81\x00" * 40_000
    path = slice_of(noise, frame, RLE, tmp_path / "bomb.dcm")
    try:
        hu = hu_of(path)
    except UnreadableStudy:
        return
    assert hu.shape == (1, *noise.shape)


def test_an_unknown_syntax_is_named(noise: npt.NDArray[np.int16], tmp_path: Path) -> None:
    mpeg = "1.2.840.10008.1.2.4.100"
    path = slice_of(noise, b"\0" * 64, mpeg, tmp_path / "video.dcm")
    with pytest.raises(UnsupportedTransferSyntax, match=mpeg):
        read_study(path)


@pytest.mark.parametrize("bits", [12, 13, 16])
def test_bits_above_bits_stored_do_not_count(bits: int, tmp_path: Path) -> None:
    values = np.array([[-1024, -1, 0, 1, 1000, 2047]], np.int16)
    dataset = instance((values - 1024)[None], upright(), number=0)
    rubbish = 0 if bits == 16 else 0b101 << bits & 0xFFFF
    stored = (values.view(np.uint16) & ((1 << bits) - 1)) | rubbish
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.PixelData = stored.astype("<u2").tobytes()
    path = tmp_path / "one.dcm"
    dataset.save_as(path, enforce_file_format=True)
    # -2048 and less is what scanners write outside their circle.
    np.testing.assert_array_equal(hu_of(path)[0, 0], [-1000, -1025, -1024, -1023, -24, 1023])


@pytest.mark.parametrize("fragments", [1, 3])
def test_the_frames_of_a_compressed_multiframe_file_keep_their_order(
    fragments: int, tmp_path: Path
) -> None:
    hu = np.random.default_rng(4).integers(-900, 1500, (6, 20, 24)).astype(np.int16)
    order = [4, 0, 5, 1, 3, 2]
    dataset = multiframe(hu, upright(), order=order)
    frames = [
        bytes(imagecodecs.jpegls_encode((hu[n].astype(np.int32) + 1024).astype(np.uint16)))
        for n in order
    ]
    dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.80")
    dataset.PixelData = encapsulate(frames, fragments_per_frame=fragments)
    dataset["PixelData"].VR = "OB"
    dataset.save_as(tmp_path / "enhanced.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(hu_of(tmp_path / "enhanced.dcm"), hu)
