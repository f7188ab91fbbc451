"""Finding files and telling what they are by their first bytes, never by their names."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ctsieve.readers._limits import MAX_FILE_BYTES, MAX_FILES, MAX_STUDY_BYTES, check_bytes
from ctsieve.types.errors import UnreadableStudy

SNIFF_BYTES: Final = 352
"""Enough for every signature below; a NIfTI header keeps its own at byte 344."""

_PICTURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"BM", "bmp"),
)
_ARCHIVES: Final = ((b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"\x1f\x8b", "gzip"))

_HEADLESS_DICOM: Final = re.compile(
    rb"(?:\x08\x00[\x00\x01\x05\x08\x12\x16\x18]\x00|\x02\x00[\x00-\x10]\x00)"
    rb"(?:(?:UL|CS|UI|DA|OB)..|.{2}\x00\x00)",
    re.DOTALL,
)
"""A data set without the 128-byte preamble: a known first tag, then a VR or a small length."""


def first_bytes(path: Path) -> bytes:
    """The first `SNIFF_BYTES` of a file.

    Raises:
        UnreadableStudy: the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return file.read(SNIFF_BYTES)
    except OSError as error:
        raise UnreadableStudy(
            f"a file cannot be opened: {error.strerror}",
            hint="check that the file exists and may be read",
        ) from error


def picture_kind(head: bytes) -> str | None:
    """png, jpeg, tiff or bmp, by signature; None for anything else."""
    return next((kind for magic, kind in _PICTURES if head.startswith(magic)), None)


def archive_kind(head: bytes) -> str | None:
    """zip, gzip or tar, by signature; None for anything else."""
    if head[257:262] == b"ustar":
        return "tar"
    return next((kind for magic, kind in _ARCHIVES if head.startswith(magic)), None)


def is_dicom(head: bytes) -> bool:
    """Whether these first bytes are DICOM's, with the preamble or (old files) without."""
    return head[128:132] == b"DICM" or _HEADLESS_DICOM.match(head) is not None


def files_under(path: Path) -> Iterator[Path]:
    """`path` itself if it is a file, else the files below it in natural order.

    Hidden files, the resource forks some systems put into archives, and symbolic links to folders
    (which could lead outside or in circles) are left out.

    Raises:
        UnreadableStudy: there is nothing at `path`, or there is too much.
    """
    if not path.exists():
        raise UnreadableStudy("there is no file or folder at this path", hint="check the path")
    if not path.is_dir():
        yield path
        return
    number, total = 0, 0
    for folder, subfolders, names in os.walk(path):
        subfolders[:] = sorted(filter(_is_visible, subfolders), key=natural_key)
        for name in sorted(filter(_is_visible, names), key=natural_key):
            file = Path(folder, name)
            if not file.is_file():
                continue
            number, total = number + 1, total + file.stat().st_size
            if number > MAX_FILES:
                raise UnreadableStudy(
                    f"the folder holds more than {MAX_FILES} files",
                    hint="give the folder of one study",
                )
            check_bytes(file.stat().st_size, limit=MAX_FILE_BYTES, what="a file")
            check_bytes(total, limit=MAX_STUDY_BYTES, what="the folder")
            yield file


def relative_name(path: Path, *, root: Path) -> str:
    """`path` as seen from `root`, POSIX separators; the bare name where they are the same file."""
    return path.name if path == root else path.relative_to(root).as_posix()


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that counts: "slice2" before "slice10", "003" beside "3".

    Example:
        >>> sorted(["s10", "s2", "s1"], key=natural_key)
        ['s1', 's2', 's10']
    """
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(p), p) if p.isascii() and p.isdigit() else (1, 0, p) for p in parts)


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"
