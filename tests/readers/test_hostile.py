"""Hostile and broken input: one sentence and a hint, quickly, and never a traceback."""

import re
import resource
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, BasicTextSRStorage
from tests.readers.make import instance, marked, save, series, upright

from ctsieve.readers import read_study
from ctsieve.readers._dicom_elements import parse_meta
from ctsieve.types.errors import CtsieveError, InputRejected, UnreadableStudy


def whole(tmp_path: Path) -> bytes:
    """A good single-slice file."""
    (dataset,) = series(marked()[:1], upright())
    path = tmp_path / "good" / "image.dcm"
    path.parent.mkdir()
    dataset.save_as(path, enforce_file_format=True)
    return path.read_bytes()


def truncated(tmp_path: Path) -> bytes:
    return whole(tmp_path)[:-40]


def truncated_header(tmp_path: Path) -> bytes:
    return whole(tmp_path)[:300]


def three_gigabytes(tmp_path: Path) -> bytes:
    head = whole(tmp_path)
    at = head.index(b"\x28\x00\x10\x00US")
    return head[:at] + b"\x09\x00\x10\x10OB\x00\x00" + struct.pack("<L", 3 << 30) + b"abc"


def three_gigabyte_pixels(tmp_path: Path) -> bytes:
    head = whole(tmp_path)
    at = head.index(b"\xe0\x7f\x10\x00OW")
    return head[: at + 8] + struct.pack("<L", 3 << 30) + head[at + 12 :]


def huge_matrix(tmp_path: Path) -> bytes:
    head = bytearray(whole(tmp_path))
    for tag in (b"\x28\x00\x10\x00US", b"\x28\x00\x11\x00US"):
        at = head.index(tag) + 8
        head[at : at + 2] = b"\xff\xff"
    return bytes(head)


def deep_nesting(tmp_path: Path) -> bytes:
    head = whole(tmp_path)
    at = head.index(b"\x28\x00\x02\x00US")
    opening = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return head[:at] + opening * 2000


def deflated_bomb(tmp_path: Path) -> bytes:
    (dataset,) = series(marked()[:1], upright())
    dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1")
    path = tmp_path / "plain.dcm"
    dataset.save_as(path, enforce_file_format=True)
    data = path.read_bytes()
    _, start = parse_meta(data)
    meta = data[:start].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    # The meta header grew by two bytes: so does the length of the element and of the group.
    at = meta.index(b"\x02\x00\x10\x00UI")
    meta = meta[: at + 6] + struct.pack("<H", 22) + meta[at + 8 :]
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = engine.compress(b"\x09\x00\x10\x10OB\x00\x00" + struct.pack("<L", 1 << 30))
    zeros = bytes(1 << 20)
    for _ in range(200):
        body += engine.compress(zeros)
    return meta + body + engine.flush()


def text(_: Path) -> bytes:
    return b"slice,label\n" * 50


def nothing(_: Path) -> bytes:
    return b""


@pytest.mark.parametrize(
    "make",
    [
        *(truncated, truncated_header, three_gigabytes, three_gigabyte_pixels, huge_matrix),
        *(deep_nesting, deflated_bomb, text, nothing),
    ],
)
@pytest.mark.parametrize("name", ["study.dcm", "study.nii.gz"])
def test_bad_files_are_refused_in_one_sentence(
    make: Callable[[Path], bytes], name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(make(tmp_path))
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(UnreadableStudy) as caught:
        read_study(path)
    assert caught.value.hint
    assert re.fullmatch(r"[^\n]{10,200}", str(caught.value))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700_000, "KiB"
    assert time.monotonic() - begun < 20.0


def test_an_empty_folder_and_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(UnreadableStudy, match="no image"):
        read_study(tmp_path)
    with pytest.raises(UnreadableStudy, match="no file or folder"):
        read_study(tmp_path / "absent")


def test_a_folder_of_texts_holds_no_image(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(UnreadableStudy, match="no image"):
        read_study(tmp_path)


def structured_report() -> FileDataset:
    header = {"Modality": "SR", "SOPClassUID": BasicTextSRStorage}
    return instance(marked(), upright(), number=0, **header, Rows=None, PixelData=None)


def test_reports_alone_are_no_image(tmp_path: Path) -> None:
    report = structured_report()
    with pytest.raises(InputRejected, match="SR"):
        read_study(save([report], tmp_path))


def test_other_files_among_slices_are_left_out_and_counted(tmp_path: Path) -> None:
    save(series(marked(), upright()), tmp_path / "a")
    report = structured_report()
    save([report], tmp_path / "b")
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM" + b"../../elsewhere")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "preview.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / ".hidden").write_bytes(b"x")
    volume = read_study(tmp_path)
    assert volume.geometry.shape == (9, 12, 14)
    left = " | ".join(volume.provenance.steps)
    assert "2 files left out: not DICOM" in left
    assert "1 file left out: no CT image (SR)" in left
    assert "a directory of other files" in left


def test_a_slice_with_a_truncated_header_becomes_a_gap_that_is_said(tmp_path: Path) -> None:
    folder = save(series(marked(), upright()), tmp_path)
    victim = sorted(folder.iterdir())[4]
    victim.write_bytes(victim.read_bytes()[:400])
    volume = read_study(folder)
    assert "1 file left out: damaged" in volume.provenance.steps
    assert volume.geometry.shape == (9, 12, 14)


def test_a_slice_with_truncated_pixels_is_refused(tmp_path: Path) -> None:
    folder = save(series(marked(), upright()), tmp_path)
    victim = sorted(folder.iterdir())[4]
    victim.write_bytes(victim.read_bytes()[:-10])
    with pytest.raises(UnreadableStudy, match="pixels are needed"):
        read_study(folder)


def test_deep_nesting_in_an_honest_depth_is_read(tmp_path: Path) -> None:
    inner = Dataset()
    for _ in range(8):
        outer = Dataset()
        outer.ReferencedSeriesSequence = DicomSequence([inner])
        inner = outer
    dataset = instance(marked()[:1], upright(), number=0)
    dataset.ReferencedStudySequence = DicomSequence([inner])
    assert read_study(save([dataset], tmp_path)).geometry.shape == (1, 12, 14)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_flipped_byte_makes_a_traceback(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    content = bytearray(whole(folder))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(132, len(content) - 400))
        content[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(140, len(content))))
    path = folder / "fuzzed.dcm"
    path.write_bytes(bytes(content[:cut]))
    assert read_or_refuse(path)


def read_or_refuse(path: Path) -> tuple[int, ...] | str:
    """The shape of the image, or the hint of the refusal; anything else is a defect."""
    try:
        return read_study(path).geometry.shape
    except CtsieveError as error:
        return error.hint


def test_every_odd_file_is_read_or_refused(data: Path) -> None:
    answers = {path.name: read_or_refuse(path) for path in (data / "dicom_odd").iterdir()}
    assert answers.pop("eCT_Supplemental.dcm") == "give a CT series of the chest"
    assert answers.pop("CT_small.dcm") == (1, 128, 128)
    assert set(answers.values()) == {(1, 512, 512)}


def test_every_single_slice_of_the_collection_is_read(data: Path) -> None:
    for path in sorted((data / "tcga_single_dicom").glob("*.dcm")):
        volume = read_study(path)
        assert volume.geometry.shape == (1, 512, 512)
        low = int(np.asarray(getattr(volume, "hu", 0)).min())
        assert -1500 <= low <= -900, path.name
    with pytest.raises(InputRejected, match="9 patients"):
        read_study(data / "tcga_single_dicom")
