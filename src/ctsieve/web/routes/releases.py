"""Data sets made of accepted cases: releases to train on, locked sets to judge candidates by."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from ctsieve.web.access import Admin, Clinician, Reviewer, Serving
from ctsieve.web.audit import Act, record
from ctsieve.web.errors import NotAllowed
from ctsieve.web.tables import Contribution, ReleaseRow

router = APIRouter(tags=["releases"])

CaseId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class NewRelease(BaseModel):
    """What is to be made of all accepted cases."""

    licence: str = Field(default="use within this institution only", min_length=1, max_length=200)
    """Under which the data may be used: a name such as CC-BY-4.0, or a sentence."""


class NewLockedSet(NewRelease):
    """Which accepted cases are to be kept back for judging, with all of their patients' cases."""

    cases: list[CaseId] = Field(min_length=1, max_length=10_000)


class ReleaseShown(BaseModel):
    """A release or a locked set."""

    id: str
    purpose: Literal["training", "locked"]
    version: int
    created: datetime
    user: str
    digest: str
    """SHA-256 over the names and SHA-256 of all files."""
    num_withdrawn: int
    """Cases taken out since: above 0 nothing reads it any more."""
    about: dict[str, Any]
    """release.json without the list of files."""
    left_out: dict[str, str]
    """Accepted cases that are not in it, with the reason."""


class Checked(BaseModel):
    """Whether every file is as it was released."""

    whole: bool
    broken: list[str]


class Withdrawn(BaseModel):
    """In how many releases the case was."""

    releases: int


@router.get("/releases")
def releases(
    service: Serving, by: Reviewer, purpose: Literal["training", "locked"] | None = None
) -> list[ReleaseShown]:
    """Releases and locked sets of the own workspace, the newest first."""
    return [_shown(row) for row in service.releases.rows(by, purpose)]


@router.post("/releases", status_code=201)
def release(asked: NewRelease, service: Serving, by: Admin) -> ReleaseShown:
    """Make the next release of the own workspace's accepted cases; it never changes."""
    return _shown(service.releases.make("training", by, licence=asked.licence))


@router.post("/locked-sets", status_code=201)
def lock(asked: NewLockedSet, service: Serving, by: Admin) -> ReleaseShown:
    """Keep cases back, for good: the next locked set has them and those of the one before."""
    made = service.releases.make("locked", by, licence=asked.licence, cases=asked.cases)
    return _shown(made)


@router.get("/releases/{release}")
def look(release: str, service: Serving, by: Reviewer) -> ReleaseShown:
    """A release or locked set."""
    return _shown(service.releases.find(release, by))


@router.get("/releases/{release}/check")
def check(release: str, service: Serving, by: Reviewer) -> Checked:
    """Read every byte and compare with the digests."""
    broken = service.releases.check(service.releases.find(release, by))
    return Checked(whole=not broken, broken=broken)


@router.get(
    "/releases/{release}/archive",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
)
def archive(release: str, service: Serving, by: Reviewer) -> StreamingResponse:
    """All files as a zip: unpacked, `ctsieve data` and `ctsieve fit` read it as `release`."""
    row = service.releases.find(release, by)
    name = f"release-{row.purpose}-{row.version}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    act = Act(
        action="release-taken", user=by.name, workspace_id=by.workspace_id, subject=row.id,
        detail=f"sha256={row.digest}",
    )  # fmt: skip
    with service.database.writing() as session:
        record(service.database, session, act)
    packed = service.releases.packed(row)
    return StreamingResponse(packed, media_type="application/zip", headers=headers)


@router.delete("/contributions/{contribution}")
def withdraw(contribution: str, service: Serving, by: Clinician) -> Withdrawn:
    """Take a case back, out of every release: its contributor may, or an admin.

    An admin may also where retention has deleted its study: `cases.csv` of a release names it.
    """
    with service.database.reading() as session:
        row = session.get(Contribution, contribution)
    study = by.own(row, "case").study_id if row else service.releases.study_of(contribution, by)
    if (row is None or row.user != by.name) and not by.may("admin"):
        raise NotAllowed("only its contributor or an admin takes a case back")
    return Withdrawn(releases=service.releases.withdraw(contribution, study, by))


def _shown(row: ReleaseRow) -> ReleaseShown:
    fields = {name: getattr(row, name) for name in ReleaseShown.model_fields}
    fields["created"] = datetime.fromtimestamp(row.created, UTC)
    return ReleaseShown.model_validate(fields)
