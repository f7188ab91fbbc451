"""Cases given to learn from, read twice."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError

from ctsieve.evaluation.readers import cohen_kappa
from ctsieve.web.access import Clinician, Reviewer, Serving, Viewer
from ctsieve.web.accounts import Identity
from ctsieve.web.audit import Act, record
from ctsieve.web.errors import InConflict, NotAllowed
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


class Reading(BaseModel):
    """A second reader's view."""

    label: Label
    lesions: list[Kind] = Field(default=[], max_length=50)
    comment: str = Field(default="", max_length=2000)


class ReviewShown(BaseModel):
    """A second reading."""

    user: str
    label: str
    lesions: list[str]
    comment: str
    agree: bool


class ContributionShown(BaseModel):
    """A case with its readings.

    Who may read it second is not told what the first reader said: until then there is no label, no
    lesion, no outline and no comment for anybody but the contributor.
    """

    id: str
    study: str
    user: str
    created: datetime
    status: Literal["open", "accepted", "disputed"]
    label: str | None
    lesions: list[str]
    outlines: list[Outline]
    comment: str
    reviews: list[ReviewShown]


class AgreementShown(BaseModel):
    """Cohen's kappa between contributors and first reviewers, with a 95 % interval."""

    kappa: float | None
    interval: Pair | None
    n: int


@router.post("/contributions", status_code=201)
def contribute(given: Given, service: Serving, by: Clinician) -> ContributionShown:
    """Give a case of the own workspace to be learnt from."""
    study = service.studies.find(given.study, by)
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
            action="case-contributed", user=by.name, workspace_id=by.workspace_id, subject=study.id
        )
        record(service.database, session, act)
    return _shown(row, [], by)


@router.get("/contributions")
def contributions(
    service: Serving, by: Viewer, status: Literal["open", "accepted", "disputed"] | None = None
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
    """Read a case a second time; nobody reviews an own one.

    It is accepted where both readers give one label, and disputed from the first that does not.
    """
    try:
        with service.database.writing() as session:
            row = by.own(session.get(Contribution, contribution), "case")
            if row.user == by.name:
                raise NotAllowed("nobody reviews an own case", hint="ask another reviewer")
            said = reading.model_dump(mode="json")
            agree = reading.label == row.label
            session.add(Review(contribution_id=row.id, user=by.name, agree=agree, **said))
            row.status = "accepted" if agree and row.status != "disputed" else "disputed"
            session.flush()
            act = Act(
                action="case-reviewed", user=by.name, workspace_id=by.workspace_id,
                subject=row.id, detail=row.status,
            )  # fmt: skip
            record(service.database, session, act)
            reviews = session.scalars(sa.select(Review).where(Review.contribution_id == row.id))
            return _shown(row, list(reviews), by)
    except IntegrityError as error:
        raise InConflict("you have reviewed this case already") from error


@router.get("/agreement")
def agreement(service: Serving, by: Viewer) -> AgreementShown:
    """How far first and second readers agree in the own workspace."""
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


def _shown(row: Contribution, reviews: list[Review], by: Identity) -> ContributionShown:
    is_blind = row.status == "open" and row.user != by.name
    return ContributionShown(
        id=row.id,
        study=row.study_id,
        user=row.user,
        created=datetime.fromtimestamp(row.created, UTC),
        status=row.status,
        label=None if is_blind else row.label,
        lesions=[] if is_blind else row.lesions,
        outlines=[] if is_blind else [Outline.model_validate(o) for o in row.outlines],
        comment="" if is_blind else row.comment,
        reviews=[
            ReviewShown.model_validate({c: getattr(r, c) for c in ReviewShown.model_fields})
            for r in reviews
        ],
    )
