"""The node and its peers as they really run: processes on loopback."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.tiny_bundle import make_tiny_bundle

from ctsieve.jobs.records import Outcome
from ctsieve.jobs.work import OUTCOME, RESULTS

ROOT = Path(__file__).parents[2]
SYSTEM = "/usr/bin:/usr/sbin:/usr/local/bin"
"""Where packages of the system are: pynetdicom installs a `storescu` of its own."""
PATIENCE = 300.0
"""Seconds: a limit for a busy machine, not what anything takes."""


def program(name: str) -> str:
    """The path of a program of the system; the test is skipped where it is not installed."""
    found = shutil.which(name, path=SYSTEM)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install dcmtk orthanc orthanc-dicomweb")
    return found


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], object], what: str, *, log: Path | None = None) -> None:
    """Wait until `holds()` is true; fail saying `what` did not happen, and what `log` says."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"not within {PATIENCE:.0f} s: {what}\n{log.read_text() if log else ''}")
        time.sleep(0.1)


def is_open(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node in a process of its own, and what it leaves on disk."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)
    log: Path

    @property
    def address(self) -> str:
        """Where to send."""
        return f"dicom://CTSIEVE@127.0.0.1:{self.port}"

    def outcomes(self) -> dict[str, Outcome]:
        """Every result there is, by job."""
        return outcomes(self.home)

    def wait(self, number: int) -> dict[str, Outcome]:
        """The outcomes, once there are `number` of them."""
        until(lambda: len(self.outcomes()) >= number, f"{number} outcomes", log=self.log)
        return self.outcomes()


def outcomes(home: Path) -> dict[str, Outcome]:
    """Every result below a node's home, by job."""
    found = (home / RESULTS).glob(f"[!.]*/{OUTCOME}")
    return {p.parent.name: Outcome.model_validate_json(p.read_bytes()) for p in found}


def settings_file(home: Path, port: int, **changes: object) -> Path:
    """Settings for tests: the tiny bundle, a short quiet period."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home.parent / "bundle").exists():
        make_tiny_bundle(home.parent / "bundle")
    told: dict[str, object] = {
        "port": port,
        "home": str(home),
        # Longer than a sender stalls on a busy machine, or its study falls into parts.
        "quiet_seconds": 5.0,
        "min_free_mb": 0,
        "journal_mb": 16,
        "threads": 1,
        "bundle": str(home.parent / "bundle" / "tiny"),
        **changes,
    }
    file = home.parent / "node.toml"
    file.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in told.items()))
    return file


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value) if isinstance(value, int | float) else f'"{value}"'


@contextlib.contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, with everything it says in `log`."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": _path()}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=ROOT
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _path() -> str:
    return os.pathsep.join([str(ROOT / "src"), str(ROOT), *sys.path])


@contextlib.contextmanager
def running_node(
    folder: Path, *, port: int = 0, dies: str = "", retry: bool = False, **changes: object
) -> Iterator[Node]:
    """A node below `folder`; with `dies` it kills itself at that point: see `dying`."""
    port = port or free_port()
    settings = settings_file(folder / "home", port, **changes)
    log = folder / "node.log"
    program = ["tests.node.dying", dies] if dies else ["ctsieve"]
    command = [sys.executable, "-m", *program, "listen", "--settings", str(settings)]
    command += ["--retry-failed"] if retry else []
    with running(command, log) as process:
        until(lambda: is_open(port) or process.poll() is not None, "the node listens")
        yield Node(home=folder / "home", port=port, process=process, log=log)


def storescu(
    node: Node, *what: object, calling: str = "SENDER"
) -> subprocess.CompletedProcess[str]:
    """Send files or folders with dcmtk's own program."""
    return subprocess.run(
        [
            *(program("storescu"), "-v", "-xf", str(ROOT / "tests/node/storescu.cfg"), "CT"),
            *("-aet", calling, "-aec", "CTSIEVE", "+sd", "127.0.0.1", str(node.port)),
            *map(str, what),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
