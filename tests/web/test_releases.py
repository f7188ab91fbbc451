"""Contributions become releases that `ctsieve data` reads; candidates must be no worse."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.tiny_bundle import make_tiny_bundle, tiny_members, tiny_recipe
from tests.web.releasing import accepted, contributed, judged, pictures, reviewed
from tests.web.serving import Person, admin_of, dicom_study, member, serving

from ctsieve.bundles.bundle import HELD_OUT, write_bundle
from ctsieve.bundles.store import pack
from ctsieve.datasets import DATASETS
from ctsieve.jobs.engine import Jobs
from ctsieve.jobs.settings import JobSettings
from ctsieve.pipeline.data import open_data, sides_of
from ctsieve.pipeline.held_out import held_out_bytes
from ctsieve.pipeline.kept_back import refuse_locked
from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.types.recipe import Threshold
from ctsieve.types.scores import CaseScore
from ctsieve.web.audit import check
from ctsieve.web.service import Service
from ctsieve.web.tables import ReleaseRow

KINDS = ["covid", "normal"] * 5
LABELS = {"covid": "covid19", "normal": "neither"}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A service with a worker, its people, and accepted cases."""

    service: Service
    admin: Person
    ann: Person
    rea: Person
    cases: dict[str, str]
    """Study to case: ten pictures of five patients, and a DICOM study."""
    scan: str
    spare: str
    """A judged study that nobody contributed yet."""
    locked: dict[str, Any]
    """The locked set of the first four cases."""
    release: dict[str, Any]
    """The first release: all others."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    told = {"least_patients": 2, "auc_margin": 0.9, "call_margin": 0.9}
    with serving(folder, **told) as service:
        admin = admin_of(service)
        ann = member(service, admin, "ann", role="clinician", workspace="admin")
        rea = member(service, admin, "rea", role="reviewer", workspace="admin")
        with Jobs(JobSettings(home=service.settings.home, threads=1, poll_seconds=0.1)):
            *studies, spare = ann.upload(pictures([*KINDS, "covid"]), kind="pictures")
            (scan,) = ann.upload(dicom_study(folder / "dicom"))
            judged(ann, [*studies, scan, spare])
            read = {
                study: (LABELS[kind], f"MRN-{number // 2}{kind}")
                for number, (study, kind) in enumerate(zip(studies, KINDS, strict=True))
            }
            cases = accepted(ann, rea, {**read, scan: ("covid19", "")})
            chosen = list(cases.values())
            locked = admin.client.post("locked-sets", json={"cases": chosen[:4]})
            assert locked.status_code == 201, locked.text
            release = admin.client.post("releases", json={"licence": "CC-BY-4.0"})
            assert release.status_code == 201, release.text
            yield House(
                service=service, admin=admin, ann=ann, rea=rea, cases=cases, scan=scan,
                spare=spare, locked=locked.json(), release=release.json(),
            )  # fmt: skip


def _unpacked(person: Person, release: str, folder: Path) -> Path:
    answer = person.client.get(f"releases/{release}/archive")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(folder)
    return folder


def _folder_of(house: House, release: str) -> str:
    with house.service.database.reading() as session:
        return session.get_one(ReleaseRow, release).folder


def test_two_cases_locked_the_rest_released_and_nothing_crosses(
    house: House, tmp_path: Path
) -> None:
    chosen = list(house.cases.values())
    root = _unpacked(house.rea, house.release["id"], tmp_path / "release")
    opened = open_data(["release"], root)
    assert opened.cards["release"] is DATASETS["release"]
    sides = sides_of(opened).sides
    assert set(sides) == {"train", "tune"}
    assert {case.id for case in opened.all_cases} == set(chosen[4:])
    patients = [{case.patient for case in cases} for cases in sides.values()]
    assert not patients[0] & patients[1]
    kept_back = open_data(
        ["release"], _unpacked(house.rea, house.locked["id"], tmp_path / "locked")
    )
    assert {case.id for case in kept_back.all_cases} == set(chosen[:4])
    assert not {c.patient for c in kept_back.all_cases} & (patients[0] | patients[1])
    assert house.release["left_out"].keys() == set(chosen[:4])
    # The release says what is locked, so that training refuses it beside the release, too.
    refuse_locked(opened.all_cases, root)
    with pytest.raises(InputRejected, match="is of a locked set"):
        refuse_locked(kept_back.all_cases, root)
    about = house.release["about"]
    assert about["licence"] == "CC-BY-4.0"
    assert (about["agreement"]["kappa"], about["agreement"]["n"]) == (1.0, 7)


def test_a_release_names_nobody_and_keeps_the_pixels(house: House, tmp_path: Path) -> None:
    root = _unpacked(house.rea, house.release["id"], tmp_path)
    for path in (p for p in root.rglob("*") if p.is_file()):
        content = path.read_bytes()
        for name in (b"DOE^JANE", b"MRN-", b"ann", b"rea,", b"PHANTOM"):
            assert path.suffix == ".dcm" or name not in content, (path.name, name)
    case = next(iter(DATASETS["release"].walk(root)))
    assert case.patient
    assert case.site.startswith("site-")


def test_a_release_is_made_once_and_found_whole(house: House) -> None:
    again = house.admin.client.post("releases", json={})
    assert again.status_code == 409
    assert "nothing has changed" in again.json()["detail"]
    address = f"releases/{house.release['id']}/check"
    assert house.rea.client.get(address).json() == {"whole": True, "broken": []}
    folder = house.service.settings.home / _folder_of(house, house.release["id"])
    table = folder / "cases.csv"
    kept = table.read_bytes()
    try:
        table.write_bytes(kept.replace(b"neither", b"covid19"))
        found = house.rea.client.get(address).json()
        assert found == {"whole": False, "broken": ["cases.csv"]}
        with pytest.raises(UnreadableStudy, match=r"cases\.csv is not the release's own"):
            list(DATASETS["release"].walk(folder))
    finally:
        table.write_bytes(kept)


def test_who_may_what_with_releases(house: House) -> None:
    assert house.rea.client.post("releases", json={}).status_code == 403
    assert house.rea.client.post("locked-sets", json={"cases": ["0" * 32]}).status_code == 403
    assert house.ann.client.get("releases").status_code == 403
    assert house.rea.client.post("bundles/rollback").status_code == 403
    assert house.rea.client.post("candidates", content=b"x").status_code == 403


def test_a_released_patient_is_locked_no_more(house: House) -> None:
    late = list(house.cases.values())[-2]
    refused = house.admin.client.post("locked-sets", json={"cases": [late]})
    assert refused.status_code == 409
    assert "training release already" in refused.json()["detail"]


def _candidate(house: House, folder: Path, version: str, threshold: float) -> str:
    """A bundle like the one in use, but for its version and its threshold."""
    level = tiny_recipe().picture
    moved = level.model_copy(
        update={"thresholds": (level.thresholds[0].model_copy(update={"value": threshold}),)}
    )
    assert isinstance(moved.thresholds[0], Threshold)
    bundle = make_tiny_bundle(folder, tiny_recipe(picture=moved, scan=moved), version=version)
    archive = pack(bundle, folder / "candidate.ctsieve")
    answer = house.admin.client.post("candidates", content=archive.read_bytes())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _tried(house: House, candidate: str) -> dict[str, object]:
    answer = house.admin.client.post(f"candidates/{candidate}/try")
    assert answer.status_code == 202, answer.text
    end = time.monotonic() + 120
    while True:
        shown = house.admin.client.get(f"candidates/{candidate}").json()
        if shown["trial"]["state"] in ("finished", "failed"):
            verdict: dict[str, object] = shown["trial"]["verdict"]
            return verdict
        assert time.monotonic() < end, shown
        time.sleep(0.2)


def test_only_what_is_not_worse_is_promoted_and_the_way_back_is_open(
    house: House, tmp_path: Path
) -> None:
    good = _candidate(house, tmp_path / "good", "1.1.0", 0.49)
    early = house.admin.client.post(f"candidates/{good}/promote")
    assert early.status_code == 409
    assert "was not tried" in early.json()["detail"]
    shortcut = house.admin.client.post("bundles/tiny/1.1.0/use")
    assert shortcut.status_code == 404
    verdict = _tried(house, good)
    assert verdict["holds"], verdict
    assert house.admin.client.post(f"candidates/{good}/promote").status_code == 204
    assert _in_use(house) == ("tiny", "1.1.0")
    bad = _candidate(house, tmp_path / "bad", "1.2.0", 0.001)
    verdict = _tried(house, bad)
    assert not verdict["holds"]
    refused = house.admin.client.post(f"candidates/{bad}/promote")
    assert refused.status_code == 409
    assert "specificity: not shown to be no worse" in refused.json()["detail"]
    assert _in_use(house) == ("tiny", "1.1.0")
    back = house.admin.client.post("bundles/rollback")
    assert back.json() == {"name": "tiny", "version": "1.0.0"}
    assert _in_use(house) == ("tiny", "1.0.0")
    assert house.admin.client.post("bundles/rollback").status_code == 409
    assert house.admin.client.post("bundles/tiny/1.1.0/use").status_code == 204
    acts = [entry["action"] for entry in house.admin.client.get("audit?limit=999").json()["items"]]
    for act in ("promotion-refused", "bundle-chosen", "promotion-undone", "release-made-training"):
        assert act in acts
    with house.service.database.reading() as session:
        assert check(session).broken_at is None


def test_a_candidate_that_learnt_from_locked_cases_is_refused(house: House, tmp_path: Path) -> None:
    locked = list(house.cases.values())[:2]
    rows = (
        CaseScore(
            case=case, patient=f"somebody {number}", site="site-1", label="covid19", side="tune",
            scores={"covid19": 0.5}, logits={"covid19": 0.0}, thresholds={"covid19": 0.5},
        )
        for number, case in enumerate((*locked, "another"))
    )  # fmt: skip
    members = tiny_members(tmp_path)
    members[HELD_OUT] = held_out_bytes(rows, tiny_recipe(), name="tiny", version="2.0.0")
    bundle = write_bundle(tmp_path / "tiny", members, name="tiny", version="2.0.0")
    archive = pack(bundle, tmp_path / "candidate.ctsieve").read_bytes()
    refused = house.admin.client.post("candidates", content=archive)
    assert refused.status_code == 422
    assert "trained on 2 locked cases" in refused.json()["detail"]
    plain = pack(make_tiny_bundle(tmp_path / "plain", version="2.1.0"), tmp_path / "plain.ctsieve")
    address = f"candidates?trained_on={house.locked['digest']}"
    refused = house.admin.client.post(address, content=plain.read_bytes())
    assert (refused.status_code, "locked set" in refused.json()["detail"]) == (422, True)


def _in_use(house: House) -> tuple[str, str]:
    (found,) = [b for b in house.rea.client.get("bundles").json() if b["current"]]
    return found["name"], found["version"]


def test_a_hostile_candidate_is_refused(house: House) -> None:
    for content in (b"no zip", _zip("../manifest.json"), _zip("manifest.json")):
        answer = house.admin.client.post("candidates", content=content)
        assert answer.status_code == 422, answer.text


def _zip(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, json.dumps({"name": "x"}))
    return file.getvalue()


def test_a_case_taken_back_is_gone_everywhere(house: House) -> None:
    (case,) = accepted(house.ann, house.rea, {house.spare: ("covid19", "MRN-late")}).values()
    release = house.admin.client.post("releases", json={}).json()
    assert release["about"]["num_cases"] == house.release["about"]["num_cases"] + 1
    assert house.ann.client.delete(f"studies/{house.spare}").status_code == 409
    assert house.ann.client.delete(f"contributions/{case}").json() == {"releases": 1}
    assert house.rea.client.get(f"releases/{release['id']}").json()["num_withdrawn"] == 1
    folder = house.service.settings.home / _folder_of(house, release["id"])
    assert not list((folder / "images").glob(f"{case}*"))
    with pytest.raises(UnreadableStudy, match="withdrawn"):
        list(DATASETS["release"].walk(folder))
    assert house.ann.client.delete(f"studies/{house.spare}").status_code == 204
    again = house.admin.client.post("releases", json={}).json()
    assert again["digest"] == house.release["digest"]


def test_a_case_two_readers_do_not_agree_on_is_in_no_release(house: House) -> None:
    disputed = contributed(house.ann, house.scan, "covid19")
    assert reviewed(house.rea, disputed, "neither") == "disputed"
    assert house.admin.client.post("releases", json={}).status_code == 409
    lock = house.admin.client.post("locked-sets", json={"cases": [disputed]})
    assert lock.status_code == 404
