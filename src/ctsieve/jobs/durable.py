"""Files and folders that survive a crash: complete on disk before they get their name."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ctsieve.types.errors import OutOfResources

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: BaseException | None) -> bool:
    """Whether an error is, or comes from, a full disk; libraries raise their own from it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a rename alone may be lost when the power fails."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_synced(path: Path, content: bytes) -> None:
    """Write `content` and wait until it is on disk; a failure leaves no file.

    Raises:
        OutOfResources: the disk is full.
    """
    with _whole_or_none(path), path.open("wb", buffering=0) as file:
        _write(file.fileno(), content)
        os.fsync(file.fileno())


class GrowingFile:
    """A file that is written piece by piece and then made durable; a failure leaves no file."""

    def __init__(self, path: Path) -> None:
        """Begin it.

        Raises:
            OutOfResources: the disk is full.
        """
        self.path = path
        self.size = 0
        with _whole_or_none(path):
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)

    def write(self, data: bytes | memoryview) -> None:
        """Add `data`.

        Raises:
            OutOfResources: the disk is full.
        """
        with _whole_or_none(self.path):
            _write(self._handle, data)
        self.size += len(data)

    def begin(self, name: Path) -> None:
        """Call the complete file `name`, and let the disk begin; `sync` waits for what is left."""
        self.path = self.path.replace(name)
        begin_writing(self._handle)

    def sync(self) -> None:
        """Wait until the file and its name are on disk.

        Raises:
            OutOfResources: the disk is full.
        """
        with _whole_or_none(self.path):
            os.fsync(self._handle)

    def close(self) -> None:
        """Take no more; the file stays as it is."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _write(handle: int, data: bytes | memoryview) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def begin_writing(handle: int, *, start: int = 0, length: int = 0) -> None:
    """Let the disk begin with what was written, without waiting; `length` 0 is all of it."""
    if hasattr(os, "posix_fadvise"):  # not on macOS
        os.posix_fadvise(handle, start, length, os.POSIX_FADV_DONTNEED)


@contextmanager
def _whole_or_none(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno in FULL:
            raise OutOfResources(
                f"the disk of {path.parent} is full", hint="free some space"
            ) from error
        raise


def sync_files(folder: Path) -> None:
    """Make every file and name below `folder` durable."""
    for path, _, names in os.walk(folder):
        for name in names:
            sync_file(Path(path, name))
        sync_folder(Path(path))


def sync_file(path: Path) -> None:
    """Make what a file holds durable; its name is the folder's."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def place_folder(partial: Path, final: Path) -> None:
    """Give the folder `partial`, whose files are durable, its name; an older one goes."""
    shutil.rmtree(final, ignore_errors=True)
    partial.replace(final)
    sync_folder(final.parent)
