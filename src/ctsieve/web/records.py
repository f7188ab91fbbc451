"""What the service says of studies, in JSON: the contract with the page and other programs."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel

from ctsieve.web.tables import Study

Status = Literal["received", "queued", "screening", "done", "rejected", "failed"]
FINAL = ("done", "rejected", "failed")


class FindingShown(BaseModel):
    """One thing the gate has to say."""

    code: str
    severity: Literal["warning", "rejection"]
    sentence: str


class GateShown(BaseModel):
    """Whether the image was fit to be judged."""

    verdict: Literal["accepted", "accepted_with_warnings", "rejected"]
    findings: list[FindingShown]


class BundleShown(BaseModel):
    """Which bundle answered."""

    name: str
    version: str


class ArtefactShown(BaseModel):
    """A file that came of a study."""

    name: str
    kind: Literal["report", "volume", "overlay", "picture", "dicom", "data"]
    media_type: str
    size: int


class StudyShown(BaseModel):
    """A study as the worklist shows it."""

    id: str
    received: datetime
    kind: Literal["volume", "picture"]
    status: Status
    stage: str
    progress: float
    verdict: Literal["positive", "negative", "none"] | None
    probability: float | None
    threshold: float | None
    abstained: str | None
    gate: GateShown | None
    bundle: BundleShown | None
    num_slices: int | None
    reason: str
    batch: str | None


class StudyDetail(StudyShown):
    """A study with its whole result: docs/reference/json.md explains `screening`."""

    screening: dict[str, Any] | None
    artefacts: list[ArtefactShown]


def shown(study: Study) -> StudyShown:
    """A row of the worklist."""
    return StudyShown.model_validate(_fields(study))


def detail(
    study: Study, screening: dict[str, Any] | None, artefacts: list[ArtefactShown]
) -> StudyDetail:
    """A study with its result."""
    return StudyDetail.model_validate(
        {**_fields(study), "screening": screening, "artefacts": artefacts}
    )


def _fields(study: Study) -> dict[str, object]:
    fields = {name: getattr(study, name) for name in StudyShown.model_fields}
    return {**fields, "received": datetime.fromtimestamp(study.received, UTC)}
