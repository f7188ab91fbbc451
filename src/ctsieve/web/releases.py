"""Accepted contributions become data sets: releases to train on, and locked sets to judge by.

A patient is on one side of everything: of train and val for good, and of locked sets and releases.
"""

import shutil
import tempfile
import threading
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ctsieve.datasets.release import (
    MANIFEST,
    WITHDRAWN,
    KeptBack,
    Release,
    broken,
    kept_back,
)
from ctsieve.jobs.durable import place_folder, write_synced
from ctsieve.jobs.storage import Storage
from ctsieve.web.audit import Act, record
from ctsieve.web.blinding import tell
from ctsieve.web.database import Database
from ctsieve.web.deidentify import Pseudonyms
from ctsieve.web.errors import InConflict
from ctsieve.web.identity import Identity
from ctsieve.web.release_choice import accepted_cases, locked_cases, training_cases
from ctsieve.web.release_files import NOTHING, Chosen, Written, write_release
from ctsieve.web.tables import Contribution, ReleasedCase, ReleaseRow, Workspace

Purpose = Literal["training", "locked"]
RELEASES: Final = "releases"
_CHUNK: Final = 1 << 20


class Releases:
    """The releases and locked sets of every workspace."""

    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self._storage = storage
        self._making = threading.Lock()

    def make(
        self, purpose: Purpose, by: Identity, *, licence: str, cases: Sequence[str] | None = None
    ) -> ReleaseRow:
        """Make the next version out of the accepted cases of the own workspace.

        A training release holds every accepted case whose patient is in no locked set.  A locked
        set holds the cases of the one before and those that are named: all of their patients.

        Raises:
            InConflict: there is nothing to release or nothing new, or a named case's patient is in
                a release already.
            InputRejected: the images of no case can be de-identified.
            NotThere: a named case is not an accepted one of this workspace.
        """
        with self._making:
            with self._database.reading() as session:
                accepted, left_out = accepted_cases(session, by.workspace_id)
                version = 1 + self._last_version(session, by.workspace_id, purpose)
                known = _known(session, by.workspace_id)
                secret = session.get_one(Workspace, by.workspace_id).secret
            chosen = locked_cases(accepted, known, cases) if purpose == "locked" else accepted
            if purpose == "training":
                chosen = training_cases(accepted, known, left_out)
            if not chosen:
                raise InConflict(
                    "no accepted case can be released",
                    hint=next(iter(left_out.values()), "a second reader must accept cases first"),
                )
            name = f"{RELEASES}/{by.workspace_id}-{purpose}-{version}"
            about = {"purpose": purpose, "version": version, "licence": licence}
            kept = self._kept_back(by) if purpose == "training" else NOTHING
            written = self._write(name, chosen, Pseudonyms(secret), about, kept)
            written.left_out |= left_out
            last = next(iter(self.rows(by, purpose)), None)
            if last is not None and last.digest == written.release.digest:
                self._storage.remove(name)
                raise InConflict(f"nothing has changed since version {last.version}")
            return self._record(name, written, by)

    def rows(self, by: Identity, purpose: Purpose | None = None) -> list[ReleaseRow]:
        """The own workspace's, the newest first."""
        wanted = sa.select(ReleaseRow).where(ReleaseRow.workspace_id == by.workspace_id)
        if purpose is not None:
            wanted = wanted.where(ReleaseRow.purpose == purpose)
        with self._database.reading() as session:
            return list(session.scalars(wanted.order_by(ReleaseRow.created.desc())))

    def find(self, release_id: str, by: Identity) -> ReleaseRow:
        """A release of the own workspace.

        Raises:
            NotThere: there is none; one of another workspace looks the same.
        """
        with self._database.reading() as session:
            return by.own(session.get(ReleaseRow, release_id), "release")

    def latest_locked(self) -> list[ReleaseRow]:
        """The newest locked set of every workspace, withdrawn cases or not."""
        wanted = sa.select(ReleaseRow).where(ReleaseRow.purpose == "locked")
        with self._database.reading() as session:
            rows = session.scalars(wanted.order_by(ReleaseRow.version))
            return list({row.workspace_id: row for row in rows}.values())

    def locked_of(self, names: Collection[str]) -> int:
        """How many locked cases, of any workspace, are of these cases or patients."""
        locked = sa.select(ReleasedCase).where(ReleasedCase.purpose == "locked")
        with self._database.reading() as session:
            rows = session.scalars(locked)
            return len({r.case_id for r in rows if r.case_id in names or r.patient in names})

    def check(self, row: ReleaseRow) -> list[str]:
        """Files that are not as they were released; every byte is read."""
        folder = self._storage.fetch(row.folder)
        release = Release.model_validate_json((folder / MANIFEST).read_bytes())
        wrong = broken(folder, release.members)
        return wrong if release.digest == row.digest else [MANIFEST, *wrong]

    def packed(self, row: ReleaseRow) -> Iterator[bytes]:
        """A zip file of the release, as it is made."""
        folder = self._storage.fetch(row.folder)
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                with path.open("rb") as file, archive.open(entry, "w", force_zip64=True) as target:
                    while chunk := file.read(_CHUNK):
                        target.write(chunk)
                        yield sink.taken()
        yield sink.taken()

    def of_study(self, study_id: str) -> list[ReleaseRow]:
        """The releases that hold images of a study."""
        held = sa.select(ReleasedCase.release_id).where(ReleasedCase.study_id == study_id)
        with self._database.reading() as session:
            return list(session.scalars(sa.select(ReleaseRow).where(ReleaseRow.id.in_(held))))

    def study_of(self, case_id: str, by: Identity) -> str:
        """The study of a released case; retention may have deleted it, with the contribution.

        Raises:
            NotThere: no release of the own workspace holds such a case.
        """
        wanted = sa.select(ReleasedCase).where(ReleasedCase.case_id == case_id).limit(1)
        with self._database.reading() as session:
            return by.own(session.scalar(wanted), "case").study_id

    def withdraw(self, case_id: str, study_id: str, by: Identity) -> int:
        """Take a case back, out of every release too; its images there are deleted.

        A release that lost a case is refused by who reads it.  Returns how many lost it.
        """
        held = sa.select(ReleasedCase.release_id).where(ReleasedCase.case_id == case_id)
        with self._database.reading() as session:
            rows = list(session.scalars(sa.select(ReleaseRow).where(ReleaseRow.id.in_(held))))
        for row in rows:
            self._take_out(row, case_id)
        with self._database.writing() as session:
            session.execute(sa.delete(ReleasedCase).where(ReleasedCase.case_id == case_id))
            more = sa.update(ReleaseRow).where(ReleaseRow.id.in_([row.id for row in rows]))
            session.execute(more.values(num_withdrawn=ReleaseRow.num_withdrawn + 1))
            session.execute(sa.delete(Contribution).where(Contribution.id == case_id))
            act = Act(
                action="case-withdrawn", user=by.name, workspace_id=by.workspace_id,
                subject=case_id, detail=f"releases={len(rows)}",
            )  # fmt: skip
            record(self._database, session, act)
            tell(session, study_id)
        return len(rows)

    def _take_out(self, row: ReleaseRow, case_id: str) -> None:
        folder = self._storage.fetch(row.folder)
        images = folder / "images"
        for path in [images / case_id, *images.glob(f"{case_id}.*")]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        write_synced(folder / WITHDRAWN, b"{}")
        if self._storage.is_remote:
            aside = folder.with_name(f".{folder.name}")
            folder.rename(aside)
            self._storage.remove(row.folder)
            aside.rename(folder)
            self._storage.keep(row.folder)

    def _kept_back(self, by: Identity) -> KeptBack:
        """Everything that the own workspace ever locked."""
        kept = NOTHING
        for row in self.rows(by, "locked"):
            folder = self._storage.fetch(row.folder)
            release = Release.model_validate_json((folder / MANIFEST).read_bytes())
            kept |= kept_back(folder, release)
        return kept

    def _write(
        self,
        name: str,
        chosen: Sequence[Chosen],
        pseudonyms: Pseudonyms,
        about: Mapping[str, Any],
        kept: KeptBack,
    ) -> Written:
        home = self._storage.home
        for case in chosen:
            self._storage.fetch("/".join(case.image.split("/")[:2]))
        (home / RELEASES).mkdir(exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=home / RELEASES, prefix=".part-"))
        try:
            written = write_release(
                partial / "release",
                chosen,
                home=home,
                pseudonyms=pseudonyms,
                about=about,
                kept=kept,
            )
            place_folder(partial / "release", home / name)
            self._storage.keep(name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return written

    def _record(self, name: str, written: Written, by: Identity) -> ReleaseRow:
        release = written.release
        row = ReleaseRow(
            workspace_id=by.workspace_id, purpose=release.purpose, version=release.version,
            user=by.name, digest=release.digest, folder=name, left_out=written.left_out,
            about=release.model_dump(mode="json", exclude={"members"}), num_withdrawn=0,
        )  # fmt: skip
        with self._database.writing() as session:
            session.add(row)
            session.flush()
            session.add_all(
                ReleasedCase(
                    release_id=row.id, case_id=case.id, study_id=case.study_id,
                    workspace_id=by.workspace_id, patient=case.patient, partition=case.partition,
                    purpose=release.purpose,
                )
                for case in written.cases
            )  # fmt: skip
            act = Act(
                action=f"release-made-{release.purpose}", user=by.name,
                workspace_id=by.workspace_id, subject=row.id,
                detail=f"version={release.version} cases={release.num_cases} sha256={row.digest}",
            )  # fmt: skip
            record(self._database, session, act)
        return row

    def _last_version(self, session: Session, workspace_id: str, purpose: Purpose) -> int:
        wanted = sa.select(sa.func.max(ReleaseRow.version)).where(
            ReleaseRow.workspace_id == workspace_id, ReleaseRow.purpose == purpose
        )
        return session.scalar(wanted) or 0


class _Sink:
    """Where a zip file is written, to be taken away piece by piece; nobody can seek in it."""

    def __init__(self) -> None:
        self._pieces = bytearray()

    def write(self, piece: bytes) -> int:
        """Take a piece."""
        self._pieces += piece
        return len(piece)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open here."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        piece, self._pieces = bytes(self._pieces), bytearray()
        return piece


def _known(session: Session, workspace_id: str) -> list[ReleasedCase]:
    own = ReleasedCase.workspace_id == workspace_id
    return list(session.scalars(sa.select(ReleasedCase).where(own)))
