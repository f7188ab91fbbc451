"""Studies of a workspace: taken in once, judged once, deleted for good."""

import json
import logging
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ctsieve.bundles import store
from ctsieve.bundles.bundle import Bundle
from ctsieve.jobs.desk import Desk
from ctsieve.jobs.durable import sync_folder
from ctsieve.jobs.records import Order
from ctsieve.jobs.studies import STUDIES, freeze
from ctsieve.jobs.work import RESULTS, bundle_at
from ctsieve.pipeline.names import FORMATS
from ctsieve.types.errors import CtsieveError
from ctsieve.web.arrival import Arrived
from ctsieve.web.audit import Act, record
from ctsieve.web.blinding import unread
from ctsieve.web.database import Database
from ctsieve.web.errors import NotThere
from ctsieve.web.identity import Identity
from ctsieve.web.tables import BatchMember, Chosen, Study, new_id

logger = logging.getLogger(__name__)

QUARANTINE: Final = "quarantine"
NOT_BY_DEFAULT: Final = ("dicom-ko-rejected", "dicom-seg-fractional", "fhir")
SINGLE: Final = ("volume", "picture")
"""Name of the one file of a study that has one."""
BUNDLE: Final = "bundle"
ANSWERS: Final = ("probability", "verdict")
"""Columns that tell what the network says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which studies are asked for."""

    status: str | None = None
    words: str = ""
    order: str = "-received"
    limit: int = 50
    after: str | None = None


class Studies:
    """Every study, with whom it belongs to; nothing crosses from one workspace to another."""

    def __init__(self, database: Database, desk: Desk, *, bundle: str | None) -> None:
        self._database = database
        self._desk = desk
        self.first_bundle = bundle
        """The one of the settings: it judges until another is chosen."""
        self._home = desk.home
        self._storage = desk.storage

    def take(self, arrived: Arrived, by: Identity, *, batch: str | None = None) -> str:
        """Keep a study and have it judged; the id of the same study where it is known already."""
        digest, folder = freeze(self._home, _named(arrived.files, by.workspace_id))
        known = self._known(by.workspace_id, digest)
        if known is not None:
            if not known.folder:  # in quarantine: with names and all, it lies nowhere else
                self._storage.remove(folder)
            return known.id
        study = self._row(arrived, by, digest, folder)
        study.batch = batch
        if study.folder:
            self._storage.keep(study.folder)
        try:
            with self._database.writing() as session:
                session.add(study)
                session.flush()
                act = Act(
                    action="study-received", user=by.name,
                    workspace_id=by.workspace_id, subject=study.id, detail=arrived.refused,
                )  # fmt: skip
                record(self._database, session, act)
        except IntegrityError:  # the same study, at the same moment
            again = self._known(by.workspace_id, digest)
            if again is None:
                raise
            return again.id
        if not arrived.refused:
            self.submit(study)
        return study.id

    def submit(self, study: Study) -> None:
        """Hand a received study to the workers; harmless where that was done already."""
        job_id = self._desk.submit(Order.model_validate(study.order))
        with self._database.writing() as session:
            change = sa.update(Study).where(Study.id == study.id, Study.status == "received")
            values = {"status": "queued", "job_id": job_id, "changed": time.time()}
            session.execute(change.values(values))

    def find(self, study_id: str, by: Identity) -> Study:
        """A study of the own workspace.

        Raises:
            NotThere: there is none; one of another workspace looks the same.
        """
        with self._database.reading() as session:
            return by.own(session.get(Study, study_id), "study")

    def page(self, page: Page, by: Identity) -> tuple[list[Study], str | None]:
        """Studies of the own workspace, and what to give as `after` for more."""
        may_know = Study.id.not_in(unread(by))
        column = _sorted_by(page.order.lstrip("-"), may_know)
        wanted = sa.select(Study).where(Study.workspace_id == by.workspace_id)
        if page.status:
            wanted = wanted.where(Study.status.in_(page.status.split(",")))
        if page.words:
            like = f"%{page.words.replace('%', '').replace('_', '')}%"
            said = [c.ilike(like) for c in (Study.reason, Study.verdict)]
            found = [Study.id.ilike(like), Study.batch.ilike(like)]
            wanted = wanted.where(sa.or_(*found, sa.and_(may_know, sa.or_(*said))))
        down = page.order.startswith("-")
        ordered = column.desc().nulls_last() if down else column.asc().nulls_last()
        start = int(page.after) if page.after and page.after.isdigit() else 0
        wanted = wanted.order_by(ordered, Study.id).offset(start).limit(page.limit + 1)
        with self._database.reading() as session:
            rows = list(session.scalars(wanted))
        more = str(start + page.limit) if len(rows) > page.limit else None
        return rows[: page.limit], more

    def gather(self, batch: str, ids: Iterable[str]) -> None:
        """Make a batch of studies, also of such as were known before."""
        with self._database.writing() as session:
            for position, study_id in enumerate(dict.fromkeys(ids)):
                session.add(BatchMember(batch=batch, study_id=study_id, position=position))

    def batch(self, batch: str, by: Identity) -> list[Study]:
        """The studies of a batch of the own workspace.

        Raises:
            NotThere: there is none.
        """
        members = sa.select(Study).join(BatchMember, BatchMember.study_id == Study.id)
        own = BatchMember.batch == batch, Study.workspace_id == by.workspace_id
        with self._database.reading() as session:
            rows = list(session.scalars(members.where(*own).order_by(BatchMember.position)))
        if not rows:
            raise NotThere("there is no such batch")
        return rows

    def delete(self, study: Study, *, user: str, why: str = "") -> None:
        """Remove a study, its images, its results, its job and its contributions; for good."""
        if study.job_id:
            self._desk.forget(study.job_id)
            self._storage.remove(f"{RESULTS}/{study.job_id}")
        self._storage.remove(f"{STUDIES}/{study.digest}")
        shutil.rmtree(self._home / QUARANTINE / study.id, ignore_errors=True)
        with self._database.writing() as session:
            session.execute(sa.delete(Study).where(Study.id == study.id))
            act = Act(
                action="study-deleted", user=user,
                workspace_id=study.workspace_id, subject=study.id, detail=why,
            )  # fmt: skip
            record(self._database, session, act)

    def delete_older(self, before: float) -> int:
        """Delete settled studies received before that time; how many."""
        old = sa.select(Study).where(
            Study.received < before, Study.status.in_(("done", "rejected", "failed"))
        )
        with self._database.reading() as session:
            rows = list(session.scalars(old))
        kept = 0
        for row in rows:
            try:
                self.delete(row, user="", why="retention")
            except (CtsieveError, OSError) as error:
                # One whose files cannot be removed now must not keep all others for ever.
                logger.warning("study %s is too old and stays: %s", row.id, type(error).__name__)
                kept += 1
        return len(rows) - kept

    def results(self, study: Study) -> Path | None:
        """The folder of a study's results, once it has any."""
        name = f"{RESULTS}/{study.job_id}"
        if not study.job_id or not self._storage.has(name):
            return None
        return self._storage.fetch(name)

    def screening(self, study: Study) -> dict[str, Any] | None:
        """The whole answer as JSON, once there is one."""
        folder = self.results(study)
        if folder is None or not (folder / "screening.json").is_file():
            return None
        found: dict[str, Any] = json.loads((folder / "screening.json").read_bytes())
        return found

    def chosen_bundle(self) -> str | None:
        """The bundle that judges new studies."""
        with self._database.reading() as session:
            row = session.get(Chosen, BUNDLE)
        return row.value if row is not None else self.first_bundle

    def open_bundle(self, bundle: str | None) -> Bundle:
        """A bundle as orders name it.

        Raises:
            BundleError: there is none, or it is damaged.
        """
        return store.find(bundle_at(self._storage, bundle))

    def _known(self, workspace_id: str, digest: str) -> Study | None:
        same = sa.and_(Study.workspace_id == workspace_id, Study.digest == digest)
        with self._database.reading() as session:
            return session.scalar(sa.select(Study).where(same))

    def _row(self, arrived: Arrived, by: Identity, digest: str, folder: str) -> Study:
        study = Study(
            id=new_id(), workspace_id=by.workspace_id, digest=digest, folder=folder, order={},
            kind=arrived.kind,
        )  # fmt: skip
        if arrived.refused:
            place = self._home / QUARANTINE / study.id
            place.parent.mkdir(exist_ok=True)
            (self._home / folder).replace(place)
            sync_folder(place.parent)
            study.folder, study.status, study.reason = "", "rejected", arrived.refused
            study.progress = 1.0
            return study
        bundle = self.chosen_bundle()
        inner = f"{folder}/{by.workspace_id}"
        single = next((n for n in SINGLE if list(arrived.files) == [n]), None)
        study.order = Order(
            study=f"{inner}/{single}" if single else inner,
            digest=digest,
            formats=_formats(),
            bundle=bundle,
            bundle_digest=self.open_bundle(bundle).identity.digest,
            owner=by.workspace_id,
            source="web",
        ).model_dump(mode="json")
        return study


def _sorted_by(name: str, may_know: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    """A column to sort by; the order would tell an answer that is withheld."""
    column: sa.ColumnElement[Any] = getattr(Study, name)
    return sa.case((may_know, column)) if name in ANSWERS else column


def _named(files: Mapping[str, Path], workspace_id: str) -> dict[str, Path]:
    """Names of a frozen study: below the workspace, so that no two share a frozen study."""
    return {f"{workspace_id}/{name}": file for name, file in files.items()}


def _formats() -> tuple[str, ...]:
    return tuple(name for name in FORMATS.names() if name not in NOT_BY_DEFAULT)
