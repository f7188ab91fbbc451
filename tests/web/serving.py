"""A service in this process, and people who use it."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from tests.screened import phantom
from tests.tiny_bundle import make_tiny_bundle

from ctsieve.phantoms.dicom import save_dicom
from ctsieve.web.app import PREFIX, make_app
from ctsieve.web.service import Service
from ctsieve.web.settings import ServeSettings

PASSWORD = "correct horse battery staple"  # noqa: S105  of a test


@contextmanager
def serving(folder: Path, **changes: object) -> Iterator[Service]:
    """A service below `folder` with the tiny bundle; nobody works for it."""
    bundle = make_tiny_bundle(folder / "bundle").folder
    told: dict[str, object] = {
        "home": folder / "home", "bundle": str(bundle), "min_free_mb": 0, **changes,
    }  # fmt: skip
    with Service(ServeSettings.model_validate(told)) as service:
        yield service


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, service: Service) -> None:
        self.client = TestClient(make_app(service), base_url=f"http://127.0.0.1{PREFIX}")

    def sign_in(self, name: str, password: str) -> None:
        """Sign in, and change the password where that must be."""
        answer = self.client.post("session", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        self.client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        if answer.json()["must_change_password"]:
            changed = {"old": password, "new": PASSWORD}
            assert self.client.post("session/password", json=changed).status_code == 204

    def upload(self, files: Mapping[str, bytes], *, kind: str = "study") -> list[str]:
        """Ids of the studies that came of these files."""
        return [study["id"] for study in self.upload_told(files, kind=kind)["studies"]]

    def upload_told(self, files: Mapping[str, bytes], *, kind: str = "study") -> dict[str, Any]:
        """What the service says of uploaded files."""
        announced = [{"name": name, "size": len(content)} for name, content in files.items()]
        answer = self.client.post("uploads", json={"files": announced, "kind": kind})
        assert answer.status_code == 200, answer.text
        upload = answer.json()["id"]
        for number, content in enumerate(files.values()):
            put = self.client.put(f"uploads/{upload}/files/{number}", content=content)
            assert put.json() == {"offset": len(content)}
        done = self.client.post(f"uploads/{upload}/finish")
        assert done.status_code == 200, done.text
        told: dict[str, Any] = done.json()
        return told


def admin_of(service: Service) -> Person:
    """The first admin, signed in."""
    password = service.accounts.ensure_admin()
    assert password is not None
    person = Person(service)
    person.sign_in("admin", password)
    return person


def member(service: Service, admin: Person, name: str, *, role: str, workspace: str) -> Person:
    """A new user, signed in."""
    asked = {"name": name, "role": role, "workspace": workspace}
    answer = admin.client.post("users", json=asked)
    assert answer.status_code == 201, answer.text
    person = Person(service)
    person.sign_in(name, answer.json()["password"])
    return person


def dicom_study(folder: Path, kind: str = "covid") -> dict[str, bytes]:
    """Files of a phantom's study."""
    save_dicom(phantom(kind).volume, folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()
