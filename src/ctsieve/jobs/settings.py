"""Where jobs live, how many run at once, and what the engine is told of that."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dbos import DBOSConfig, DBOSPortableJSONSerializer

WAITS_SECONDS: Final = (0, 5, 15, 60, 300, 900, *([3600] * 72))
"""Before each try of a delivery: three days in all, then it fails with the peer's last reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """Where jobs live and how many run at once."""

    home: Path
    """Studies and results; shared by all workers, unless `storage` is."""
    database: str | None = None
    """URL of a PostgreSQL database; an SQLite file in `home` where None."""
    storage: str | None = None
    """URL of the storage that all workers share; `home` itself where None."""
    worker: str = "local"
    """Name of this worker: unique, and the same at every start, since it resumes its own jobs."""
    at_once: int = 1
    """Studies screened at the same time."""
    threads: int | None = None
    """Processor threads of one screening; all of them where None."""
    poll_seconds: float = 1.0
    waits_seconds: Sequence[float] = field(default=WAITS_SECONDS)


def database_url(home: Path, database: str | None) -> str:
    """The given database, or the file below `home`."""
    return database or f"sqlite:///{(home / 'jobs.sqlite').absolute()}"


def dbos_config(settings: JobSettings) -> DBOSConfig:
    """How the engine is told to run."""
    return DBOSConfig(
        name="ctsieve",
        system_database_url=database_url(settings.home, settings.database),
        # Of the layout of jobs, not of the program: an upgrade must resume what is under way.
        application_version="1",
        executor_id=settings.worker,
        # The default is pickle, and then who can write to the database could run code here.
        serializer=DBOSPortableJSONSerializer(),
        log_level="WARNING",
        notification_listener_polling_interval_sec=settings.poll_seconds,
    )
