"""The service as it really runs: a process of its own on loopback, with its worker beside it."""

import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
from tests.node.running import free_port, running, until
from tests.web.serving import PASSWORD


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A running service; `admin` has changed the one-time password."""

    address: str
    log: Path
    admin: httpx2.Client

    def add(self, name: str, *, role: str, workspace: str) -> str:
        """A new user; the one-time password."""
        asked = {"name": name, "role": role, "workspace": workspace}
        answer = self.admin.post("users", json=asked)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["password"])


@contextlib.contextmanager
def house(folder: Path, **settings: object) -> Iterator[House]:
    """A service below `folder`, started as people start it; `settings` as in its TOML file."""
    told = {"min_free_mb": 0, "threads": 1, **settings}
    lines = [f"{name} = {_toml(value)}" for name, value in told.items()]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "serve.toml").write_text("\n".join(lines))
    log, port = folder / "serve.log", free_port()
    command = [sys.executable, "-m", "ctsieve", "serve", "--settings", str(folder / "serve.toml")]
    command += ["--home", str(folder / "home"), "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with running(command, log):
        until(lambda: answers(address), "the service answers", log=log)
        with httpx2.Client(base_url=f"{address}/api/v1", timeout=60) as client:
            sign_in(client, first_password(log))
            yield House(address=address, log=log, admin=client)


def _toml(value: object) -> str:
    """A text, a number or a table of them, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{k}" = {_toml(v)}' for k, v in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def answers(address: str) -> bool:
    """Whether the service is up."""
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"{address}/health").status_code == 200
    return False


def first_password(log: Path) -> str:
    """The one-time password that the first start printed."""
    found = re.search(r"one-time password (\S+)", log.read_text())
    assert found is not None
    return found[1]


def sign_in(client: httpx2.Client, password: str, *, name: str = "admin") -> None:
    """Sign in, and change the password where that must be."""
    answer = client.post("session", json={"name": name, "password": password}).json()
    client.headers["X-CSRF-Token"] = answer["csrf"]
    if answer["must_change_password"]:
        client.post("session/password", json={"old": password, "new": PASSWORD})
