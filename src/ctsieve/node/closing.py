"""Whether a study was handed over, and as which jobs: a file in its folder says so."""

from pathlib import Path
from typing import Final

from ctsieve.jobs.durable import sync_folder, write_synced

_CLOSED: Final = ".closed"
"""Holds the ids of the study's jobs, the newest last."""
_REOPENED: Final = ".reopened"
"""What `.closed` was until more of the study came."""


def is_closed(study: Path) -> bool:
    """Whether all that came of a study was handed over."""
    return (study / _CLOSED).is_file()


def closed_at(study: Path) -> float:
    """When a closed study was handed over the last time, in seconds since 1970."""
    return (study / _CLOSED).stat().st_mtime


def jobs_of(study: Path) -> list[str]:
    """The ids of all jobs that were made of a study."""
    files = (study / _REOPENED, study / _CLOSED)
    found = [job for file in files if file.is_file() for job in file.read_text("ascii").split()]
    return list(dict.fromkeys(found))


def close(study: Path, job: str) -> None:
    """Say, durably, that a study was handed over as `job`.

    Raises:
        OutOfResources: the disk is full.
    """
    jobs = [one for one in jobs_of(study) if one != job]
    write_synced(study / _CLOSED, "\n".join([*jobs, job]).encode("ascii"))
    (study / _REOPENED).unlink(missing_ok=True)
    sync_folder(study)


def reopen(study: Path) -> None:
    """Say that more of a study has come."""
    if is_closed(study):
        (study / _CLOSED).replace(study / _REOPENED)
