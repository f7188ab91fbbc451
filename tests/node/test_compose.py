"""The files for Docker, checked as far as a machine without Docker can."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from ctsieve.cli import app
from ctsieve.node.settings import load_settings
from ctsieve.web.settings import load_settings as load_service_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
ORTHANC_FLOOR = (1, 12, 11)
NOT_KEPT = {"database-password.txt"}
"""Secrets: the user writes them."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def test_it_is_what_the_compose_specification_allows() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    command = [*check, str(DEPLOY / "compose.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_part_is_there_with_a_version(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"node", "web", "database", "archive", "viewer"}
    for service in services.values():
        assert re.search(r":v?\d+(\.\d+)*$", service["image"]) or service["image"] == "ctsieve"


def test_orthanc_is_new_enough(compose: dict[str, Any]) -> None:
    version = compose["services"]["archive"]["image"].rpartition(":")[2]
    assert tuple(map(int, version.split("."))) >= ORTHANC_FLOOR


def test_ports_are_open_on_loopback_only(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_every_name_leads_somewhere(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            known = (DEPLOY / source).is_file() if source.startswith(".") else None
            assert known if known is not None else source in compose["volumes"]
        assert set(service.get("depends_on", [])) <= set(compose["services"])
        assert set(service.get("networks", [])) <= set(compose["networks"])
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
    for secret in compose["secrets"].values():
        assert Path(secret["file"]).name in NOT_KEPT
        assert Path(secret["file"]).name in (DEPLOY / ".gitignore").read_text()


def test_the_node_understands_its_settings_and_finds_the_others(compose: dict[str, Any]) -> None:
    settings = load_settings(DEPLOY / "node.toml")
    archive = json.loads((DEPLOY / "orthanc.json").read_text())
    assert settings.peers["archive"].address == f"dicom://{archive['DicomAet']}@archive:4242"
    assert archive["DicomPort"] == 4242
    assert archive["DicomModalities"]["ctsieve"] == [settings.ae_title, "node", settings.port]
    assert archive["DicomAet"] in settings.senders
    assert str(settings.home).startswith("/var/lib/ctsieve")
    assert settings.database == "postgresql+psycopg://ctsieve@database/ctsieve_node"
    assert compose["services"]["node"]["ports"] == [f"127.0.0.1:{settings.port}:{settings.port}"]


def test_the_page_is_reached_and_keeps_to_its_own(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = compose["services"]["web"]
    for name, value in service["environment"].items():
        monkeypatch.setenv(name, value)
    page, node = load_service_settings(None), load_settings(DEPLOY / "node.toml")
    assert not page.is_loopback
    assert service["ports"] == [f"127.0.0.1:{page.port}:{page.port}"]
    database = compose["services"]["database"]["environment"]
    user, name = database["POSTGRES_USER"], database["POSTGRES_DB"]
    assert page.database == f"postgresql+psycopg://{user}@database/{name}"
    # Jobs of the two are resumed from different folders.
    assert page.database != node.database
    assert page.home.parent == node.home.parent
    assert page.home != node.home


@pytest.mark.parametrize("service", ["node", "web"])
def test_the_password_reaches_the_program(
    service: str, compose: dict[str, Any], tmp_path: Path
) -> None:
    told = compose["services"][service]
    names = {command.name for command in app.registered_commands}
    assert told["command"][0] in names
    (tmp_path / "database-password").write_text("secret of the test\n")
    said = tmp_path / "ctsieve"
    said.write_text('#!/bin/sh\necho "$PGPASSWORD|$*"\n')
    said.chmod(0o755)
    # As Docker starts it: `$$` is compose's way to write `$`, and secrets lie in /run/secrets.
    words = [word.replace("$$", "$") for word in (*told["entrypoint"], *told["command"])]
    words = [word.replace("/run/secrets", str(tmp_path)) for word in words]
    path = f"{tmp_path}:{os.environ['PATH']}"
    heard = subprocess.run(words, capture_output=True, text=True, check=True, env={"PATH": path})
    assert heard.stdout.strip() == f"secret of the test|{' '.join(told['command'])}"


def test_the_image_is_made_of_files_that_exist() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY")]
    for names in copied:
        assert all((DEPLOY.parent / name).exists() for name in names)
    assert any(line.startswith("USER 10001") for line in lines)
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]
    (base,) = re.findall(r"^FROM python:(\d+\.\d+)-slim$", "\n".join(lines), re.MULTILINE)
    assert base in SpecifierSet(project["requires-python"])
    (extra,) = re.findall(r"'\.\[(\w+)\]'", "\n".join(lines))
    assert extra in project["optional-dependencies"]


def test_the_viewer_asks_where_the_archive_answers() -> None:
    root = json.loads((DEPLOY / "orthanc.json").read_text())["DicomWeb"]["Root"]
    assert f'wadoRoot: "{root.rstrip("/")}"' in (DEPLOY / "ohif.js").read_text()
    assert f"location {root}" in (DEPLOY / "viewer.conf").read_text()
