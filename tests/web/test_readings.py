"""A second reader, a third where two disagree, and nobody sees what another said before."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.releasing import LOOKED, pictures
from tests.web.serving import Person, admin_of, member, serving

from ctsieve.web.audit import check
from ctsieve.web.readings import UNDECIDED, settled
from ctsieve.web.service import Service

LABELS = ("covid19", "other_pneumonia", "neither")
SECRET = {"lesions": ["GGO"], "comment": "left lower lobe"}
readings = st.lists(st.sampled_from(LABELS), min_size=1, max_size=3)


@given(readings)
def test_a_label_is_accepted_only_if_two_gave_it(labels: list[str]) -> None:
    came = settled(labels)
    assert (came.status == "accepted") == bool(came.label)
    assert (came.status == "excluded") == bool(came.reason)
    if came.label:
        assert labels.count(came.label) >= 2
    else:
        assert len(set(labels)) == len(labels)


@given(readings.filter(lambda labels: len(labels) == 3))
def test_whose_label_comes_first_changes_nothing(labels: list[str]) -> None:
    first, second, third = labels
    assert settled([first, second, third]) == settled([second, first, third])
    assert settled(labels).status not in UNDECIDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """A contributor and those who read."""

    service: Service
    admin: Person
    ann: Person
    readers: dict[str, Person]
    study: str
    numbers: Iterator[int]

    def disputed(self) -> str:
        """A case that ann and rea do not agree on."""
        given = {"study": self.study, "consent": True, "label": "covid19", **LOOKED, **SECRET}
        given |= {"patient": f"p-{next(self.numbers)}"}
        given["outlines"] = [{"slice": 0, "kind": "GGO", "points": [[1, 2], [9, 2], [9, 8]]}]
        case = str(self.ann.client.post("contributions", json=given).json()["id"])
        assert self.read("rea", case, "neither", **SECRET)["status"] == "disputed"
        return case

    def read(self, who: str, case: str, label: str, **more: object) -> dict[str, Any]:
        """What the service says after a reading."""
        reading = {"label": label, **more}
        answer = self.readers[who].client.post(f"contributions/{case}/reviews", json=reading)
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def seen(self, person: Person, case: str) -> dict[str, Any]:
        """The case as somebody's list has it."""
        (shown,) = [c for c in person.client.get("contributions").json() if c["id"] == case]
        return dict(shown)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with serving(tmp_path_factory.mktemp("ward")) as service:
        admin = admin_of(service)
        ann = member(service, admin, "ann", role="clinician", workspace="admin")
        readers = {
            name: member(service, admin, name, role="reviewer", workspace="admin")
            for name in ("rea", "tom", "uma")
        }
        (study,) = ann.upload(pictures(["covid"]), kind="pictures")
        yield Ward(
            service=service, admin=admin, ann=ann, readers=readers, study=study, numbers=count()
        )


def _told(shown: dict[str, Any]) -> list[object]:
    """Everything of a case that could tell a label."""
    parts = [shown, *shown["reviews"]]
    said = [part[name] for part in parts for name in ("label", "lesions", "comment")]
    return [*said, shown["outlines"], shown["final"], *(r["agree"] for r in shown["reviews"])]


def test_the_third_reader_is_shown_nothing_of_either(ward: Ward) -> None:
    case = ward.disputed()
    for person in (ward.readers["tom"], ward.admin):
        shown = ward.seen(person, case)
        assert not any(_told(shown)), shown
        assert [review["user"] for review in shown["reviews"]] == ["rea"]
    own = ward.seen(ward.ann, case)
    assert (own["label"], own["reviews"][0]["label"]) == ("covid19", None)
    second = ward.seen(ward.readers["rea"], case)
    assert (second["label"], second["reviews"][0]["label"]) == (None, "neither")
    assert second["outlines"] == []


@pytest.mark.parametrize(
    ("third", "status", "final", "reason"),
    [
        ("covid19", "accepted", "covid19", ""),
        ("neither", "accepted", "neither", ""),
        ("other_pneumonia", "excluded", None, "three_labels"),
    ],
)
def test_the_third_label_decides_or_excludes(
    ward: Ward, third: str, status: str, final: str | None, reason: str
) -> None:
    case = ward.disputed()
    shown = ward.read("tom", case, third)
    assert (shown["status"], shown["final"], shown["reason"]) == (status, final, reason)
    # From now on everybody sees all three.
    assert shown["label"] == "covid19"
    assert [review["label"] for review in shown["reviews"]] == ["neither", third]
    late = ward.readers["uma"].client.post(
        f"contributions/{case}/reviews", json={"label": "covid19"}
    )
    assert late.status_code == 409
    assert f"this case is {status} already" in late.json()["detail"]


def test_nobody_decides_about_the_own_reading(ward: Ward) -> None:
    case = ward.disputed()
    address = f"contributions/{case}/reviews"
    again = ward.readers["rea"].client.post(address, json={"label": "covid19"})
    assert (again.status_code, again.json()["hint"]) == (409, "ask another reviewer")
    assert ward.ann.client.post(address, json={"label": "covid19"}).status_code == 403
    assert ward.seen(ward.admin, case)["status"] == "disputed"


def test_a_contributor_who_is_a_reviewer_does_not_decide(ward: Ward) -> None:
    given = {"study": ward.study, "consent": True, "label": "covid19", **LOOKED}
    case = ward.readers["uma"].client.post("contributions", json=given).json()["id"]
    assert ward.read("rea", case, "neither")["status"] == "disputed"
    own = ward.readers["uma"].client.post(
        f"contributions/{case}/reviews", json={"label": "covid19"}
    )
    assert own.status_code == 403


def test_an_admin_closes_what_nobody_decides_and_nobody_else_does(ward: Ward) -> None:
    case = ward.disputed()
    address = f"contributions/{case}/close"
    why = {"reason": "image_unfit"}
    assert ward.readers["tom"].client.post(address, json=why).status_code == 403
    named = ward.admin.client.post(address, json={"reason": "it is Jane Doe"})
    assert named.status_code == 422  # a word of the list only: free text could name somebody
    shown = ward.admin.client.post(address, json=why).json()
    assert (shown["status"], shown["reason"], shown["final"]) == ("excluded", "image_unfit", None)
    assert ward.admin.client.post(address, json=why).status_code == 409
    listed = ward.admin.client.get("contributions?status=excluded").json()
    assert case in [one["id"] for one in listed]


def test_kappa_is_of_the_first_two_and_the_log_says_who_decided(ward: Ward) -> None:
    before = ward.admin.client.get("agreement").json()
    case = ward.disputed()
    counted = ward.admin.client.get("agreement").json()
    assert counted["n"] == before["n"] + 1
    ward.read("tom", case, "covid19")
    assert ward.admin.client.get("agreement").json() == counted
    entries = ward.admin.client.get("audit?limit=999").json()["items"]
    acts = [(e["action"], e["user"], e["detail"]) for e in entries if e["subject"] == case]
    assert acts == [
        ("case-reviewed", "rea", "disputed"),
        ("case-adjudicated", "tom", "accepted"),
    ]
    with ward.service.database.reading() as session:
        assert check(session).broken_at is None


def test_of_a_picture_somebody_must_have_looked_whether_it_names_the_patient(ward: Ward) -> None:
    given = {"study": ward.study, "consent": True, "label": "covid19"}
    refused = ward.ann.client.post("contributions", json=given)
    assert refused.status_code == 422
    assert "no name is drawn into this image" in refused.json()["detail"]
    assert ward.ann.client.post("contributions", json={**given, **LOOKED}).status_code == 201
    entries = ward.admin.client.get("audit?limit=999").json()["items"]
    acts = [e for e in entries if (e["action"], e["user"]) == ("case-contributed", "ann")]
    assert {e["detail"] for e in acts} == {"pixels-name-nobody"}
