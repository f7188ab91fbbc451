"""zip, tar and tar.gz: unpacked into a temporary folder under limits, read, and removed again.

Nothing in an archive is trusted: sizes are counted while they are written, names may not leave
the folder, links and devices are refused, archives inside archives stay closed.
"""

import errno
import gzip
import io
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from ctsieve.readers._files import archive_kind, first_bytes
from ctsieve.readers._limits import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_RATIO,
    MAX_STUDY_BYTES,
    SMALL_ARCHIVE_BYTES,
)
from ctsieve.readers._study import read_study
from ctsieve.types.cards import ReaderCard
from ctsieve.types.errors import OutOfResources, UnreadableStudy
from ctsieve.types.volume import CTPicture, CTVolume

_CHUNK: Final = 1 << 20
_MAX_TAR_RECORD: Final = 1 << 24
"""A tar header may ask for its extended attributes in one read; none is honestly this long."""

_DAMAGED: Final = (
    *(EOFError, NotImplementedError, OSError, OverflowError, RuntimeError, UnicodeError),
    *(ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error),
)
_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class Readable(Protocol):
    """What is copied out of an archive."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        ...


Member = tuple[str, Readable]


def claims(path: Path) -> bool:
    """Whether `path` is a zip, tar or gzip file."""
    return path.is_file() and archive_kind(first_bytes(path)) is not None


def read(path: Path, *, workers: int | None = None) -> CTVolume | CTPicture:
    """The study inside the archive.

    Raises:
        UnreadableStudy: the archive is damaged, hostile or beyond the limits.
        InputRejected: what it holds is no CT (see `read_study`).
        OutOfResources: there is no room to unpack it.
    """
    with tempfile.TemporaryDirectory(prefix="ctsieve-") as name:
        folder = Path(name, "study")
        kind = unpack(path, folder)
        image = read_study(folder, workers=workers)
    steps = (f"unpacked from a {kind} archive", *image.provenance.steps)
    return replace(image, provenance=replace(image.provenance, steps=steps))


def unpack(path: Path, folder: Path) -> str:
    """Unpack an archive into the new folder `folder`; returns its kind.

    Raises:
        UnreadableStudy: the archive is damaged, hostile or beyond the limits.
        OutOfResources: there is no room to unpack it.
    """
    kind = archive_kind(first_bytes(path)) or ""
    folder.mkdir()
    try:
        _unpack(path, kind=kind, folder=folder)
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise OutOfResources(
                "there is no room to unpack the archive",
                hint="free some space, or point TMPDIR to a larger disk",
            ) from error
        raise UnreadableStudy(
            f"the {kind} archive is damaged", hint="send it again, or give a folder"
        ) from error
    return kind


def _unpack(path: Path, *, kind: str, folder: Path) -> None:
    allowed = min(MAX_STUDY_BYTES, max(SMALL_ARCHIVE_BYTES, MAX_RATIO * path.stat().st_size))
    with ExitStack() as stack:
        members = _zip_members(path, stack) if kind == "zip" else _tar_members(path, kind, stack)
        for number, (name, content) in enumerate(members):
            _check_number(number + 1)
            target = folder.joinpath(*_safe_parts(name))
            target.parent.mkdir(parents=True, exist_ok=True)
            allowed -= _write(content, target, allowed=min(allowed, MAX_FILE_BYTES))


def _zip_members(path: Path, stack: ExitStack) -> Iterator[Member]:
    archive = stack.enter_context(zipfile.ZipFile(path))
    _check_number(len(archive.infolist()))
    for info in archive.infolist():
        mode = info.external_attr >> 16
        if info.is_dir():
            continue
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise _refused("holds a link or a device")
        if info.flag_bits & 1:
            raise _refused("is encrypted")
        with archive.open(info) as content:
            yield info.filename, content


def _tar_members(path: Path, kind: str, stack: ExitStack) -> Iterator[Member]:
    file: io.BufferedIOBase = stack.enter_context(
        gzip.open(path) if kind == "gzip" else path.open("rb")  # noqa: SIM115 closed by the stack
    )
    if kind == "gzip" and file.read(262)[257:] != b"ustar":
        file.seek(0)
        yield "file", file
        return
    file.seek(0)
    archive = stack.enter_context(tarfile.open(fileobj=_Careful(file), mode="r:"))  # noqa: SIM115 on the stack
    for info in archive:
        if info.isdir():
            continue
        content = None if info.issparse() or not info.isreg() else archive.extractfile(info)
        if content is None:
            raise _refused("holds a link or a device")
        yield info.name, content


class _Careful(io.BufferedIOBase):
    """A file that refuses to hand out more in one read than an honest tar header asks for."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _MAX_TAR_RECORD:
            raise _refused("has a header of impossible length")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _safe_parts(name: str) -> tuple[str, ...]:
    # Archives of viewers that run on Windows separate folders by backslashes.
    pure = PurePosixPath(name.replace("\\", "/"))
    unsafe = pure.is_absolute() or ".." in pure.parts or not pure.parts
    if unsafe or any(c in name for c in ":\0"):
        raise _refused("holds a file name that leads outside")
    return pure.parts


def _write(content: Readable, target: Path, *, allowed: int) -> int:
    """Copy at most `allowed` bytes into a new file and return how many there were."""
    written = 0
    with target.open("xb") as file:
        while chunk := content.read(_CHUNK):
            written += len(chunk)
            if written > allowed:
                raise _refused("unpacks to far more than a CT study")
            file.write(chunk)
    return written


def _check_number(number: int) -> None:
    if number > MAX_FILES:
        raise _refused(f"holds more than {MAX_FILES} files")


def _refused(what: str) -> UnreadableStudy:
    return UnreadableStudy(f"the archive {what}", hint="give the folder of one study")


CARD = ReaderCard(title="zip, tar or tar.gz archive of a study", claims=claims, read=read)
