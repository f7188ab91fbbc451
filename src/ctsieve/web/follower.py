"""What the workers do becomes what the worklist says; whoever watches is told."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from ctsieve.jobs.desk import Desk
from ctsieve.jobs.records import Job, JobState
from ctsieve.web.database import Database
from ctsieve.web.records import FINAL, StudyShown, shown
from ctsieve.web.studies import Studies
from ctsieve.web.tables import Study

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 0.5
AT_ONCE: Final = 1000
OVERLAP_SECONDS: Final = 3.0
WAITING: Final = 1000
"""Changes kept for a watcher that does not read; then it must load the page again."""


class Watchers:
    """Who watches which workspace; told from any thread."""

    def __init__(self) -> None:
        self._queues: dict[asyncio.Queue[StudyShown], tuple[str, asyncio.AbstractEventLoop]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def watching(self, workspace_id: str) -> Iterator[asyncio.Queue[StudyShown]]:
        """A queue of the changes in a workspace; to be called in the event loop."""
        queue: asyncio.Queue[StudyShown] = asyncio.Queue(maxsize=WAITING)
        with self._lock:
            self._queues[queue] = (workspace_id, asyncio.get_running_loop())
        try:
            yield queue
        finally:
            with self._lock:
                del self._queues[queue]

    def tell(self, workspace_id: str, study: StudyShown) -> None:
        """Pass a change on to those who watch that workspace."""
        with self._lock:
            watching = [(q, loop) for q, (w, loop) in self._queues.items() if w == workspace_id]
        for queue, loop in watching:
            loop.call_soon_threadsafe(_put, queue, study)


def _put(queue: asyncio.Queue[StudyShown], study: StudyShown) -> None:
    if not queue.full():
        queue.put_nowait(study)


class Follower:
    """A thread that keeps the studies' rows in step with their jobs."""

    def __init__(
        self, database: Database, desk: Desk, studies: Studies, watchers: Watchers
    ) -> None:
        self._database = database
        self._desk = desk
        self._studies = studies
        self._watchers = watchers
        self._told: dict[str, float] = {}
        self._since = time.time()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End; waits for the step under way."""
        self._stopped.set()
        self._thread.join()

    def follow(self) -> None:
        """One step: hand in what was not, read how jobs stand, tell the watchers."""
        unfinished = sa.select(Study).where(Study.status.not_in(FINAL)).limit(AT_ONCE)
        with self._database.reading() as session:
            rows = list(session.scalars(unfinished.order_by(Study.received)))
        for row in rows:
            if row.status == "received":
                self._studies.submit(row)
        jobs = self._desk.jobs(row.job_id for row in rows if row.job_id)
        changes = {row.id: self._tried(row, jobs.get(row.job_id)) for row in rows}
        with self._database.writing() if any(changes.values()) else _nothing() as session:
            for study_id, change in changes.items():
                if change and session is not None:
                    found = sa.update(Study).where(Study.id == study_id)
                    session.execute(found.values({**change, "changed": time.time()}))
        self._tell()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_SECONDS):
            try:
                self.follow()
            except Exception as error:  # noqa: BLE001  without this thread no study ever ends
                # The database restarts, the disk is full: it will be tried again.
                logger.warning("studies could not be followed: %s", type(error).__name__)

    def _tried(self, row: Study, job: Job | None) -> dict[str, Any]:
        """As `_change`; nothing, until the next time, where something is wrong with this study."""
        try:
            return self._change(row, job)
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001  a damaged result must not stop all others
            logger.warning("study %s could not be followed: %s", row.id, type(error).__name__)
            return {}

    def _change(self, row: Study, job: Job | None) -> dict[str, Any]:
        """What of the row is to be changed."""
        if job is None:
            return {}
        if not job.state.is_final:
            fresh = self._under_way(job)
        elif job.state in (JobState.FAILED, JobState.CANCELLED):
            fresh = {"status": "failed", "reason": job.reason, "progress": 1.0, "stage": ""}
        else:
            fresh = self._settled(row, job)
        return {k: v for k, v in fresh.items() if getattr(row, k) != v}

    def _under_way(self, job: Job) -> dict[str, Any]:
        if job.state == JobState.QUEUED:
            return {"status": "queued"}
        stage, done, total = self._desk.stage(job.id)
        return {
            "status": "screening",
            "stage": stage,
            "progress": round(done / total, 3) if total else 0.0,
        }

    def _settled(self, row: Study, job: Job) -> dict[str, Any]:
        outcome = job.outcome
        reason = f"{outcome.reason}. {outcome.hint}".strip(". ") if outcome else ""
        said = {
            "status": "done" if job.state == JobState.SCREENED else "rejected",
            "stage": "",
            "progress": 1.0,
            "reason": reason,
        }
        screening = self._studies.screening(row)
        return {**said, **summary(screening)} if screening else said

    def _tell(self) -> None:
        recent = sa.select(Study).where(Study.changed > self._since - OVERLAP_SECONDS)
        with self._database.reading() as session:
            rows = list(session.scalars(recent))
        for row in rows:
            if self._told.get(row.id) != row.changed:
                self._watchers.tell(row.workspace_id, shown(row))
        self._told = {row.id: row.changed for row in rows}
        self._since = max([self._since, *(row.changed for row in rows)])


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


def summary(screening: dict[str, Any]) -> dict[str, Any]:
    """The short of a screening (its JSON), as the worklist shows it."""
    prediction, gate, bundle = (screening[k] for k in ("prediction", "gate", "bundle"))
    label = next(iter(prediction["threshold"]), "")
    return {
        "verdict": prediction["call"],
        "probability": prediction["probability"].get(label),
        "threshold": prediction["threshold"].get(label),
        "abstained": prediction["abstained"],
        "gate": {"verdict": gate["verdict"], "findings": gate["findings"]},
        "bundle": {"name": bundle["name"], "version": bundle["version"]},
        "num_slices": screening["image"]["shape"][0],
    }
