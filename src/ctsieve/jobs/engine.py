"""Jobs that survive their process: DBOS workflows on SQLite, or PostgreSQL by URL.

Two workflows: `screen-study` reads, screens and writes in one step that repeats harmlessly, then
hands each destination to `deliver-results`, which tries again and again, sleeping durably.  A crash
anywhere is repaired at the next start: what was done is known, what was under way is done again.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, Self

from dbos import (
    DBOS,
    SetWorkflowID,
    StepOptions,
    WorkflowStatus,
)
from sqlalchemy.exc import OperationalError

from ctsieve.jobs.durable import FULL, write_synced
from ctsieve.jobs.locks import absent_workers, only_one
from ctsieve.jobs.place import claim
from ctsieve.jobs.records import Job, JobState, Order, Outcome
from ctsieve.jobs.settings import JobSettings, dbos_config
from ctsieve.jobs.status import PROGRESS, delivery_id, job_of
from ctsieve.jobs.storage import Storage
from ctsieve.jobs.trials import TRIALS, TRY, trial_workflow
from ctsieve.jobs.work import OUTCOME, RESULTS, Worker
from ctsieve.types.errors import OutOfResources, PeerRefused, UnknownName
from ctsieve.types.promise import promise

Deliver = Callable[[Sequence[Path]], None]
"""Brings result files to one destination; raises PeerRefused when it should be tried again."""

RETRIES: Final = "retries"
"""Folder of orders that are being handed in again: in no database between two records."""
QUEUE: Final = "ctsieve-screen"
SCREEN: Final = "screen-study"
"""Name of the workflow that screens a study."""
MAX_CRASHES: Final = 3
"""A study that ended the process more often than this is left alone, with the reason recorded."""
TRIES_WHEN_FULL: Final = 8
SECONDS_FOR_DATABASE: Final = 30.0
"""How long a start waits for a database that does not answer: it may be starting itself."""
STAGES_SHOWN: Final = 20
"""At most so many steps of progress are recorded per stage."""

logger = logging.getLogger(__name__)


class Jobs:
    """The jobs of this process; one at a time, since DBOS is one per process.

    Use as a context manager: leaving it stops taking new work.  What is under way is resumed at the
    next start.
    """

    def __init__(
        self, settings: JobSettings, *, destinations: Mapping[str, Deliver] | None = None
    ) -> None:
        self.home = settings.home
        self._settings = settings
        self._destinations = dict(destinations or {})
        storage = Storage(settings.home, settings.storage)
        self._worker = Worker(storage, threads=settings.threads)
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Start: resume what a former process of this worker left, and take new work.

        Raises:
            UsageError: another process has this name, or the database another home's jobs.
        """
        (self.home / RESULTS).mkdir(parents=True, exist_ok=True)
        self._lock = only_one(self.home, self._settings.worker)
        try:
            end = time.monotonic() + SECONDS_FOR_DATABASE
            while not self._launched(last=time.monotonic() > end):
                time.sleep(1.0)
        except BaseException:
            self._lock.close()
            raise
        for left in (self.home / RETRIES).glob("*.json"):
            self._submit_again(left)
        return self

    def _launched(self, *, last: bool) -> bool:
        """Try to launch; False, or at the `last` try its error, where no database answers."""
        try:
            self._launch()
        except OperationalError:
            DBOS.destroy(destroy_registry=True)
            if last:
                raise
            logger.warning("the database does not answer; trying again")
            return False
        return True

    def _launch(self) -> None:
        settings = self._settings
        claim(self.home, database=settings.database, storage=settings.storage)
        DBOS(config=dbos_config(settings))
        # Registered before the launch: that is when interrupted workflows start again.
        self._deliver = DBOS.workflow(name="deliver-results")(self._deliver_workflow())
        self._screen = DBOS.workflow(name=SCREEN, max_recovery_attempts=MAX_CRASHES)(
            self._screen_workflow()
        )
        trial = trial_workflow(self._worker.storage, self._worker.screener, _recorded)
        DBOS.workflow(name=TRY, max_recovery_attempts=MAX_CRASHES)(trial)
        DBOS.launch()
        poll = settings.poll_seconds
        DBOS.register_queue(QUEUE, worker_concurrency=settings.at_once, polling_interval_sec=poll)
        DBOS.register_queue(TRIALS, worker_concurrency=1, polling_interval_sec=poll)
        for name in self._destinations:
            DBOS.register_queue(_queue(name), worker_concurrency=2, polling_interval_sec=poll)

    def __exit__(self, *_: object) -> None:
        """Stop; jobs under way are left to the next start."""
        DBOS.destroy(destroy_registry=True)
        if self._lock is not None:
            self._lock.close()

    def submit(self, order: Order) -> str:
        """Hand in a study and return the job's id, once it is durable.

        The same order again is the same job: nothing is done twice, finished or not.
        """
        self._check(order)
        with SetWorkflowID(order.id):
            DBOS.enqueue_workflow(QUEUE, self._screen, order.model_dump(mode="json"))
        return order.id

    def job(self, job_id: str) -> Job:
        """How a job stands.

        Raises:
            UnknownName: there is none of that id.
        """
        status = DBOS.get_workflow_status(job_id)
        if status is None or status.name != SCREEN:
            raise UnknownName(f"there is no job {job_id!r}")
        return self._job(status)

    def jobs(self, *, owner: str = "", limit: int | None = None) -> list[Job]:
        """The jobs of an owner (all jobs where empty), the newest first."""
        found = DBOS.list_workflows(
            name=SCREEN,
            workflow_id_prefix=f"{owner}-" if owner else None,
            sort_desc=True,
            limit=limit,
        )
        return [self._job(status) for status in found]

    def results(self, job_id: str) -> Path:
        """The folder of a job's results; it exists once the job has an outcome."""
        return self.home / RESULTS / job_id

    def progress(self, job_id: str) -> Iterator[tuple[str, int, int]]:
        """What the worker does (stage, done, of all), as it happens, until the job has ended."""
        for stage, done, total in DBOS.read_stream(job_id, PROGRESS):
            yield str(stage), int(done), int(total)

    def cancel(self, job_id: str) -> None:
        """Take a job from the queue; one that is being screened ends after that step."""
        DBOS.cancel_workflow(job_id, cancel_children=True)

    def forget(self, job_id: str) -> None:
        """Delete every record of a finished job; its study and results are the caller's."""
        DBOS.delete_workflow(job_id, delete_children=True)

    def retry(self, job_id: str) -> bool:
        """Do again what failed or was cancelled: the screening, or its failed deliveries.

        Returns whether there was anything.  After a crash meanwhile the next start goes on.

        Raises:
            UnknownName: there is no such job, or one of its destinations is gone.
        """
        job = self.job(job_id)
        self._check(job.order)
        if job.state in (JobState.FAILED, JobState.CANCELLED):
            (self.home / RETRIES).mkdir(exist_ok=True)
            note = self.home / RETRIES / f"{job_id}.json"
            write_synced(note, job.order.model_dump_json().encode())
            self.forget(job_id)
            self._submit_again(note)
            return True
        failed = [d.destination for d in job.deliveries if d.state == "failed"]
        for name in failed:
            DBOS.delete_workflow(delivery_id(job_id, name))
            self._enqueue_delivery(job_id, name)
        return bool(failed)

    def adopt(self) -> int:
        """Take over what workers left that do not run any more; returns the number of jobs."""
        with absent_workers(self.home) as absent:
            # Not `resume_workflow`, which would forget how often a job has ended its process.
            return len(DBOS._recover_pending_workflows(absent)) if absent else 0

    def _check(self, order: Order) -> None:
        for name in order.destinations:
            if name not in self._destinations:
                known = ", ".join(self._destinations) or "none"
                raise UnknownName(f"there is no destination {name!r}", hint=f"known: {known}")

    def _submit_again(self, note: Path) -> None:
        self.submit(Order.model_validate_json(note.read_bytes()))
        note.unlink()

    def _enqueue_delivery(self, job_id: str, name: str) -> None:
        with SetWorkflowID(delivery_id(job_id, name)):
            DBOS.enqueue_workflow(_queue(name), self._deliver, job_id, name)

    def _job(self, status: WorkflowStatus) -> Job:
        order = Order.model_validate(first_argument(status))
        ids = [delivery_id(status.workflow_id, name) for name in order.destinations]
        deliveries = DBOS.list_workflows(workflow_ids=ids) if ids else []
        return job_of(status, order, deliveries={d.workflow_id: d for d in deliveries})

    def _screen_workflow(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        def screen_study(order_json: dict[str, Any]) -> dict[str, Any]:
            order = Order.model_validate(order_json)
            outcome = DBOS.run_step(_RETRY_WHEN_FULL, screen, order_json)
            for name in order.destinations if outcome["files"] else ():
                self._enqueue_delivery(order.id, name)
            return outcome

        def screen(order_json: dict[str, Any]) -> dict[str, Any]:
            order = Order.model_validate(order_json)
            logger.info("job %s: screening", order.id)
            try:
                outcome = self._worker.do(order, stage=_recorded)
                if DBOS.get_workflow_status(order.id) is None:  # its study was deleted meanwhile
                    self._worker.drop(order)
            except OSError as error:
                if error.errno not in FULL:
                    raise
                raise OutOfResources("the disk is full", hint="free some space") from error
            logger.info("job %s: %s %s", order.id, outcome.state, outcome.reason)
            return outcome.model_dump(mode="json")

        return screen_study

    def _deliver_workflow(self) -> Callable[[str, str], str]:
        def deliver_results(job_id: str, destination: str) -> str:
            reason = ""
            for wait in self._settings.waits_seconds:
                if wait:
                    DBOS.sleep(wait)
                reason = DBOS.run_step({"name": "deliver"}, deliver, job_id, destination)
                if not reason:
                    break
            return reason

        def deliver(job_id: str, destination: str) -> str:
            """Empty once delivered, else why not."""
            folder = self.results(job_id)
            outcome = Outcome.model_validate_json((folder / OUTCOME).read_bytes())
            paths = [folder / name for name in outcome.files]
            try:
                self._destinations[destination](paths)
            except PeerRefused as error:
                logger.warning("job %s: not delivered to %s: %s", job_id, destination, error)
                return str(error)
            logger.info("job %s: delivered to %s", job_id, destination)
            return ""

        return deliver_results


def _recorded(stage: str, done: int, total: int) -> None:
    """Keep a step of progress where readers of `Jobs.progress` find it."""
    if total in (0, done) or done % max(1, total // STAGES_SHOWN) == 0:
        DBOS.write_stream(PROGRESS, [stage, done, total])


def _again_later(error: BaseException) -> bool:
    return isinstance(error, OutOfResources)


_RETRY_WHEN_FULL: Final = StepOptions(
    name="screen",
    retries_allowed=True,
    interval_seconds=1.0,
    backoff_rate=2.0,
    max_attempts=TRIES_WHEN_FULL,
    should_retry=_again_later,
)


def _queue(destination: str) -> str:
    return f"ctsieve-deliver-{destination}"


def first_argument(status: WorkflowStatus) -> dict[str, Any]:
    """What a workflow was asked: the JSON of its order."""
    promise(status.input is not None, "a job keeps what was asked")
    return dict(status.input["args"][0])  # type: ignore[index]  # the promise above checked it
