"""What is too old, or deleted, is gone; what a release holds by consent of its own stays."""

import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from tests.web.releasing import accepted, pictures
from tests.web.serving import Person, admin_of, member, serving

from ctsieve.jobs.storage import Storage
from ctsieve.types.errors import OutOfResources
from ctsieve.web.service import Service
from ctsieve.web.studies import Studies
from ctsieve.web.tables import AuditEntry, Study

DAY = 86400.0


def _aged(service: Service, study: str, days: float, status: str) -> None:
    with service.database.writing() as session:
        row = session.get_one(Study, study)
        row.received, row.status = time.time() - days * DAY, status


def _there(person: Person) -> set[str]:
    return {item["id"] for item in person.client.get("studies").json()["items"]}


def test_settled_studies_go_after_their_time_and_nothing_else_does(tmp_path: Path) -> None:
    with serving(tmp_path, keep_days=30) as service:
        admin = admin_of(service)
        old, under_way, young = admin.upload(
            pictures(["covid", "normal", "covid"]), kind="pictures"
        )
        _aged(service, old, 31, "done")
        _aged(service, under_way, 31, "screening")
        _aged(service, young, 29, "done")
        with service.database.reading() as session:
            folder = service.settings.home / session.get_one(Study, old).folder
        assert folder.is_dir()
        before = time.time() - service.settings.keep_days * DAY
        assert service.studies.delete_older(before) == 1
        assert _there(admin) == {under_way, young}
        assert not folder.exists()
        with service.database.reading() as session:
            act = session.scalars(
                sa.select(AuditEntry).where(AuditEntry.action == "study-deleted")
            ).one()
        assert (act.subject, act.detail, act.user) == (old, "retention", "")


def test_a_database_that_is_away_for_a_moment_ends_no_housekeeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[float] = []
    enough = threading.Event()

    def away_at_first(_studies: Studies, before: float) -> int:
        rounds.append(before)
        if len(rounds) == 1:
            raise OperationalError("SELECT", {}, Exception("the server closed the connection"))
        enough.set()
        return 0

    monkeypatch.setattr("ctsieve.web.service.HOUSEKEEPING_SECONDS", 0.05)
    monkeypatch.setattr(Studies, "delete_older", away_at_first)
    with serving(tmp_path, keep_days=30):
        assert enough.wait(20), "nothing is deleted any more"


def test_a_study_that_cannot_be_removed_keeps_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = Storage.remove
    with serving(tmp_path) as service:
        admin = admin_of(service)
        stuck, other = admin.upload(pictures(["covid", "normal"]), kind="pictures")
        for study in (stuck, other):
            _aged(service, study, 31, "done")
        with service.database.reading() as session:
            folder = session.get_one(Study, stuck).folder

        def refused(storage: Storage, name: str) -> None:
            if name == folder:
                raise OutOfResources("the storage does not answer")
            remove(storage, name)

        monkeypatch.setattr(Storage, "remove", refused)
        assert service.studies.delete_older(time.time() - DAY) == 1
        assert _there(admin) == {stuck}


def test_a_patient_can_be_taken_back_after_the_study_went_by_its_age(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        admin = admin_of(service)
        ann = member(service, admin, "ann", role="clinician", workspace="admin")
        rea = member(service, admin, "rea", role="reviewer", workspace="admin")
        stranger = member(service, admin, "sven", role="admin", workspace="elsewhere")
        study, other = ann.upload(pictures(["covid", "normal"]), kind="pictures")
        for each in (study, other):
            _aged(service, each, 31, "done")
        told = {study: ("covid19", "p-1"), other: ("neither", "p-2")}
        case = accepted(ann, rea, told)[study]
        assert admin.client.post("releases", json={}).status_code == 201
        assert service.studies.delete_older(time.time() - DAY) == 2
        assert admin.client.get("contributions").json() == []
        address = f"contributions/{case}"
        assert stranger.client.delete(address).status_code == 404
        assert ann.client.delete(address).status_code == 403
        assert admin.client.delete(address).json() == {"releases": 1}
        (release,) = admin.client.get("releases").json()
        assert release["num_withdrawn"] == 1
        kept = {p.stem for p in (service.settings.home / "releases").glob("*/images/*")}
        assert case not in kept
        assert len(kept) == 1
        assert admin.client.delete(address).status_code == 404
