"""The service as a whole: database, jobs, accounts, studies; the web app asks it."""

import logging
import shutil
import threading
import time
from pathlib import Path
from typing import Final, Literal, Self, cast

from anyio import CapacityLimiter
from sqlalchemy.exc import SQLAlchemyError

from ctsieve.jobs.desk import Desk
from ctsieve.readers import READERS
from ctsieve.types.errors import CtsieveError
from ctsieve.web.accounts import Accounts
from ctsieve.web.arrival import sort_arrived
from ctsieve.web.candidates import Candidates
from ctsieve.web.database import Database
from ctsieve.web.deidentify import Pseudonyms, patient_of
from ctsieve.web.errors import InConflict
from ctsieve.web.follower import Follower, Watchers
from ctsieve.web.identity import Identity
from ctsieve.web.oidc import Oidc
from ctsieve.web.releases import Releases
from ctsieve.web.settings import ServeSettings
from ctsieve.web.studies import Studies
from ctsieve.web.tables import Study, Upload, Workspace, new_id
from ctsieve.web.uploads import Uploads

logger = logging.getLogger(__name__)

HOUSEKEEPING_SECONDS: Final = 600.0
SORTED_AT_ONCE: Final = 1
"""Finished uploads that are sorted at the same time: the page must answer meanwhile."""


class Service:
    """A running service.  A context manager: entering starts its threads."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.database = Database(settings.home, settings.database)
        self.desk = Desk(settings.home, database=settings.database, storage=settings.storage)
        self.accounts = Accounts(self.database, session_hours=settings.session_hours)
        self.uploads = Uploads(self.database, settings)
        self.studies = Studies(self.database, self.desk, bundle=settings.bundle)
        self.oidc = Oidc(settings.oidc, self.database) if settings.oidc else None
        self.releases = Releases(self.database, self.desk.storage)
        self.candidates = Candidates(
            self.database, self.desk, self.studies, self.releases, rule=settings.rule
        )
        self.watchers = Watchers()
        self._follower = Follower(self.database, self.desk, self.studies, self.watchers)
        self.sorting = CapacityLimiter(SORTED_AT_ONCE)
        self._stopped = threading.Event()
        self._housekeeper = threading.Thread(
            target=self._keep_house, name="housekeeper", daemon=True
        )

    def __enter__(self) -> Self:
        """Follow the jobs, also those of a former process."""
        self._follower.start()
        self._housekeeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; what workers do goes on."""
        self._stopped.set()
        self._follower.stop()
        self._housekeeper.join()
        self.desk.close()
        self.database.close()

    def finish(self, row: Upload, by: Identity) -> dict[str, object]:
        """Make studies of a complete upload; the same answer when asked again.

        Raises:
            InConflict: bytes are missing, or it is being finished already.
            InputRejected: there is no study in it.
        """
        if row.answer is not None:
            return row.answer
        with self.uploads.ending(row):
            work = self.uploads.work_folder(row)
            try:
                return self._finish(row, by)
            finally:
                shutil.rmtree(work, ignore_errors=True)

    def _finish(self, row: Upload, by: Identity) -> dict[str, object]:
        wanted = cast('Literal["study", "pictures"]', row.kind)
        sent = {part.name: part.path for part in self.uploads.parts(row)}
        if len(sent) != len(row.files):
            raise InConflict("two files have one name", hint="give each its folder's name")
        arrived = sort_arrived(
            sent,
            self.uploads.work_folder(row),
            wanted=wanted,
            pseudonyms=self._pseudonyms(by) if self.settings.deidentify else None,
        )
        batch = new_id() if wanted == "pictures" else None
        ids = [self.studies.take(one, by, batch=batch) for one in arrived]
        if batch is not None:
            self.studies.gather(batch, ids)
        numbers: dict[Path | None, int] = {path: n for n, path in enumerate(sent.values())}
        studies = [
            {"id": i, "file": numbers.get(one.single)} for i, one in zip(ids, arrived, strict=True)
        ]
        answer: dict[str, object] = {"studies": studies, "batch": batch}
        self.uploads.end(row, answer)
        return answer

    def patient_of(self, study: Study, named: str) -> str:
        """Pseudonym of a study's patient: as its DICOM files say, else as somebody named it."""
        with self.database.reading() as session:
            workspace = session.get_one(Workspace, study.workspace_id)
        pseudonyms = Pseudonyms(workspace.secret)
        first = self._first_dicom(study)
        if first is not None:
            return patient_of(first, pseudonyms)
        return pseudonyms.of(f"named {named}") if named else ""

    def is_dicom(self, study: Study) -> bool:
        """Whether a study came as DICOM, whose headers say if text is burned into the pixels."""
        return self._first_dicom(study) is not None

    def _first_dicom(self, study: Study) -> Path | None:
        if not study.folder:
            return None
        folder = self.desk.storage.fetch(study.folder)
        first = next((p for p in sorted(folder.rglob("*")) if p.is_file()), None)
        return first if first is not None and READERS["dicom"].claims(first) else None

    def _pseudonyms(self, by: Identity) -> Pseudonyms:
        with self.database.reading() as session:
            workspace = session.get_one(Workspace, by.workspace_id)
        return Pseudonyms(workspace.secret)

    def _keep_house(self) -> None:
        while True:
            for task in (self.uploads.forget_abandoned, self._delete_old):
                try:
                    task()
                except (CtsieveError, SQLAlchemyError, OSError) as error:
                    # The database restarts, a storage is away: it will be tried again.
                    logger.warning("housekeeping failed: %s", type(error).__name__)
            if self._stopped.wait(HOUSEKEEPING_SECONDS):
                return

    def _delete_old(self) -> int:
        days = self.settings.keep_days
        return self.studies.delete_older(time.time() - days * 86400) if days else 0
