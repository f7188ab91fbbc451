"""A lost password and a key that somebody saw are no end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.serving import PASSWORD, Person, admin_of, member, serving
from typer.testing import CliRunner

from ctsieve.cli import app
from ctsieve.web.service import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("house")) as found:
        yield found


@pytest.fixture(scope="module")
def admin(service: Service) -> Person:
    return admin_of(service)


def test_an_admin_gives_a_one_time_password_and_the_old_sessions_end(
    service: Service, admin: Person
) -> None:
    ann = member(service, admin, "ann", role="clinician", workspace="north")
    assert ann.client.post("users/admin/password").status_code == 403
    answer = admin.client.post("users/ann/password")
    assert answer.status_code == 201
    assert ann.client.get("session").status_code == 401
    old = Person(service).client.post("session", json={"name": "ann", "password": PASSWORD})
    assert old.status_code == 401
    ann.client.headers.pop("X-CSRF-Token", None)
    ann.sign_in("ann", answer.json()["password"])  # and changes it: it is a one-time password
    assert ann.client.get("studies").status_code == 200
    assert admin.client.post("users/admin/password").status_code == 409
    assert admin.client.post("users/nobody/password").status_code == 400


def test_keys_end_and_only_those_of_the_named(service: Service, admin: Person) -> None:
    member(service, admin, "bob", role="clinician", workspace="north")
    keys = [admin.client.post(f"users/{n}/keys").json()["key"] for n in ("bob", "bob", "admin")]
    assert admin.client.delete("users/bob/keys").json() == {"keys": 2}
    answers = [
        Person(service).client.get("studies", headers={"Authorization": f"Bearer {key}"})
        for key in keys
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 200]
    acts = [e["action"] for e in admin.client.get("audit?limit=999").json()["items"]]
    assert "keys-ended" in acts


def test_who_runs_the_machine_lets_the_last_admin_in_again(tmp_path: Path) -> None:
    command = ["serve", "--home", str(tmp_path / "home"), "--new-password"]
    with serving(tmp_path) as service:
        locked_out = admin_of(service)
        done = CliRunner().invoke(app, [*command, "admin"])
        assert done.exit_code == 0, done.output
        assert locked_out.client.get("session").status_code == 401
        again = Person(service)
        again.sign_in("admin", done.output.strip())
        entries = again.client.get("audit?limit=999").json()["items"]
    assert ("password-reset", "", "at the machine") in [
        (e["action"], e["user"], e["detail"]) for e in entries
    ]
    unknown = CliRunner().invoke(app, [*command, "nobody"])
    assert unknown.exit_code == 1
    assert "there is no user 'nobody'" in str(unknown.exception)
