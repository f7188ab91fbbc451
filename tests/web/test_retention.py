"""What is too old, or deleted, is gone; what a release holds by consent of its own stays."""

import time
from pathlib import Path

import sqlalchemy as sa
from tests.web.releasing import pictures
from tests.web.serving import Person, admin_of, serving

from ctsieve.web.service import Service
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
