"""What the worklist says keeps in step with the jobs, whatever one of them is."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.node.running import until
from tests.web.releasing import pictures
from tests.web.serving import admin_of, serving

from ctsieve.jobs.desk import Desk
from ctsieve.jobs.records import Job, JobState, Order, Outcome
from ctsieve.web.service import Service
from ctsieve.web.studies import Studies
from ctsieve.web.tables import Study


def _settled(_desk: Desk, ids: Iterable[str]) -> dict[str, Job]:
    order = Order(study="studies/a", digest="a", formats=("json",))
    made = datetime.now(UTC)
    outcome = Outcome(state="screened")
    state = JobState.SCREENED
    return {i: Job(id=i, state=state, order=order, created=made, outcome=outcome) for i in ids}


def _status(service: Service, study: str) -> str:
    with service.database.reading() as session:
        return session.get_one(Study, study).status


def test_a_result_that_cannot_be_read_keeps_no_other_study_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as service:
        admin = admin_of(service)
        broken, other = admin.upload(pictures(["covid", "normal"]), kind="pictures")

        def unreadable(_studies: Studies, row: Study) -> dict[str, Any] | None:
            found: dict[str, Any] | None = json.loads("{" if row.id == broken else "null")
            return found

        with monkeypatch.context() as patched:
            patched.setattr(Studies, "screening", unreadable)
            patched.setattr(Desk, "jobs", _settled)
            until(lambda: _status(service, other) == "done", "the other study is done")
            assert _status(service, broken) == "queued"
            patched.setattr(Studies, "screening", lambda *_: None)
            until(lambda: _status(service, broken) == "done", "it is done once it can be read")
