"""Files of a long run: each appears whole or not at all, and a full disk is told in a sentence."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctsieve.types.errors import OutOfResources, UsageError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The errors that mean "no room", not "not allowed"."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, and survives a power cut once it is there."""
    part = path.with_name(f".{path.name}.part")
    try:
        with explained(path), part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the disk says into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise _no_room(path.name, error.strerror or "disk full") from error
        raise UsageError(
            f"cannot write {path.name!r}: {error.strerror}", hint="choose a folder you may write to"
        ) from error


def check_room(folder: Path, needed: int) -> None:
    """Refuse to begin what cannot end.

    Raises:
        OutOfResources: the disk has too little room for the bytes `needed`.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        sizes = f"{needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free"
        raise _no_room(folder.name, sizes)


def _no_room(name: str, why: str) -> OutOfResources:
    return OutOfResources(
        f"no room for {name!r}: {why}",
        hint="free some space, or use smaller slices, and run again: finished shards stay",
    )
