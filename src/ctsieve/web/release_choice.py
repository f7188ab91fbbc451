"""Which accepted cases go into a release or a locked set, and on which side each patient is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ctsieve.web.errors import InConflict, NotThere
from ctsieve.web.release_files import Chosen, Read, partitions
from ctsieve.web.tables import Contribution, ReleasedCase, Review, Study

LOCKED_SIDE: Final = "test"


def accepted_cases(session: Session, workspace_id: str) -> tuple[list[Chosen], dict[str, str]]:
    """Accepted cases, and those that cannot be released with the reason."""
    wanted = (
        sa.select(Contribution, Study)
        .join(Study, Study.id == Contribution.study_id)
        .where(Contribution.workspace_id == workspace_id, Contribution.status == "accepted")
        .order_by(Contribution.created, Contribution.id)
    )
    pairs = [(case, study) for case, study in session.execute(wanted)]
    reviews = sa.select(Review).where(Review.contribution_id.in_([c.id for c, _ in pairs]))
    read: dict[str, list[Review]] = {}
    for review in session.scalars(reviews.order_by(Review.created)):
        read.setdefault(review.contribution_id, []).append(review)
    chosen: list[Chosen] = []
    left_out: dict[str, str] = {}
    seen: set[str] = set()
    for case, study in pairs:
        reason = _unfit(case, study, seen)
        if reason:
            left_out[case.id] = reason
        else:
            seen.add(study.id)
            chosen.append(_chosen(case, study, read.get(case.id, [])))
    return chosen, left_out


def training_cases(
    accepted: Sequence[Chosen], known: Sequence[ReleasedCase], left_out: dict[str, str]
) -> list[Chosen]:
    """Those whose patient is in no locked set; the others go to `left_out` with the reason."""
    kept_back = {row.patient for row in known if row.purpose == "locked"}
    fit = [case for case in accepted if case.patient not in kept_back]
    left_out |= {c.id: "its patient is in the locked set" for c in accepted if c not in fit}
    before = {row.patient: row.partition for row in known if row.purpose == "training"}
    sides = partitions({case.patient: case.label for case in reversed(fit)}, before)
    return [replace(case, partition=sides[case.patient]) for case in fit]


def locked_cases(
    accepted: Sequence[Chosen], known: Sequence[ReleasedCase], cases: Sequence[str] | None
) -> list[Chosen]:
    """The named cases and those locked before, with all cases of their patients.

    Raises:
        NotThere: a named case is none of `accepted`.
        InConflict: a patient is in a training release already.
    """
    by_id = {case.id: case for case in accepted}
    if unknown := [name for name in cases or () if name not in by_id]:
        raise NotThere(f"there is no accepted case {unknown[0]!r} that can be locked")
    patients = {by_id[name].patient for name in cases or ()}
    trained = {row.patient for row in known if row.purpose == "training"}
    if patients & trained:
        raise InConflict(
            "a patient of these cases is in a training release already",
            hint="bundles may have learnt from it: lock patients before they are released",
        )
    locked = patients | {row.patient for row in known if row.purpose == "locked"}
    return [replace(c, partition=LOCKED_SIDE) for c in accepted if c.patient in locked]


def _unfit(case: Contribution, study: Study, seen: set[str]) -> str:
    if study.status != "done":
        return "the study was not judged fit, or not yet"
    if not case.patient:
        return "nobody said which patient it is, so no split would be honest"
    return "the same study was contributed before" if study.id in seen else ""


def _chosen(case: Contribution, study: Study, reviews: Sequence[Review]) -> Chosen:
    first = Read(reader=case.user, at=case.created, label=case.label, lesions=tuple(case.lesions))
    others = (
        Read(reader=r.user, at=r.created, label=r.label, lesions=tuple(r.lesions)) for r in reviews
    )
    return Chosen(
        id=case.id,
        study_id=study.id,
        image=study.order["study"],
        is_picture=study.kind == "picture",
        patient=case.patient,
        readings=(first, *others),
        outlines=case.outlines,
        label=case.final,
    )
