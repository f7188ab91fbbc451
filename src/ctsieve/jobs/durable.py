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
    with _whole_or_none(path):
        _write(path, content)
        sync_file(path)


def write_begun(path: Path, content: bytes) -> None:
    """Write `content` and let the disk begin; `sync_file` waits for what is left of it.

    Raises:
        OutOfResources: the disk is full.
    """
    with _whole_or_none(path):
        _write(path, content)


def sync_file(path: Path) -> None:
    """Wait until a file is on disk; a failure leaves no file.

    Raises:
        OutOfResources: the disk is full.
    """
    # Linux tells an error of writing that nobody has seen yet also to who opens the file later.
    with _whole_or_none(path), path.open("rb") as file:
        os.fsync(file.fileno())


def _write(path: Path, content: bytes) -> None:
    with path.open("wb", buffering=0) as file:
        written = 0
        while written < len(content):
            written += file.write(memoryview(content)[written:]) or 0
        if hasattr(os, "posix_fadvise"):  # not on macOS
            # Of dirty pages this asks for their writing, without waiting for it.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


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
            handle = os.open(Path(path, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(path))


def place_folder(partial: Path, final: Path) -> None:
    """Give the folder `partial`, whose files are durable, its name; an older one goes."""
    shutil.rmtree(final, ignore_errors=True)
    partial.replace(final)
    sync_folder(final.parent)
