"""Archives are read like folders, and what they try is refused."""

import errno
import gzip
import io
import shutil
import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.readers.make import marked, save, series, upright

from ctsieve.readers import read_study
from ctsieve.types.errors import OutOfResources, UnreadableStudy
from ctsieve.types.volume import CTVolume


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(series(marked(), upright()), tmp_path / "scan")


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
def test_an_archive_reads_like_its_folder(kind: str, folder: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), kind, tmp_path, "scan"))
    nameless = packed.rename(tmp_path / "study.bin")
    inside, outside = read_study(nameless), read_study(folder)
    assert isinstance(inside, CTVolume)
    assert isinstance(outside, CTVolume)
    np.testing.assert_array_equal(inside.hu, outside.hu)
    assert inside.provenance.digest == outside.provenance.digest
    assert all(s is not None and s.file.startswith("scan/") for s in inside.provenance.slices)
    assert inside.provenance.steps[0].startswith("unpacked from a")


def test_a_single_gzipped_file_is_read(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "slice.dcm.gz"
    path.write_bytes(gzip.compress(next(folder.iterdir()).read_bytes()))
    assert read_study(path).geometry.shape == (1, 12, 14)


def zipped(path: Path, name: str, *, mode: int = 0, content: bytes = b"x") -> Path:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def tarred(path: Path, name: str, kind: bytes = tarfile.REGTYPE) -> Path:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    with tarfile.open(path, "w") as archive:
        archive.addfile(info, io.BytesIO(b""))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../outside.dcm",
        "/absolute.dcm",
        "a/../../b.dcm",
        "c:\\windows.dcm",
        "d\\..\\e.dcm",
        "\\f.dcm",
    ],
)
def test_names_may_not_leave_the_folder(name: str, tmp_path: Path) -> None:
    for path in (zipped(tmp_path / "a.zip", name), tarred(tmp_path / "a.tar", name)):
        with pytest.raises(UnreadableStudy, match="leads outside"):
            read_study(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar", "a.zip"]


def test_backslashes_of_windows_viewers_separate_folders(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "windows.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.writestr(f"DICOM\\ST0\\{file.name}", file.read_bytes())
    inside = read_study(path)
    assert inside.provenance.digest == read_study(folder).provenance.digest
    assert all(s is not None and s.file.startswith("DICOM/ST0/") for s in inside.provenance.slices)


def test_a_full_disk_is_not_blamed_on_the_archive(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    packed = shutil.make_archive(str(tmp_path / "good"), "zip", folder)
    monkeypatch.setattr("ctsieve.readers.archive._write", full)
    with pytest.raises(OutOfResources, match="no room"):
        read_study(packed)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.BLKTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(kind: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableStudy, match="link or a device"):
        read_study(tarred(tmp_path / "a.tar", "image.dcm", kind))


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableStudy, match="link or a device"):
        read_study(zipped(tmp_path / "a.zip", "image.dcm", mode=stat.S_IFLNK | 0o777))


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", "image.dcm", content=bytes(80 << 20))
    with pytest.raises(UnreadableStudy, match="far more"):
        read_study(path)


def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(80 << 20)))
    with pytest.raises(UnreadableStudy, match="far more"):
        read_study(path)


def test_a_tar_header_of_impossible_length_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    path = tmp_path / "a.tar"
    path.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(2048))
    with pytest.raises(UnreadableStudy, match="impossible length"):
        read_study(path)


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_001):
            archive.writestr(str(number), b"")
    with pytest.raises(UnreadableStudy, match="more than 20000 files"):
        read_study(path)


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
@pytest.mark.parametrize("keep", [0.3, 0.7])
def test_a_truncated_archive_is_refused(
    kind: str, keep: float, folder: Path, tmp_path: Path
) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), kind, folder))
    data = packed.read_bytes()
    packed.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(UnreadableStudy):
        read_study(packed)


def test_an_archive_in_an_archive_stays_closed(folder: Path, tmp_path: Path) -> None:
    inner = Path(shutil.make_archive(str(tmp_path / "inner"), "zip", folder))
    path = zipped(tmp_path / "outer.zip", "inner.zip", content=inner.read_bytes())
    with pytest.raises(UnreadableStudy, match="no image"):
        read_study(path)


def test_nothing_is_left_behind(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "temporary"
    home.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    read_study(shutil.make_archive(str(tmp_path / "good"), "zip", folder))
    with pytest.raises(UnreadableStudy):
        read_study(zipped(tmp_path / "bad.zip", "../x"))
    assert list(home.iterdir()) == []
