"""The service under load: a hundred uploads at once, and random kills of its processes.

The page is asked all the while, as ten people at their worklists would.  On a machine that works
for others too, `chrt --fifo 10 python -m benchmarks bench_serve` gives every program here the right
of way, and the figures of a machine that does not.
"""

import re
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
from tests.node.running import free_port
from tests.tiny_bundle import make_tiny_bundle
from tests.web.serving import PASSWORD, dicom_study, zipped
from tests.web.test_kills import kill_at_random, served, with_own_study

from benchmarks.table import Row

UPLOADS = 100
JOBS = 50
WORKER_KILLS = 6
SERVER_KILLS = 4
P95_MS = 300.0
SETTLE_SECONDS = 1500.0
ASKED = ("/api/v1/studies?limit=50", "/api/v1/session", "/api/v1/health", "/")
EVERY_SECONDS = 0.1


def run() -> list[Row]:
    """Rows of both; a lost study is a row that says so."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        (folder / "load").mkdir()
        (folder / "kills").mkdir()
        return [*_load(folder / "load"), *_kills(folder / "kills")]


def _kills(folder: Path) -> list[Row]:
    found = kill_at_random(
        folder, number=JOBS, worker_kills=WORKER_KILLS, server_kills=SERVER_KILLS
    )
    kills = (
        f"up to {WORKER_KILLS + SERVER_KILLS - 1} kills of workers, {SERVER_KILLS} of the server"
    )
    once = min(found.settled, found.finished_jobs, found.results)
    doubled = max(found.shown, found.finished_jobs, found.results) - JOBS
    note = f"{kills}; other jobs: {found.other_jobs}, halves of results: {found.parts}"
    return [
        Row(name=f"{JOBS} jobs, each ended once", value=once, unit="jobs", note=note,
            target=str(JOBS)),
        Row(name="jobs, results or studies doubled", value=doubled, unit="", target="0"),
    ]  # fmt: skip


def _load(folder: Path) -> list[Row]:
    bundle = make_tiny_bundle(folder / "bundle").folder
    (folder / "serve.toml").write_text(f'bundle = "{bundle}"\nmin_free_mb = 0\nthreads = 1\n')
    archives = _archives(folder)
    port = free_port()
    with served(folder, port) as (_, log):
        found = re.search(r"one-time password (\S+)", log.read_text())
        assert found is not None
        base = f"http://127.0.0.1:{port}"
        with _admin(base, found[1]) as admin:
            key = {"Authorization": f"Bearer {admin.post('users/admin/keys').json()['key']}"}
            with _watched(base, key) as latencies:
                start = time.monotonic()
                with ThreadPoolExecutor(UPLOADS) as pool:
                    ids = list(pool.map(lambda content: _upload(base, key, content), archives))
                uploaded = time.monotonic() - start
                during = list(latencies)
                _settle(admin)
            settled = time.monotonic() - start
            states = [s["status"] for s in admin.get("studies?limit=500").json()["items"]]
    lost = UPLOADS - len(set(ids) - {""})
    return [
        Row(name=f"{UPLOADS} uploads at once, lost", value=lost, unit="studies", target="0"),
        Row(name="of them settled", value=sum(s in ("done", "rejected") for s in states),
            unit="studies", target=str(UPLOADS)),
        Row(name="until all were taken in", value=uploaded, unit="s",
            note=f"{len(archives[0]) / 1e6:.1f} MB each, de-identified"),
        Row(name="until all were judged", value=settled, unit="s"),
        _latency("page while uploads come", during),
        _latency("page until all were judged", latencies),
    ]  # fmt: skip


def _latency(name: str, seconds: Sequence[float]) -> Row:
    ms = np.array(seconds) * 1000
    note = f"n {ms.size}, median {np.median(ms):.0f}, largest {ms.max():.0f} ms"
    return Row(
        name=f"{name}, p95", value=float(np.percentile(ms, 95)), unit="ms",
        target=f"< {P95_MS:.0f}", note=note,
    )  # fmt: skip


def _archives(folder: Path) -> list[bytes]:
    """Zip files of as many DICOM studies, which differ in their study UID."""
    files = dicom_study(folder / "dicom")
    return [
        zipped({name: with_own_study(content, k) for name, content in files.items()})
        for k in range(UPLOADS)
    ]


@contextmanager
def _admin(base: str, password: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{base}/api/v1/", timeout=120) as client:
        answer = client.post("session", json={"name": "admin", "password": password}).json()
        client.headers["X-CSRF-Token"] = answer["csrf"]
        client.post("session/password", json={"old": password, "new": PASSWORD})
        yield client


def _upload(base: str, key: dict[str, str], content: bytes) -> str:
    """The study's id; empty where it was not taken in."""
    with httpx2.Client(base_url=f"{base}/api/v1/", timeout=600, headers=key) as client:
        asked = {"files": [{"name": "study.zip", "size": len(content)}], "kind": "study"}
        upload = client.post("uploads", json=asked).json()["id"]
        client.put(f"uploads/{upload}/files/0", content=content)
        done = client.post(f"uploads/{upload}/finish")
        return str(done.json()["studies"][0]["id"]) if done.status_code == 200 else ""


@contextmanager
def _watched(base: str, key: dict[str, str]) -> Iterator[list[float]]:
    """Seconds of every answer of the page while the block lasts."""
    seconds: list[float] = []
    ended = threading.Event()

    def ask() -> None:
        with httpx2.Client(base_url=base, timeout=120, headers=key) as client:
            number = 0
            while not ended.wait(EVERY_SECONDS):
                start = time.perf_counter()
                client.get(ASKED[number % len(ASKED)]).raise_for_status()
                seconds.append(time.perf_counter() - start)
                number += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seconds
    finally:
        ended.set()
        thread.join()


def _settle(admin: httpx2.Client) -> None:
    end = time.monotonic() + SETTLE_SECONDS
    final = ("done", "rejected", "failed")
    while time.monotonic() < end:
        items = admin.get("studies?limit=500").json()["items"]
        if all(item["status"] in final for item in items):
            return
        time.sleep(2.0)
