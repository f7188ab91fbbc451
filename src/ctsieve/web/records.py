"""What the service says of studies, in JSON: the contract with the page and other programs."""

from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic import BaseModel

from ctsieve.web.blinding import IMAGES, WITHHELD
from ctsieve.web.tables import Study

Status = Literal["received", "queued", "screening", "done", "rejected", "failed"]
FINAL = ("done", "rejected", "failed")
_NO_ANSWER: Final = dict.fromkeys(("verdict", "probability", "threshold", "abstained"))


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
    withheld: bool = False
    """Whether there may be an answer that whoever asks must not see before an own reading."""


class StudyDetail(StudyShown):
    """A study with its whole result: docs/reference/json.md explains `screening`."""

    screening: dict[str, Any] | None
    artefacts: list[ArtefactShown]


def shown(study: Study, *, withheld: bool = False) -> StudyShown:
    """A row of the worklist."""
    row = StudyShown.model_validate(_fields(study))
    return blinded(row) if withheld else row


def blinded(study: StudyShown) -> StudyShown:
    """A row without what the network says, for who has still to read it."""
    reason = WITHHELD if study.status == "done" else study.reason
    return study.model_copy(update={**_NO_ANSWER, "reason": reason, "withheld": True})


def detail(
    study: Study,
    screening: dict[str, Any] | None,
    artefacts: list[ArtefactShown],
    *,
    withheld: bool = False,
) -> StudyDetail:
    """A study with its result; of an answer that is withheld, the images alone."""
    if withheld:
        screening, artefacts = None, [one for one in artefacts if one.name in IMAGES]
    row = shown(study, withheld=withheld)
    return StudyDetail(**dict(row), screening=screening, artefacts=artefacts)


def _fields(study: Study) -> dict[str, object]:
    names = [name for name in StudyShown.model_fields if name != "withheld"]
    fields = {name: getattr(study, name) for name in names}
    return {**fields, "received": datetime.fromtimestamp(study.received, UTC)}
