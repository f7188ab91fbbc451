"""The service: what it takes, what it refuses, and that nothing crosses between workspaces."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from tests.web.serving import Person, admin_of, dicom_study, member, serving, zipped

from ctsieve.jobs.engine import Jobs
from ctsieve.jobs.settings import JobSettings
from ctsieve.types.errors import UsageError
from ctsieve.web.audit import check
from ctsieve.web.service import Service
from ctsieve.web.settings import load_settings

MIB = 1 << 20


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service"), max_upload_mb=64) as found:
        yield found


@pytest.fixture(scope="module")
def admin(service: Service) -> Person:
    return admin_of(service)


@pytest.fixture(scope="module")
def ann(service: Service, admin: Person) -> Person:
    return member(service, admin, "ann", role="clinician", workspace="north")


@pytest.fixture(scope="module")
def bob(service: Service, admin: Person) -> Person:
    return member(service, admin, "bob", role="reviewer", workspace="south")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return dicom_study(tmp_path_factory.mktemp("dicom"))


@pytest.fixture(scope="module")
def study(ann: Person, files: dict[str, bytes]) -> str:
    (found,) = ann.upload(files)
    return found


CROSSINGS = [
    ("GET", "studies/{study}", None),
    ("DELETE", "studies/{study}", None),
    ("GET", "studies/{study}/artefacts/report.html", None),
    ("POST", "studies/{study}/without", {"slices": [1]}),
    ("GET", "studies/{study}/predictive?prevalence=0.1", None),
    ("POST", "contributions", {"study": "{study}", "consent": True, "label": "covid19"}),
]


@pytest.mark.parametrize(("method", "path", "body"), CROSSINGS)
def test_a_study_of_another_workspace_is_as_if_it_were_not(
    bob: Person, study: str, method: str, path: str, body: dict[str, object] | None
) -> None:
    filled = {
        k: v.format(study=study) if isinstance(v, str) else v for k, v in (body or {}).items()
    }
    theirs = bob.client.request(method, path.format(study=study), json=filled or None)
    none = {k: "0" * 32 if v == study else v for k, v in filled.items()}
    nothing = bob.client.request(method, path.format(study="0" * 32), json=none or None)
    assert theirs.status_code == 404
    assert theirs.json() == nothing.json()


def test_lists_show_the_own_workspace_only(ann: Person, bob: Person, study: str) -> None:
    assert study in [s["id"] for s in ann.client.get("studies").json()["items"]]
    assert bob.client.get("studies").json()["items"] == []


def test_an_upload_of_another_workspace_takes_no_bytes(ann: Person, bob: Person) -> None:
    asked = {"files": [{"name": "a", "size": 3}], "kind": "study"}
    upload = ann.client.post("uploads", json=asked).json()["id"]
    assert bob.client.put(f"uploads/{upload}/files/0", content=b"abc").status_code == 404
    assert bob.client.post(f"uploads/{upload}/finish").status_code == 404


def test_the_same_study_is_recognised_and_of_another_workspace_it_is_another(
    ann: Person, bob: Person, files: dict[str, bytes], study: str
) -> None:
    renamed = {f"export/{n}.dcm": content for n, content in enumerate(files.values())}
    assert ann.upload(renamed) == [study]
    assert ann.upload({"study.zip": zipped(files)}) == [study]
    (theirs,) = bob.upload(files)
    assert theirs != study
    assert bob.client.delete(f"studies/{theirs}").status_code == 204
    assert ann.client.get(f"studies/{study}").status_code == 200


def test_an_upload_goes_on_where_it_broke(ann: Person) -> None:
    asked = {"files": [{"name": "a", "size": 6}], "kind": "study"}
    upload = ann.client.post("uploads", json=asked).json()["id"]
    assert ann.client.put(f"uploads/{upload}/files/0", content=b"abc").json() == {"offset": 3}
    assert ann.client.get(f"uploads/{upload}").json()["parts"] == [{"name": "a", "offset": 3}]
    gap = ann.client.put(f"uploads/{upload}/files/0?offset=5", content=b"f")
    assert gap.status_code == 409
    assert ann.client.post(f"uploads/{upload}/finish").status_code == 409
    rest = ann.client.put(f"uploads/{upload}/files/0?offset=3", content=b"def")
    assert rest.json() == {"offset": 6}


def test_too_much_is_refused_before_its_bytes(ann: Person) -> None:
    asked = {"files": [{"name": "a", "size": 2048 * MIB}], "kind": "study"}
    assert ann.client.post("uploads", json=asked).status_code == 413
    asked = {"files": [{"name": "a", "size": 4}], "kind": "study"}
    upload = ann.client.post("uploads", json=asked).json()["id"]
    assert ann.client.put(f"uploads/{upload}/files/0", content=b"abcde").status_code == 413
    more = ann.client.put(f"uploads/{upload}/files/0", content=iter([b"abc", b"de"]))
    assert more.status_code == 413


@pytest.mark.parametrize(
    "members", [{"../escaped": b"x" * 99}, {"bomb": bytes(600 * MIB)}], ids=["outside", "bomb"]
)
def test_hostile_archives_are_refused(ann: Person, members: dict[str, bytes]) -> None:
    content = zipped(members)
    asked = {"files": [{"name": "a.zip", "size": len(content)}], "kind": "study"}
    upload = ann.client.post("uploads", json=asked).json()["id"]
    ann.client.put(f"uploads/{upload}/files/0", content=content)
    answer = ann.client.post(f"uploads/{upload}/finish")
    assert answer.status_code == 422
    assert "archive" in answer.json()["detail"]


def test_nothing_is_told_or_done_without_a_session(service: Service, study: str) -> None:
    stranger = Person(service).client
    for path in ("studies", f"studies/{study}", "users", "audit", "events", "bundles"):
        assert stranger.get(path).status_code == 401, path
    assert stranger.get("health").status_code == 200


def test_a_write_needs_the_token_of_the_page(ann: Person, study: str) -> None:
    kept = ann.client.headers.pop("X-CSRF-Token")
    try:
        assert ann.client.delete(f"studies/{study}").status_code == 403
        wrong = ann.client.delete(f"studies/{study}", headers={"X-CSRF-Token": "wrong"})
        assert wrong.status_code == 403
    finally:
        ann.client.headers["X-CSRF-Token"] = kept
    assert ann.client.get(f"studies/{study}").status_code == 200


def test_roles_bound_what_is_done(service: Service, admin: Person) -> None:
    viewer = member(service, admin, "vic", role="viewer", workspace="north")
    asked = {"files": [{"name": "a", "size": 1}], "kind": "study"}
    assert viewer.client.post("uploads", json=asked).status_code == 403
    assert viewer.client.get("users").status_code == 403
    assert viewer.client.get("studies").status_code == 200


def test_a_locked_user_is_out_at_once(service: Service, admin: Person) -> None:
    eve = member(service, admin, "eve", role="clinician", workspace="north")
    key = admin.client.post("users/eve/keys").json()["key"]
    program = Person(service).client
    program.headers["Authorization"] = f"Bearer {key}"
    assert program.get("studies").status_code == 200
    assert admin.client.patch("users/eve", json={"locked": True}).status_code == 204
    assert program.get("studies").status_code == 401
    assert eve.client.get("studies").status_code == 401


def test_guessing_passwords_is_stopped(service: Service) -> None:
    guesser = Person(service).client
    tried = [
        guesser.post("session", json={"name": "nobody", "password": f"{n}"}).status_code
        for n in range(6)
    ]
    assert tried == [401] * 5 + [429]


def test_every_answer_has_the_notice_and_a_policy(service: Service) -> None:
    for path in ("health", "studies", "/", "/api/v1/none"):
        answer = Person(service).client.get(path)
        assert answer.headers["X-Notice"].startswith("Research use only")
        assert "default-src" in answer.headers["Content-Security-Policy"]


def test_the_audit_log_is_whole_and_cannot_be_changed(service: Service, study: str) -> None:
    with service.database.reading() as session:
        assert check(session).broken_at is None
    for statement in ("UPDATE audit SET user='x'", "DELETE FROM audit"):
        with pytest.raises(SQLAlchemyError), service.database.writing() as session:
            session.execute(sa.text(statement))


def test_the_audit_log_is_read_in_parts_from_either_end(admin: Person, ann: Person) -> None:
    assert ann.client.get("audit").status_code == 403
    numbers = [e["id"] for e in admin.client.get("audit?limit=1000").json()["items"]]
    assert numbers == list(range(1, len(numbers) + 1))
    for newest, expected in (("false", numbers), ("true", numbers[::-1])):
        first = admin.client.get(f"audit?newest={newest}&limit=2").json()
        asked = f"audit?newest={newest}&limit=1000&after={first['next']}"
        rest = admin.client.get(asked).json()
        assert [entry["id"] for entry in first["items"] + rest["items"]] == expected
        assert rest["next"] is None


def test_everybody_signed_in_may_know_what_uploads_are_allowed(
    service: Service, ann: Person
) -> None:
    assert ann.client.get("settings").json()["max_upload_mb"] == 64
    assert Person(service).client.get("settings").status_code == 401


def test_beyond_loopback_needs_tls_or_to_be_told() -> None:
    with pytest.raises(UsageError, match="TLS"):
        load_settings(None, host="0.0.0.0")  # noqa: S104  that is the point
    assert load_settings(None, host="0.0.0.0", allow_plain=True).allow_plain  # noqa: S104


def test_a_study_is_judged_shown_read_twice_and_deleted(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    with serving(tmp_path) as service:
        admin = admin_of(service)
        settings = JobSettings(home=service.settings.home, threads=1, poll_seconds=0.1)
        with Jobs(settings):
            (study,) = admin.upload(files)
            shown = _settled(admin, study)
            assert shown["status"] == "done", shown["reason"]
            assert shown["verdict"] in ("positive", "negative", "none")
            names = {artefact["name"] for artefact in shown["artefacts"]}
            assert {"report.html", "image.nii.gz", "thumbnail.png", "screening.json"} <= names
            for name in names:
                assert admin.client.get(f"studies/{study}/artefacts/{name}").status_code == 200
            outside = admin.client.get(f"studies/{study}/artefacts/..%2f..%2fservice.sqlite")
            assert outside.status_code == 404
            _ask(admin, study, shown)
            _read_twice(service, admin, study)
            assert admin.client.delete(f"studies/{study}").status_code == 204
            assert admin.client.get(f"studies/{study}").status_code == 404
            left = [p for p in service.settings.home.glob("results/*") if p.is_dir()]
            assert left == []
            assert not any((service.settings.home / "studies").iterdir())


def _settled(person: Person, study: str) -> dict[str, Any]:
    end = time.monotonic() + 120
    while True:
        shown: dict[str, Any] = person.client.get(f"studies/{study}").json()
        if shown["status"] in ("done", "rejected", "failed"):
            return shown
        assert time.monotonic() < end, shown
        time.sleep(0.1)


def _ask(person: Person, study: str, shown: dict[str, object]) -> None:
    same = person.client.post(f"studies/{study}/without", json={"slices": []}).json()
    assert same["probability"] == pytest.approx(shown["probability"], abs=1e-3)
    assert same["call"] == shown["verdict"]
    without = person.client.get(f"studies/{study}/predictive?prevalence=0.1")
    assert without.status_code == 409  # the tiny bundle does not say how good its threshold is


def _read_twice(service: Service, admin: Person, study: str) -> None:
    outline = {"slice": 3, "kind": "GGO", "points": [[1.5, 2], [9, 2], [9, 8.5]]}
    given = {"study": study, "consent": True, "label": "covid19", "lesions": ["GGO"]}
    given["outlines"] = [outline]
    made = admin.client.post("contributions", json=given).json()
    assert made["outlines"] == [outline]
    case = made["id"]
    reading = {"label": "covid19"}
    own = admin.client.post(f"contributions/{case}/reviews", json=reading)
    assert own.status_code == 403
    rea = member(service, admin, "rea", role="reviewer", workspace="admin")
    (blind,) = rea.client.get("contributions?status=open").json()
    told = ("label", "lesions", "outlines", "comment")
    assert [blind[name] for name in told] == [None, [], [], ""]
    (own_case,) = admin.client.get("contributions").json()
    assert (own_case["label"], own_case["outlines"]) == ("covid19", [outline])
    answer = rea.client.post(f"contributions/{case}/reviews", json=reading)
    assert (answer.json()["status"], answer.json()["label"]) == ("accepted", "covid19")
    assert rea.client.get("agreement").json()["n"] == 1
    refused = admin.client.post("contributions", json={**given, "consent": False})
    assert refused.status_code == 422
