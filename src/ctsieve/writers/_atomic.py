"""Files appear whole or not at all: everything is staged under temporary names, then renamed."""

import contextlib
import errno
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from ctsieve.types.errors import CtsieveError, OutOfResources, UsageError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The errors that mean "no room", not "not allowed"."""


def write_whole(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write `files` (POSIX path below `folder` -> content) and return their paths in that order.

    All files are complete on disk under temporary names before the first gets its own; when
    anything fails, neither temporary files, nor the files of this call, nor folders made for them
    stay.  Folders are made as needed.

    Raises:
        OutOfResources: the disk is full.
        UsageError: the folder cannot be written to.
    """
    made: list[Path] = []
    staged: dict[Path, Path] = {}
    placed: list[Path] = []
    try:
        for name, content in files.items():
            path = folder / name
            made += _missing(path.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
            staged[path] = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
            _write_synced(staged[path], content)
        for path, temporary in staged.items():
            temporary.replace(path)
            placed.append(path)
    except BaseException as error:
        _remove([*staged.values(), *placed], made)
        if isinstance(error, OSError):
            raise _explained(error, folder) from error
        raise
    return placed


def _missing(folder: Path) -> list[Path]:
    """Of `folder` and its parents those that do not exist, innermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        # Without it a power cut after the rename may leave a whole name on an empty file.
        os.fsync(file.fileno())


def _remove(files: list[Path], folders: list[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)
    for folder in folders:
        # Refused where somebody else has put something there meanwhile, and rightly so.
        with contextlib.suppress(OSError):
            folder.rmdir()


def _explained(error: OSError, folder: Path) -> CtsieveError:
    reason = error.strerror or type(error).__name__
    if error.errno in FULL:
        return OutOfResources(
            f"cannot write to {str(folder)!r}: {reason}", hint="free some space and run again"
        )
    return UsageError(
        f"cannot write to {str(folder)!r}: {reason}", hint="choose a folder you may write to"
    )
