"""Who has still to read a case is told nothing of what the network says of its study."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from tests.web.releasing import contributed, pictures, reviewed
from tests.web.serving import Person, admin_of, member, serving

from ctsieve.jobs.work import RESULTS
from ctsieve.web.records import shown
from ctsieve.web.routes.events import events
from ctsieve.web.service import Service
from ctsieve.web.tables import Study

ANSWER = {"verdict": "positive", "probability": 0.91, "threshold": 0.5, "abstained": None}
FILES = ("report.html", "screening.json", "heat.png", "thumbnail.png", "seg.dcm", "report.dcm")
KNOWN = "picture.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """People of one workspace, and a batch of two pictures that were judged alike."""

    service: Service
    people: dict[str, Person]
    batch: str
    studies: tuple[str, str]


@pytest.fixture
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with serving(tmp_path_factory.mktemp("ward")) as service:
        people = {"admin": admin_of(service)}
        for name, role in (("ann", "clinician"), ("rea", "reviewer"), ("tom", "reviewer")):
            made = member(service, people["admin"], name, role=role, workspace="admin")
            people[name] = made
        told = people["ann"].upload_told(pictures(["covid", "normal"]), kind="pictures")
        first, second = (str(study["id"]) for study in told["studies"])
        for study in (first, second):
            _judged(service, study)
        yield Ward(service=service, people=people, batch=told["batch"], studies=(first, second))


def _judged(service: Service, study: str) -> None:
    """Leave what a worker leaves."""
    with service.database.writing() as session:
        row = session.get_one(Study, study)
        session.execute(
            sa.update(Study).where(Study.id == study).values(**ANSWER, status="done", job_id=study)
        )
        assert row.folder
    folder = service.settings.home / RESULTS / study
    folder.mkdir(parents=True)
    for name in (*FILES, KNOWN):
        (folder / name).write_bytes(b"{}")


def _answers(ward: Ward, name: str, study: str) -> list[object]:
    """Everything that somebody can read of what the network says, by every way there is."""
    client = ward.people[name].client
    detail = client.get(f"studies/{study}").json()
    rows = client.get("studies").json()["items"]
    rows += client.get(f"batches/{ward.batch}").json()["studies"]
    found: list[object] = [detail["screening"]]
    for row in (detail, *(row for row in rows if row["id"] == study)):
        found += [row[key] for key in ANSWER]
    found += [f["name"] for f in detail["artefacts"] if f["name"] != KNOWN]
    gotten = {f: client.get(f"studies/{study}/artefacts/{f}") for f in FILES}
    found += [f for f, answer in gotten.items() if answer.status_code != 403]
    table = client.get(f"batches/{ward.batch}.csv").text.splitlines()
    found += [cell for line in table if study in line for cell in ("positive", "0.91")
              if cell in line]  # fmt: skip
    searched = client.get("studies?q=positive").json()["items"]
    found += [row["id"] for row in searched if row["id"] == study]
    asked = client.post(f"studies/{study}/without", json={"slices": []})
    asked_too = client.get(f"studies/{study}/predictive?prevalence=0.1")
    found += [a.status_code for a in (asked, asked_too) if a.status_code != 403]
    return [one for one in found if one is not None]


def test_a_reader_is_told_no_answer_before_the_own_reading(ward: Ward) -> None:
    study, other = ward.studies
    client = ward.people["rea"].client
    assert client.get(f"studies/{study}").json()["verdict"] == "positive"
    case = contributed(ward.people["ann"], study, "covid19", "p-1")
    for reader in ("rea", "tom", "admin"):
        assert _answers(ward, reader, study) == [], reader
    # The images are what is to be read; of other studies, and to others, everything is told.
    seen = client.get(f"studies/{study}").json()
    assert (seen["withheld"], [f["name"] for f in seen["artefacts"]]) == (True, [KNOWN])
    assert "withheld until you have read" in seen["reason"]
    assert client.get(f"studies/{study}/artefacts/{KNOWN}").status_code == 200
    assert client.get(f"studies/{other}").json()["verdict"] == "positive"
    assert ward.people["ann"].client.get(f"studies/{study}").json()["verdict"] == "positive"
    # Who has read, sees; who is to decide between two, does not yet.
    assert reviewed(ward.people["rea"], case, "neither") == "disputed"
    assert client.get(f"studies/{study}").json()["verdict"] == "positive"
    assert _answers(ward, "tom", study) == []
    assert reviewed(ward.people["tom"], case, "covid19") == "accepted"
    for reader in ("tom", "admin"):
        assert ward.people[reader].client.get(f"studies/{study}").json()["probability"] == 0.91


@pytest.mark.parametrize("order", ["probability", "-probability", "verdict", "-verdict"])
def test_the_order_of_the_worklist_tells_nothing(ward: Ward, order: str) -> None:
    study, _ = ward.studies

    def listed(probability: float, verdict: str) -> list[str]:
        with ward.service.database.writing() as session:
            row = session.get_one(Study, study)
            row.probability, row.verdict = probability, verdict
        items = ward.people["rea"].client.get(f"studies?sort={order}").json()["items"]
        return [item["id"] for item in items]

    contributed(ward.people["ann"], study, "covid19")
    assert listed(0.99, "positive") == listed(0.01, "negative")


def test_a_case_that_is_closed_or_taken_back_withholds_nothing(ward: Ward) -> None:
    for study, end in zip(ward.studies, ("close", "take back"), strict=True):
        case = contributed(ward.people["ann"], study, "covid19")
        client = ward.people["rea"].client
        assert client.get(f"studies/{study}").json()["withheld"]
        if end == "close":
            why = {"reason": "given_by_mistake"}
            closed = ward.people["admin"].client.post(f"contributions/{case}/close", json=why)
            assert closed.status_code == 200
        else:
            assert ward.people["ann"].client.delete(f"contributions/{case}").status_code == 200
        assert client.get(f"studies/{study}").json()["verdict"] == "positive"


def test_what_is_told_as_it_happens_withholds_too(ward: Ward) -> None:
    study, _ = ward.studies
    contributed(ward.people["ann"], study, "covid19")
    for name, told in (("rea", False), ("ann", True)):
        event = asyncio.run(_next_event(ward, name, study))
        assert ("positive" in event, "0.91" in event) == (told, told), name


async def _next_event(ward: Ward, name: str, study: str) -> str:
    """What a watcher is told when something of a study changes."""
    with ward.service.database.reading() as session:
        row: Any = session.get_one(Study, study)
    by = ward.service.accounts.by_cookie(ward.people[name].client.cookies["ctsieve_session"])
    answer = await events(request=None, service=ward.service, by=by)  # type: ignore[arg-type]
    stream = answer.body_iterator.__aiter__()
    assert "retry" in str(await anext(stream))
    ward.service.watchers.tell(by.workspace_id, shown(row))
    while f'"{study}"' not in (event := str(await anext(stream))):
        pass
    return event
