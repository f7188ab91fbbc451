"""Damage of archives, NIfTI files and pictures, and limits of the machine."""

import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.readers.make import (
    marked,
    nib,
)

from ctsieve.readers import READERS, read_study
from ctsieve.readers._limits import check_bytes
from ctsieve.types.errors import InputRejected, UnreadableStudy


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_memory_that_is_not_there_is_said(tmp_path: Path) -> None:
    Image.new("L", (7900, 7900)).save(tmp_path / "large.png")
    script = (
        "import resource, sys\n"
        "from ctsieve.readers import READERS, read_study\n"
        "from ctsieve.types.errors import OutOfResources\n"
        "list(READERS.values())\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000,) * 2)\n"
        "try:\n    read_study(sys.argv[1], workers=1)\n"
        "except OutOfResources as error:\n    sys.exit(0 if error.hint else 2)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "large.png")]
    assert subprocess.run(command, check=False).returncode == 0


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.dcm", b"secret")
    data = path.read_bytes()
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(magic) + at
        data = data[:start] + b"\x01\x00" + data[start + 2 :]
    path.write_bytes(data)
    with pytest.raises(UnreadableStudy, match="encrypted"):
        read_study(path)


@pytest.mark.parametrize(
    ("at", "value", "match"),
    [
        (112, struct.pack("<ff", 1.0, float("inf")), "damaged"),
        (280, struct.pack("<f", float("nan")), "not finite"),
        (70, b"\x00\x00", "damaged|no Hounsfield"),
    ],
)
def test_damaged_nifti_headers(at: int, value: bytes, match: str, tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(marked(), np.eye(4)), path)
    data = path.read_bytes()
    path.write_bytes(data[:at] + value + data[at + len(value) :])
    with pytest.raises(InputRejected, match=match):
        read_study(path)


def test_half_a_nifti_pair_is_refused(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(marked(), np.eye(4)), tmp_path / "a.hdr")
    (tmp_path / "a.img").unlink()
    with pytest.raises(UnreadableStudy, match="without its"):
        read_study(tmp_path / "a.hdr")


def test_a_gzip_of_nonsense_is_no_nifti(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes(b"\x1f\x8b\x08\x00" + b"\xff" * 60)
    with pytest.raises(UnreadableStudy, match="damaged"):
        read_study(tmp_path / "a.nii.gz")


def test_a_picture_beside_other_files_says_so(tmp_path: Path) -> None:
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("hello")
    assert "1 file left out: no picture" in read_study(tmp_path).provenance.steps


def test_a_picture_of_real_numbers_in_0_to_1_is_read(tmp_path: Path) -> None:
    values = np.linspace(0.0, 1.0, 12, dtype=np.float32).reshape(3, 4)
    Image.fromarray(values).save(tmp_path / "a.tif")
    picture = read_study(tmp_path / "a.tif")
    np.testing.assert_array_equal(getattr(picture, "values", None), values[None])


def test_a_huge_picture_is_refused_from_its_header(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:18] + struct.pack("<ii", 60_000, 60_000) + data[26:])
    with pytest.raises(UnreadableStudy, match="pixels"):
        read_study(path)


def test_what_may_not_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UnreadableStudy, match="no image"):
        read_study(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
def test_a_file_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(UnreadableStudy, match="cannot be opened"):
        read_study("/proc/self/mem")


def test_a_reader_asked_by_name_says_what_it_found(tmp_path: Path) -> None:
    with pytest.raises(UnreadableStudy, match="the folder is empty"):
        READERS["dicom"].read(tmp_path)


def test_limits_name_what_is_over_them() -> None:
    with pytest.raises(UnreadableStudy, match="the folder holds 11 bytes, more than the limit"):
        check_bytes(11, limit=10, what="the folder")
