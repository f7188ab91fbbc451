"""Jobs that failed or whose worker is gone: done again, once, by whoever is there."""

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.jobs.test_jobs import frozen, quick, settled

from ctsieve.jobs.engine import RETRIES, Jobs
from ctsieve.jobs.records import Order
from ctsieve.jobs.settings import JobSettings
from ctsieve.jobs.work import Worker
from ctsieve.types.errors import PeerRefused

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _killed_while_judging(settings: JobSettings, asked: Order) -> None:
    """In a process of its own: take the job, and die in the midst of it."""
    Worker._screened = _die  # type: ignore[method-assign,assignment]
    with Jobs(settings) as jobs:
        jobs.submit(asked)
        signal.pause()


def die(settings: JobSettings, asked: Order) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_killed_while_judging, args=(settings, asked)
    )
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server of its own; skips where pgserver is not installed."""
    with pytest.MonkeyPatch.context() as environment:
        # It looks there for a folder of locks, and warns where a system has none.
        environment.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        pgserver = pytest.importorskip("pgserver", reason="pgserver is not installed")
    # Not below pytest's own folder: as root it runs as another user, who may not look there.
    with tempfile.TemporaryDirectory() as folder:
        server = pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()


def test_a_job_survives_a_kill_on_postgresql(tmp_path: Path, postgres: str) -> None:
    asked, on = frozen(tmp_path), replace(quick(tmp_path), database=postgres)
    die(on, asked)
    with Jobs(on) as jobs:
        assert settled(jobs, asked.id).state == "screened"
        assert len(jobs.jobs()) == 1


def test_what_a_lost_worker_left_is_taken_over(tmp_path: Path) -> None:
    asked = frozen(tmp_path)
    die(replace(quick(tmp_path), worker="lost"), asked)
    with Jobs(replace(quick(tmp_path), worker="other")) as jobs:
        assert not jobs.job(asked.id).state.is_final
        assert jobs.adopt() == 1
        assert settled(jobs, asked.id).state == "screened"
        assert jobs.adopt() == 0


def test_what_failed_is_done_again_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = frozen(tmp_path)
    with Jobs(quick(tmp_path)) as jobs:
        with monkeypatch.context() as broken:
            broken.setattr("ctsieve.jobs.work.read_study", lambda *_, **__: 1 // 0)
            assert settled(jobs, jobs.submit(asked)).state == "failed"
        assert jobs.retry(asked.id)
        assert settled(jobs, asked.id).state == "screened"
        assert not jobs.retry(asked.id)
        jobs.forget(asked.id)
    # As a crash between forgetting and handing in would leave it.
    (tmp_path / RETRIES / "note.json").write_text(asked.model_dump_json())
    with Jobs(quick(tmp_path)) as jobs:
        assert settled(jobs, asked.id).state == "screened"
    assert not list((tmp_path / RETRIES).iterdir())


def test_a_failed_delivery_is_done_again_when_asked(tmp_path: Path) -> None:
    up: list[Sequence[Path]] = []

    def archive(files: Sequence[Path]) -> None:
        if not up:
            raise PeerRefused("not today")
        up.append(files)

    asked = frozen(tmp_path).model_copy(update={"destinations": ("archive",)})
    with Jobs(quick(tmp_path), destinations={"archive": archive}) as jobs:
        assert settled(jobs, jobs.submit(asked)).deliveries[0].state == "failed"
        up.append([])
        assert jobs.retry(asked.id)
        assert settled(jobs, asked.id).deliveries[0].state == "delivered"
    assert len(up) == 2
