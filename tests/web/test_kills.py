"""The service as it really runs: what is killed at any moment loses and repeats nothing."""

import contextlib
import os
import random
import re
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from tests.node.running import free_port, running, until
from tests.tiny_bundle import make_tiny_bundle
from tests.web.serving import PASSWORD, dicom_study

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

NUM_STUDIES = 12
KILLS = 3
WORKER = re.compile(r"worker 0 is process (\d+)")


@contextlib.contextmanager
def served(folder: Path, port: int) -> Iterator[tuple[int, Path]]:
    """A service with one worker: its process and its log."""
    log = folder / "serve.log"
    home = str(folder / "home")
    command = [sys.executable, "-m", "ctsieve", "serve", "--settings", str(folder / "serve.toml")]
    with running([*command, "--home", home, "--port", str(port)], log) as process:
        until(lambda: _answers(port), "the service answers", log=log)
        yield process.pid, log


def _answers(port: int) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200
    return False


@contextlib.contextmanager
def _signed_in(port: int, password: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60) as client:
        _sign_in(client, password)
        yield client


def _sign_in(client: httpx2.Client, password: str) -> None:
    answer = client.post("session", json={"name": "admin", "password": password}).json()
    client.headers["X-CSRF-Token"] = answer["csrf"]
    if answer["must_change_password"]:
        client.post("session/password", json={"old": password, "new": PASSWORD})


def _upload(client: httpx2.Client, content: bytes) -> None:
    asked = {"files": [{"name": "slice.dcm", "size": len(content)}], "kind": "study"}
    upload = client.post("uploads", json=asked).json()["id"]
    client.put(f"uploads/{upload}/files/0", content=content)
    assert client.post(f"uploads/{upload}/finish").status_code == 200


def test_killed_workers_and_servers_lose_and_repeat_nothing(tmp_path: Path) -> None:
    found = kill_at_random(tmp_path, number=NUM_STUDIES, worker_kills=KILLS, server_kills=1)
    assert found == Ended(
        shown=NUM_STUDIES, settled=NUM_STUDIES, finished_jobs=NUM_STUDIES, other_jobs=0,
        results=NUM_STUDIES, parts=0,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What there is once all is over."""

    shown: int
    """Studies in the worklist."""
    settled: int
    finished_jobs: int
    other_jobs: int
    results: int
    parts: int
    """Halves of results."""


def kill_at_random(folder: Path, *, number: int, worker_kills: int, server_kills: int) -> Ended:
    """Upload so many studies, kill workers and the server by SIGKILL, and count what came of it."""
    bundle = make_tiny_bundle(folder / "bundle").folder
    (folder / "serve.toml").write_text(f'bundle = "{bundle}"\nmin_free_mb = 0\nthreads = 1\n')
    slices = list(dicom_study(folder / "dicom").values())
    port = free_port()
    chance = random.Random(7)  # noqa: S311  no secret
    with served(folder, port) as (server, log):
        found = re.search(r"one-time password (\S+)", log.read_text())
        assert found is not None
        # One slice is one study where each has a study UID of its own.
        with _signed_in(port, found[1]) as client:
            for study in range(number):
                _upload(client, with_own_study(slices[study % len(slices)], study))
        _kill_workers(log, chance, worker_kills)
        os.kill(server, signal.SIGKILL)
    for _ in range(server_kills - 1):
        with served(folder, port) as (server, log):
            _kill_workers(log, chance, 1)
            time.sleep(chance.uniform(0.5, 3.0))
            os.kill(server, signal.SIGKILL)
    with served(folder, port) as (_, log), _signed_in(port, PASSWORD) as client:
        until(lambda: _all_settled(client), "every study is settled", log=log)
        studies = client.get("studies?limit=100").json()["items"]
    with contextlib.closing(sqlite3.connect(folder / "home" / "jobs.sqlite")) as jobs:
        states = [row[0] for row in jobs.execute("SELECT status FROM workflow_status")]
    results = [p for p in (folder / "home" / "results").iterdir() if p.is_dir()]
    return Ended(
        shown=len(studies),
        settled=sum(study["status"] in ("done", "rejected") for study in studies),
        finished_jobs=states.count("SUCCESS"),
        other_jobs=len(states) - states.count("SUCCESS"),
        results=sum(p.name[0] != "." for p in results),
        parts=sum(p.name.startswith(".part-") for p in results),
    )


def with_own_study(content: bytes, number: int) -> bytes:
    """The file with a study UID of the same length, so that nothing else moves."""
    found = re.search(rb"\x20\x00\x0d\x00UI(..)", content, re.DOTALL)
    assert found is not None
    start, length = found.end(), int.from_bytes(found[1], "little")
    uid = content[start : start + length].rstrip(b"\0")
    changed = uid[:-3] + f"{number + 10:03d}".encode()
    return content[:start] + changed.ljust(length, b"\0") + content[start + length :]


def _kill_workers(log: Path, chance: random.Random, kills: int) -> None:
    killed: set[int] = set()
    for _ in range(kills):
        time.sleep(chance.uniform(0.5, 3.0))
        running_now = [int(n) for n in WORKER.findall(log.read_text())]
        if running_now and running_now[-1] not in killed:
            killed.add(running_now[-1])
            with contextlib.suppress(ProcessLookupError):
                os.kill(running_now[-1], signal.SIGKILL)


def _all_settled(client: httpx2.Client) -> bool:
    items = client.get("studies?limit=100").json()["items"]
    return all(item["status"] in ("done", "rejected", "failed") for item in items)
