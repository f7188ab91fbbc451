"""How DBOS's record of a workflow reads as a job."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from dbos import WorkflowStatus

from ctsieve.jobs.records import Delivery, Job, JobState, Order, Outcome

PROGRESS: Final = "progress"
"""Name of the stream a screening reports to."""

_STATES: Final = {
    "ENQUEUED": JobState.QUEUED,
    "DELAYED": JobState.QUEUED,
    "PENDING": JobState.RUNNING,
    "ERROR": JobState.FAILED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
}


def delivery_id(job_id: str, destination: str) -> str:
    """The workflow that brings results of a job to a destination."""
    return f"{job_id}-to-{destination}"


def job_of(
    status: WorkflowStatus, order: Order, *, deliveries: Mapping[str, WorkflowStatus]
) -> Job:
    """The job that `status` records; `deliveries` by their workflow id."""
    outcome = Outcome.model_validate(status.output) if status.status == "SUCCESS" else None
    state = JobState(outcome.state) if outcome else _STATES[status.status]
    sent = order.destinations if outcome is not None and outcome.files else ()
    return Job(
        id=status.workflow_id,
        state=state,
        order=order,
        created=datetime.fromtimestamp((status.created_at or 0) / 1000, UTC),
        reason=outcome.reason if outcome else _why(status),
        outcome=outcome,
        deliveries=tuple(
            _delivery(name, deliveries.get(delivery_id(status.workflow_id, name))) for name in sent
        ),
    )


def _why(status: WorkflowStatus) -> str:
    """Why a job failed, without what an unforeseen exception might quote of the study."""
    if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return "the program ended several times while it worked on this study"
    if status.error is None:
        return ""
    name = getattr(status.error, "name", type(status.error).__name__)
    return f"the program could not finish: {name}"


def _delivery(destination: str, status: WorkflowStatus | None) -> Delivery:
    if status is None or status.status in ("ENQUEUED", "DELAYED", "PENDING"):
        return Delivery(destination=destination, state="waiting")
    reason = str(status.output or "") if status.status == "SUCCESS" else _why(status)
    if status.status == "SUCCESS" and not reason:
        return Delivery(destination=destination, state="delivered")
    return Delivery(destination=destination, state="failed", reason=reason or status.status)
