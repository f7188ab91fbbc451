"""What somebody takes away is in the audit log; what somebody sends is on disk."""

import os
from pathlib import Path

import pytest
from tests.web.releasing import pictures
from tests.web.serving import admin_of, serving

from ctsieve.jobs.work import RESULTS
from ctsieve.web.tables import Study

FILES = {"report.html": 1, "screening.json": 1, "seg.dcm": 1, "picture.png": 1, "thumbnail.png": 0}
"""Files of a study, and how many entries one download of each makes."""


def test_every_download_of_data_is_in_the_audit_log(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        admin = admin_of(service)
        told = admin.upload_told(pictures(["covid"]), kind="pictures")
        (study,) = (str(one["id"]) for one in told["studies"])
        with service.database.writing() as session:
            session.get_one(Study, study).job_id = study
        folder = service.settings.home / RESULTS / study
        folder.mkdir(parents=True)
        for name in FILES:
            (folder / name).write_bytes(b"{}")
            taken = admin.client.get(f"studies/{study}/artefacts/{name}")
            assert taken.status_code == 200, name
        for path in (f"batches/{told['batch']}", f"batches/{told['batch']}.csv"):
            assert admin.client.get(path).status_code == 200
        entries = admin.client.get("audit?limit=999").json()["items"]
        acts = [(e["action"], e["subject"], e["detail"]) for e in entries if e["user"] == "admin"]
        for name, number in FILES.items():
            assert acts.count(("file-taken", study, name)) == number, name
        assert acts[-2:] == [("batch-seen", told["batch"], ""), ("batch-taken", told["batch"], "")]


def test_what_was_sent_is_on_disk_before_it_is_called_received(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    sync = os.fsync

    def noted(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        sync(handle)

    with serving(tmp_path) as service:
        admin = admin_of(service)
        monkeypatch.setattr(os, "fsync", noted)
        (study,) = admin.upload(pictures(["covid"]), kind="pictures")
        with service.database.reading() as session:
            folder = service.settings.home / session.get_one(Study, study).folder
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert {path.stat().st_ino for path in files} <= synced
