"""Jobs seen from a process that runs none: hand in, look, forget.  Workers do them elsewhere."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from dbos import (
    DBOS,
    DBOSClient,
    DBOSPortableJSONSerializer,
    EnqueueOptions,
)
from dbos._error import DBOSStreamTimeoutError

from ctsieve.jobs.engine import QUEUE, SCREEN, first_argument
from ctsieve.jobs.place import claim
from ctsieve.jobs.records import Job, Order
from ctsieve.jobs.settings import database_url
from ctsieve.jobs.status import PROGRESS, job_of
from ctsieve.jobs.storage import Storage
from ctsieve.jobs.trials import TRIALS, TRY, Trial, TrialState, Verdict
from ctsieve.jobs.work import RESULTS

NO_WAIT_SECONDS: Final = 0.001


class Desk:
    """Where studies are handed in for workers of the same `home` and database."""

    def __init__(
        self, home: Path, *, database: str | None = None, storage: str | None = None
    ) -> None:
        """Open the jobs' database; it is made where there is none.

        Raises:
            UsageError: it has the jobs of another home.
        """
        self.home = home
        self.storage = Storage(home, storage)
        home.mkdir(parents=True, exist_ok=True)
        url = database_url(home, database)
        # Workers make it too: but who hands in first may be here before any of them.
        DBOS.migrate(url)
        claim(home, database=database, storage=storage)
        self._client = DBOSClient(system_database_url=url, serializer=DBOSPortableJSONSerializer())
        self._seen: dict[str, tuple[int, tuple[str, int, int]]] = {}

    def submit(self, order: Order) -> str:
        """Hand in a study and return the job's id, once it is durable.

        The same order again is the same job: nothing is done twice, finished or not.
        """
        options: EnqueueOptions = {
            "workflow_name": SCREEN,
            "queue_name": QUEUE,
            "workflow_id": order.id,
        }
        self._client.enqueue(options, order.model_dump(mode="json"))
        return order.id

    def submit_trial(self, trial: Trial) -> str:
        """Hand in a trial and return its id; the same question again is the same trial."""
        options: EnqueueOptions = {
            "workflow_name": TRY,
            "queue_name": TRIALS,
            "workflow_id": trial.id,
        }
        self._client.enqueue(options, trial.model_dump(mode="json"))
        return trial.id

    def trial(self, trial_id: str) -> TrialState:
        """How a trial stands; one that is not there is waiting to be handed in."""
        found = self._client.list_workflows(workflow_ids=[trial_id])
        if not found or found[0].status in ("ENQUEUED", "DELAYED"):
            return TrialState(state="queued")
        status = found[0]
        if status.status == "SUCCESS":
            return TrialState(state="finished", verdict=Verdict.model_validate(status.output))
        if status.status != "PENDING":
            return TrialState(state="failed")
        _, done, total = self.stage(trial_id)
        return TrialState(state="running", done=done, total=total)

    def jobs(self, ids: Iterable[str]) -> dict[str, Job]:
        """How the jobs of these ids stand; those that there are."""
        wanted = list(ids)
        found = self._client.list_workflows(workflow_ids=wanted) if wanted else []
        return {
            status.workflow_id: job_of(
                status, Order.model_validate(first_argument(status)), deliveries={}
            )
            for status in found
        }

    def stage(self, job_id: str) -> tuple[str, int, int]:
        """What the worker does now: the stage, and how much of how much; never waits."""
        offset, last = self._seen.get(job_id, (0, ("", 0, 0)))
        try:
            while True:
                found = self._client.read_stream_offset(
                    job_id, PROGRESS, offset, timeout_seconds=NO_WAIT_SECONDS
                )
                offset, last = offset + 1, (str(found[0]), int(found[1]), int(found[2]))
        except DBOSStreamTimeoutError:
            self._seen[job_id] = (offset, last)
            return last

    def results(self, job_id: str) -> Path:
        """The folder of a job's results; it exists once the job has an outcome."""
        return self.home / RESULTS / job_id

    def forget(self, job_id: str) -> None:
        """Take a job from the queue and delete every record of it; files are the caller's."""
        self._seen.pop(job_id, None)
        self._client.cancel_workflow(job_id)
        self._client.delete_workflow(job_id, delete_children=True)

    def close(self) -> None:
        """Let the database go."""
        self._client.destroy()
