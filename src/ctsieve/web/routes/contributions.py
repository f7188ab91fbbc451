"""Cases given to learn from, read twice, and a third time where two readers disagree."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from ctsieve.evaluation.readers import cohen_kappa
from ctsieve.types.errors import InputRejected
from ctsieve.web.access import Admin, Clinician, Reviewer, Serving, Viewer
from ctsieve.web.audit import Act, record
from ctsieve.web.blinding import tell
from ctsieve.web.errors import InConflict, NotAllowed
from ctsieve.web.identity import Identity
from ctsieve.web.readings import UNDECIDED, Status, settled
from ctsieve.web.service import Service
from ctsieve.web.tables import Contribution, Review, new_id

router = APIRouter(tags=["contributions"])

Label = Literal["covid19", "other_pneumonia", "neither"]
Kind = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Pair = Annotated[list[float], Field(min_length=2, max_length=2)]
"""A list in the description of the API: few programs understand tuples there."""


class Outline(BaseModel):
    """A lesion drawn on a slice: corners (column, row) in pixels."""

    slice: int = Field(ge=0, le=100_000)
    kind: Kind
    points: list[Pair] = Field(min_length=3, max_length=5000)


class Given(BaseModel):
    """A case with what its clinician says of it."""

    study: str = Field(max_length=64)
    consent: Literal[True]
    """That it may be used for research: without it nothing is kept."""
    label: Label
    lesions: list[Kind] = Field(default=[], max_length=50)
    outlines: list[Outline] = Field(default=[], max_length=500)
    comment: str = Field(default="", max_length=2000)
    patient: str = Field(default="", max_length=64)
    """Any key that all images of one person share, where the image is no DICOM; it is kept as a
    pseudonym.  Without it the case is in no release."""
    pixels_name_nobody: bool = False
    """That somebody looked at the image enlarged, and no name, date or number that tells who the
    patient is is drawn into it.  Must be true of an image that is no DICOM: nothing else finds it.
    """


class Reading(BaseModel):
    """A second or third reader's view."""

    label: Label
    lesions: list[Kind] = Field(default=[], max_length=50)
    comment: str = Field(default="", max_length=2000)


class Closed(BaseModel):
    """Why a case that nobody decides is excluded: a word, for free text could name somebody."""

    reason: Literal[
        "not_decidable", "image_unfit", "no_third_reader", "given_by_mistake", "text_in_pixels"
    ]


class ReviewShown(BaseModel):
    """A second or third reading; without its content for whoever may still decide."""

    user: str
    label: str | None
    lesions: list[str]
    comment: str
    agree: bool | None
    """Whether the label is the contributor's."""


class ContributionShown(BaseModel):
    """A case with its readings.

    Until the case is decided everybody is shown the own reading of it and no other: no label,
    lesion, outline or comment.
    """

    id: str
    study: str
    user: str
    created: datetime
    status: Status
    label: str | None
    """The contributor's."""
    final: str | None
    """What the case is accepted as."""
    reason: str
    """Why it is excluded: `three_labels` where three readers gave three, else an admin's word."""
    lesions: list[str]
    outlines: list[Outline]
    comment: str
    reviews: list[ReviewShown]


class AgreementShown(BaseModel):
    """Cohen's kappa between contributors and second readers, with a 95 % interval.

    Third readers count nowhere: they read only what two disagree on.
    """

    kappa: float | None
    interval: Pair | None
    n: int


@router.post("/contributions", status_code=201)
def contribute(given: Given, service: Serving, by: Clinician) -> ContributionShown:
    """Give a case of the own workspace to be learnt from."""
    study = service.studies.find(given.study, by)
    is_dicom = service.is_dicom(study)
    if not is_dicom and not given.pixels_name_nobody:
        raise InputRejected(
            "nobody has said that no name is drawn into this image",
            hint="look at it enlarged, its edges and corners first, and confirm it",
        )
    row = Contribution(
        id=new_id(), workspace_id=by.workspace_id, study_id=study.id, user=by.name,
        patient=service.patient_of(study, given.patient),
        label=given.label, lesions=list(given.lesions), comment=given.comment,
        outlines=[outline.model_dump(mode="json") for outline in given.outlines],
    )  # fmt: skip
    with service.database.writing() as session:
        session.add(row)
        session.flush()
        act = Act(
            action="case-contributed", user=by.name, workspace_id=by.workspace_id,
            subject=study.id, detail="" if is_dicom else "pixels-name-nobody",
        )  # fmt: skip
        record(service.database, session, act)
        tell(session, row.study_id)
    return _shown(row, [], by)


@router.get("/contributions")
def contributions(
    service: Serving, by: Viewer, status: Status | None = None
) -> list[ContributionShown]:
    """Cases of the own workspace, the newest first."""
    wanted = sa.select(Contribution).where(Contribution.workspace_id == by.workspace_id)
    if status is not None:
        wanted = wanted.where(Contribution.status == status)
    with service.database.reading() as session:
        rows = list(session.scalars(wanted.order_by(Contribution.created.desc())))
        own = Review.contribution_id.in_([row.id for row in rows])
        reviews = list(session.scalars(sa.select(Review).where(own).order_by(Review.created)))
    return [_shown(row, [r for r in reviews if r.contribution_id == row.id], by) for row in rows]


@router.post("/contributions/{contribution}/reviews", status_code=201)
def review(
    contribution: str, reading: Reading, service: Serving, by: Reviewer
) -> ContributionShown:
    """Read a case a second time, or a third time where two readers disagree; blind to the others.

    Two equal labels accept it. A third reader decides between two that differ; a third label of
    its own excludes the case. Nobody reads an own case, or a case twice.
    """
    with service.database.writing() as session:
        row, before = _undecided(session, contribution, by)
        if row.user == by.name:
            raise NotAllowed("nobody reviews an own case", hint="ask another reviewer")
        if by.name in [earlier.user for earlier in before]:
            raise InConflict("you have reviewed this case already", hint="ask another reviewer")
        said = reading.model_dump(mode="json")
        agree = reading.label == row.label
        session.add(Review(contribution_id=row.id, user=by.name, agree=agree, **said))
        came = settled([row.label, *(earlier.label for earlier in before), reading.label])
        row.status, row.decided, row.reason = came.status, came.label, came.reason
        action = "case-adjudicated" if before else "case-reviewed"
        return _changed(service, session, row, by, action)


@router.post("/contributions/{contribution}/close")
def close(contribution: str, why: Closed, service: Serving, by: Admin) -> ContributionShown:
    """Exclude a case that is not decided, for good; its readings are shown from then on."""
    with service.database.writing() as session:
        row, _ = _undecided(session, contribution, by)
        row.status, row.reason = "excluded", why.reason
        return _changed(service, session, row, by, "case-excluded")


@router.get("/agreement")
def agreement(service: Serving, by: Viewer) -> AgreementShown:
    """How far contributors and second readers agree in the own workspace."""
    wanted = (
        sa.select(Contribution.id, Contribution.label, Review.label)
        .join(Review, Review.contribution_id == Contribution.id)
        .where(Contribution.workspace_id == by.workspace_id)
        .order_by(Review.created)
    )
    with service.database.reading() as session:
        first: dict[str, tuple[str, str]] = {}
        for case, one, other in session.execute(wanted):
            first.setdefault(case, (one, other))
    pairs = list(first.values())
    found = cohen_kappa([one for one, _ in pairs], [other for _, other in pairs])
    interval = list(found.interval) if found.interval else None
    return AgreementShown(kappa=found.kappa, interval=interval, n=found.n)


def _undecided(
    session: Session, contribution: str, by: Identity
) -> tuple[Contribution, list[Review]]:
    """A case that is not decided, kept from others until the transaction ends; its reviews."""
    row = by.own(session.get(Contribution, contribution, with_for_update=True), "case")
    if row.status not in UNDECIDED:
        raise InConflict(f"this case is {row.status} already")
    return row, _reviews(session, row)


def _reviews(session: Session, row: Contribution) -> list[Review]:
    own = sa.select(Review).where(Review.contribution_id == row.id)
    return list(session.scalars(own.order_by(Review.created)))


def _changed(
    service: Service, session: Session, row: Contribution, by: Identity, action: str
) -> ContributionShown:
    session.flush()
    act = Act(
        action=action, user=by.name, workspace_id=by.workspace_id, subject=row.id,
        detail=" ".join(filter(None, (row.status, row.reason))),
    )  # fmt: skip
    record(service.database, session, act)
    tell(session, row.study_id)
    return _shown(row, _reviews(session, row), by)


def _shown(row: Contribution, reviews: list[Review], by: Identity) -> ContributionShown:
    is_decided = row.status not in UNDECIDED
    is_shown = is_decided or row.user == by.name
    return ContributionShown(
        id=row.id,
        study=row.study_id,
        user=row.user,
        created=datetime.fromtimestamp(row.created, UTC),
        status=row.status,
        label=row.label if is_shown else None,
        final=row.final if row.status == "accepted" else None,
        reason=row.reason,
        lesions=row.lesions if is_shown else [],
        outlines=[Outline.model_validate(o) for o in row.outlines] if is_shown else [],
        comment=row.comment if is_shown else "",
        reviews=[_review_shown(r, is_shown=is_decided or r.user == by.name) for r in reviews],
    )


def _review_shown(row: Review, *, is_shown: bool) -> ReviewShown:
    if not is_shown:
        return ReviewShown(user=row.user, label=None, lesions=[], comment="", agree=None)
    return ReviewShown.model_validate({c: getattr(row, c) for c in ReviewShown.model_fields})
