"""Nothing of a workspace is seen, changed or told from another: every route of the API is tried."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.web.releasing import LOOKED, pictures
from tests.web.serving import Person, admin_of, member, serving

from ctsieve.web.app import make_app
from ctsieve.web.service import Service
from ctsieve.web.tables import Contribution, ReleaseRow, Study

NOBODY = "0" * 32
COMMON = {
    # Of the house, not of a workspace: the path names no study and nothing made of one.
    "/users/{name}": "accounts are an admin's, of all workspaces",
    "/users/{name}/keys": "accounts are an admin's, of all workspaces",
    "/users/{name}/password": "accounts are an admin's, of all workspaces",
    "/bundles/{name}/{version}/use": "one bundle judges for all workspaces",
    "/candidates/{candidate}": "one bundle judges for all workspaces",
    "/candidates/{candidate}/try": "one bundle judges for all workspaces",
    "/candidates/{candidate}/promote": "one bundle judges for all workspaces",
}
BODIES: dict[str, dict[str, Any]] = {
    "/studies/{study}/without": {"slices": [0]},
    "/contributions/{contribution}/reviews": {"label": "covid19"},
    "/contributions/{contribution}/close": {"reason": "not_decidable"},
}
QUERIES = {"/studies/{study}/predictive": "?prevalence=0.1"}
LISTS = ("studies", "contributions", "releases", "agreement")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wards:
    """Two workspaces: what the north has, and who works in the south."""

    service: Service
    ann: Person
    eve: Person
    """An admin of the other workspace: she may ask everything."""
    ids: dict[str, str]
    """Of the north, by the name of the path's parameter."""


@pytest.fixture(scope="module")
def wards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wards]:
    with serving(tmp_path_factory.mktemp("wards")) as service:
        admin = admin_of(service)
        ann = member(service, admin, "ann", role="admin", workspace="north")
        eve = member(service, admin, "eve", role="admin", workspace="south")
        announced = [{"name": "a", "size": 3}]
        upload = ann.client.post("uploads", json={"files": announced, "kind": "study"}).json()["id"]
        study, other = ann.upload(pictures(["covid", "normal"]), kind="pictures")
        given = {"study": study, "consent": True, "label": "covid19", "patient": "p", **LOOKED}
        case = ann.client.post("contributions", json=given).json()["id"]
        ids = {
            "study": study, "upload": upload, "number": "0", "contribution": case,
            "release": _release(service, study), "batch": _batch(service, other),
            "name": "report.html",
        }  # fmt: skip
        yield Wards(service=service, ann=ann, eve=eve, ids=ids)


def _release(service: Service, study: str) -> str:
    """A release's row in the north: none of its files is ever asked for."""
    with service.database.writing() as session:
        row = ReleaseRow(
            workspace_id=session.get_one(Study, study).workspace_id, purpose="training",
            version=1, user="ann", digest="0" * 64, folder="releases/none", about={}, left_out={},
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


def _batch(service: Service, study: str) -> str:
    with service.database.reading() as session:
        return str(session.get_one(Study, study).batch)


def _routes(service: Service) -> list[tuple[str, str]]:
    """Every method and address of the API that names something."""
    found = make_app(service).openapi()
    return [
        (method.upper(), path.removeprefix("/api/v1"))
        for path, operations in found["paths"].items()
        for method in operations
        if "{" in path
    ]


def test_every_route_that_names_something_of_another_workspace_answers_404(wards: Wards) -> None:
    tried = 0
    for method, path in _routes(wards.service):
        if path in COMMON:
            continue
        names = re.findall(r"{(\w+)", path)
        assert set(names) <= set(wards.ids), f"{path}: say what this is, or why it is common"
        crossing, nothing = (
            wards.eve.client.request(
                method, address.lstrip("/") + QUERIES.get(path, ""), **_body(method, path)
            )
            for address in (_filled(path, wards.ids), _filled(path, _none(wards.ids)))
        )
        assert crossing.status_code == 404, (method, path, crossing.text)
        assert crossing.json() == nothing.json(), (method, path)
        tried += 1
    assert tried >= 15


def _body(method: str, path: str) -> dict[str, Any]:
    if method == "PUT":
        return {"content": b"abc"}
    return {"json": BODIES[path]} if path in BODIES else {}


def _filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"{(\w+)(:path)?}", lambda found: ids[found[1]], path)


def _none(ids: dict[str, str]) -> dict[str, str]:
    return {k: NOBODY if re.fullmatch("[0-9a-f]{32}", v) else v for k, v in ids.items()}


def test_bodies_that_name_something_of_another_workspace_are_refused(wards: Wards) -> None:
    for path, named in {
        "contributions": {"study": wards.ids["study"], "consent": True, "label": "covid19"},
        "locked-sets": {"cases": [wards.ids["contribution"]]},
    }.items():
        answer = wards.eve.client.post(path, json=named)
        assert answer.status_code == 404, (path, answer.text)


def test_no_list_tells_of_another_workspace(wards: Wards) -> None:
    for path in LISTS:
        text = wards.eve.client.get(path).text
        for name in ("study", "upload", "contribution", "release", "batch"):
            assert wards.ids[name] not in text, path
    own = wards.ann.client.get("studies").text
    assert wards.ids["study"] in own


def test_what_was_tried_changed_nothing(wards: Wards) -> None:
    with wards.service.database.reading() as session:
        assert session.get(Study, wards.ids["study"]) is not None
        case = session.get_one(Contribution, wards.ids["contribution"])
        assert case.status == "open"
    assert wards.ann.client.get(f"uploads/{wards.ids['upload']}").json()["parts"][0]["offset"] == 0


def test_nobody_without_an_account_gets_anything(wards: Wards, tmp_path: Path) -> None:
    found = make_app(wards.service).openapi()
    stranger = Person(wards.service).client
    ids = {**wards.ids, "version": "1.0.0", "candidate": NOBODY}
    asked = 0
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            if not operation["security"]:
                continue
            address = _filled(path, ids).removeprefix("/api/v1/")
            answer = stranger.request(method.upper(), address)
            assert answer.status_code == 401, (method, path, answer.text)
            asked += 1
    assert asked > 35
