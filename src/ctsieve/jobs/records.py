"""What is asked of a job and what came of it: plain values that pass through JSON.

Nothing here names a person: studies are named by digests.
"""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

_KEPT: Final = ConfigDict(frozen=True, extra="forbid")
ID_LENGTH: Final = 32


class JobState(StrEnum):
    """Where a job stands; the last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SCREENED = "screened"
    """Judged; an abstention counts."""
    REFUSED = "refused"
    """The study cannot be read or the gate rejected it; the reason is recorded."""
    FAILED = "failed"
    """The program could not finish; the reason is recorded and the study kept."""
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


class Order(BaseModel):
    """A study to be screened: what, with which bundle, into which formats, and for whom."""

    model_config = _KEPT

    study: str
    """Folder of the frozen study, relative to the jobs' home."""
    digest: str
    """SHA-256 of the study's files: see `ctsieve.jobs.studies.freeze`."""
    formats: tuple[str, ...]
    bundle: str | None = None
    """Name, folder or file; the embedded default where None."""
    bundle_digest: str = ""
    """So that a new version of a bundle judges an old study anew."""
    destinations: tuple[str, ...] = ()
    owner: str = Field(default="", pattern=r"^[a-z0-9]{0,32}$")
    """A workspace: the same study of two owners is two jobs."""
    source: str = ""
    """Who sent it: the calling application entity, or the name of a polled server."""

    @property
    def id(self) -> str:
        """Name of the job: the same study, bundle, formats and owner are the same job."""
        asked = [self.digest, self.bundle, self.bundle_digest, sorted(self.formats)]
        name = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:ID_LENGTH]
        return f"{self.owner}-{name}" if self.owner else name


class Outcome(BaseModel):
    """The one result of a study, or the one reason why there is none."""

    model_config = _KEPT

    state: Literal["screened", "refused"]
    reason: str = ""
    """Why it was refused, or why no call was made; empty for an answer."""
    hint: str = ""
    verdict: str = ""
    """Of the gate; empty where the study could not be read."""
    positive: tuple[str, ...] = ()
    """Labels at or above their threshold."""
    files: tuple[str, ...] = ()
    """Results, relative to the job's result folder."""
    left_out: dict[str, str] = Field(default_factory=dict)
    """Formats that cannot hold this study, each with the reason."""


class Delivery(BaseModel):
    """How far the results got on their way to one destination."""

    model_config = _KEPT

    destination: str
    state: Literal["waiting", "delivered", "failed"]
    reason: str = ""
    """Why it failed for good."""


class Job(BaseModel):
    """One study on its way; what `Jobs.job` shows."""

    model_config = _KEPT

    id: str
    state: JobState
    order: Order
    created: datetime
    reason: str = ""
    outcome: Outcome | None = None
    deliveries: tuple[Delivery, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether the job and every delivery have come to their end."""
        return self.state.is_final and all(d.state != "waiting" for d in self.deliveries)
