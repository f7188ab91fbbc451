"""One process a worker: a lock in the jobs' home that ends with the process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from ctsieve.types.errors import UsageError

_SUFFIX: Final = ".lock"


def only_one(home: Path, worker: str) -> IO[bytes]:
    """The lock of `worker`: two of a name would resume, and so repeat, each other's jobs.

    Raises:
        UsageError: another process has it.
    """
    file = (home / f"{worker}{_SUFFIX}").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise UsageError(
            f"another process works as {worker!r} in {home}",
            hint="stop it, or choose another folder or worker name",
        ) from error
    return file


@contextmanager
def absent_workers(home: Path) -> Iterator[list[str]]:
    """Workers that once ran in `home` and do not now; none of them can start within the block."""
    held: dict[str, IO[bytes]] = {}
    try:
        for path in sorted(home.glob(f"*{_SUFFIX}")):
            try:
                held[path.stem] = only_one(home, path.stem)
            except UsageError:
                continue
        yield list(held)
    finally:
        for lock in held.values():
            lock.close()
