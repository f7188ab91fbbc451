"""What goes wrong around the service: a full disk, a database that restarts, a worker far away."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.node.running import running, until
from tests.web.releasing import judged, pictures
from tests.web.serving import Person, admin_of, serving

from ctsieve.web.service import Service

MIB = 1 << 20
SMALL_DISK = 48 * MIB


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, of 48 MB."""
    if os.geteuid() != 0:
        pytest.skip("a file system in memory can be mounted by root only")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system in memory")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_and_costs_nothing_that_is_there(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, serving(disk) as service:
        admin = admin_of(service)
        (study, _) = admin.upload(pictures(["covid", "normal"]), kind="pictures")
        asked = {"files": [{"name": "a", "size": 64 * MIB}], "kind": "study"}
        assert admin.client.post("uploads", json=asked).status_code == 507  # announced: refused
        filler = disk / "filler"
        upload = _begun(admin, 24 * MIB)
        filler.write_bytes(bytes(_free(disk) - 8 * MIB))
        answer = admin.client.put(f"uploads/{upload}/files/0", content=_pieces(24))
        assert answer.status_code == 507, answer.text
        assert "disk" in answer.json()["detail"]
        filler.unlink()
        offset = admin.client.get(f"uploads/{upload}").json()["parts"][0]["offset"]
        rest = admin.client.put(
            f"uploads/{upload}/files/0?offset={offset}", content=bytes(24 * MIB - offset)
        )
        assert rest.json() == {"offset": 24 * MIB}
        assert admin.client.get(f"studies/{study}").status_code == 200


def test_a_disk_without_one_free_byte_is_said(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, serving(disk) as service:
        admin = admin_of(service)
        upload = _begun(admin, 4 * MIB)
        _fill(disk / "filler")
        answers = [
            admin.client.put(f"uploads/{upload}/files/0", content=bytes(4 * MIB)),
            admin.client.post("uploads", json={"files": [{"name": "a", "size": 1}]}),
        ]
        assert {a.status_code for a in answers} == {507}, [a.text for a in answers]
        assert admin.client.get("health").status_code == 200
        (disk / "filler").unlink()
        assert admin.upload(pictures(["covid"]), kind="pictures")


def _fill(file: Path) -> None:
    """Write until not one byte fits."""
    with file.open("wb", buffering=0) as filler:
        for size in (MIB, 4096, 1):
            with contextlib.suppress(OSError):
                while filler.write(bytes(size)):
                    pass


def _begun(person: Person, size: int) -> str:
    asked = {"files": [{"name": "a", "size": size}], "kind": "study"}
    answer = person.client.post("uploads", json=asked)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def _pieces(number: int) -> Iterator[bytes]:
    for _ in range(number):
        yield bytes(MIB)


def _free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


@pytest.fixture
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of its own that may be restarted."""
    with tempfile.TemporaryDirectory() as run, pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", run)
        pgserver = pytest.importorskip("pgserver", reason="pgserver is not installed")
        with tempfile.TemporaryDirectory() as folder:
            server = pgserver.get_server(folder)
            yield server
            server.cleanup()


@pytest.mark.slow
def test_a_database_that_restarts_loses_and_doubles_nothing(
    tmp_path: Path,
    postgres: Any,  # noqa: ANN401  the library has no types
) -> None:
    url = postgres.get_uri()
    with serving(tmp_path, database=url) as service, _worker(service, url):
        admin = admin_of(service)
        first = admin.upload(pictures(["covid", "normal"] * 3), kind="pictures")
        _pg_ctl(postgres, "restart", "-m", "immediate")
        until(lambda: admin.client.get("studies").status_code == 200, "the database is back")
        second = admin.upload(pictures(["covid", "normal"] * 2, first=100), kind="pictures")
        judged(admin, [*first, *second])
        _pg_ctl(postgres, "stop", "-m", "immediate")
        away = admin.client.get("studies")
        assert (away.status_code, away.json()["code"]) == (503, "database-away")
        postgres.ensure_postgres_running()
        until(lambda: admin.client.get("studies").status_code == 200, "the database is back")
        assert len(admin.client.get("studies").json()["items"]) == 10
        results = [p for p in (service.settings.home / "results").iterdir() if p.name[0] != "."]
        assert len(results) == 10
        nul = admin.client.post("contributions", json=_given(first[0], comment="a\0b"))
        assert nul.status_code == 422, nul.text


@pytest.mark.slow
def test_a_worker_that_starts_before_its_database_waits_for_it(
    tmp_path: Path,
    postgres: Any,  # noqa: ANN401  the library has no types
) -> None:
    url = postgres.get_uri()
    with serving(tmp_path, database=url) as service:
        admin = admin_of(service)
        _pg_ctl(postgres, "stop", "-m", "immediate")
        with _worker(service, url):
            log = service.settings.home.parent / "worker.log"
            until(lambda: "trying again" in log.read_text(), "the worker waits", log=log)
            postgres.ensure_postgres_running()
            until(lambda: admin.client.get("studies").status_code == 200, "the database is back")
            judged(admin, admin.upload(pictures(["covid"]), kind="pictures"))


def _given(study: str, **more: object) -> dict[str, object]:
    return {"study": study, "consent": True, "label": "covid19", **more}


def _pg_ctl(postgres: Any, *words: str) -> None:  # noqa: ANN401  the library has no types
    pgserver = pytest.importorskip("pgserver")
    pgserver.pg_ctl(list(words), pgdata=postgres.pgdata, user=postgres.system_user)


@contextmanager
def _worker(service: Service, url: str | None, **more: str) -> Iterator[None]:
    """`ctsieve worker` in a process of its own."""
    options = {"--home": str(service.settings.home), "--name": "far", "--threads": "1", **more}
    if url:
        options["--database"] = url
    words = [word for pair in options.items() for word in pair]
    log = service.settings.home.parent / "worker.log"
    with running([sys.executable, "-m", "ctsieve", "worker", *words], log):
        yield


def test_a_worker_with_a_home_of_its_own_works_by_the_storage(tmp_path: Path) -> None:
    """As on another machine: of the service's folders it sees the storage and nothing else."""
    storage = f"file://{tmp_path}/storage"
    jobs = f"sqlite:///{tmp_path}/both.sqlite"
    far = {"--home": str(tmp_path / "far"), "--storage": storage}
    with (
        serving(tmp_path / "near", storage=storage, database=jobs) as service,
        _worker(service, jobs, **far),
    ):
        admin = admin_of(service)
        studies = admin.upload(pictures(["covid", "normal"]), kind="pictures")
        judged(admin, studies)
        for study in studies:
            shown = admin.client.get(f"studies/{study}").json()
            assert shown["status"] == "done", shown
            report = admin.client.get(f"studies/{study}/artefacts/report.html")
            assert b"Research use only" in report.content
        assert not list((tmp_path / "far" / "results").iterdir())
        assert not list((tmp_path / "far" / "studies").iterdir())
        for study in studies:
            assert admin.client.delete(f"studies/{study}").status_code == 204
        left = [p for p in (tmp_path / "storage").rglob("*") if p.is_file()]
        assert left == []


def test_a_large_upload_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """2 GB announced, by Content-Length, and streamed without any."""
    with serving(tmp_path, max_upload_mb=2) as service:
        admin = admin_of(service)
        asked = {"files": [{"name": "a", "size": 2048 * MIB}], "kind": "study"}
        assert admin.client.post("uploads", json=asked).status_code == 413
        upload = _begun(admin, 2 * MIB)
        read = []

        def endless() -> Iterator[bytes]:
            for number in range(2048):
                read.append(number)
                yield bytes(MIB)

        start = time.monotonic()
        put = admin.client.put(f"uploads/{upload}/files/0", content=endless())
        assert put.status_code == 413
        announced = admin.client.put(
            f"uploads/{upload}/files/0", content=b"x", headers={"Content-Length": str(2048 * MIB)}
        )
        assert announced.status_code == 413
        bundle = admin.client.post("candidates", content=endless())
        assert bundle.status_code == 413
        assert time.monotonic() - start < 60
        kept = sum(p.stat().st_size for p in service.settings.home.rglob("*") if p.is_file())
        assert kept < 6 * MIB
