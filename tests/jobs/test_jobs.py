"""Jobs: the same order is the same job, each has one outcome, deliveries go on until they work."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.screened import phantom
from tests.tiny_bundle import make_tiny_bundle

from ctsieve.jobs import work
from ctsieve.jobs.desk import Desk
from ctsieve.jobs.engine import Jobs
from ctsieve.jobs.records import Job, Order, Outcome
from ctsieve.jobs.settings import JobSettings
from ctsieve.jobs.storage import Storage
from ctsieve.jobs.studies import freeze
from ctsieve.jobs.work import Worker
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.types.errors import PeerRefused, UnknownName, UsageError

names = st.text("abcdef0123456789", min_size=1, max_size=8)
contents = st.dictionaries(names, st.binary(max_size=20), min_size=1, max_size=5)


def frozen(home: Path, *, kind: str = "covid") -> Order:
    """An order for a phantom that lies below `home`."""
    source = home / f"source-{kind}"
    save_dicom(phantom(kind).volume, source)
    digest, study = freeze(home, {p.name: p for p in source.iterdir()})
    return order(home, study=study, digest=digest)


def order(home: Path, *, study: str, digest: str, **changes: object) -> Order:
    bundle = str(make_tiny_bundle(home / "bundle").folder)
    return Order.model_validate(
        {"study": study, "digest": digest, "formats": ("json",), "bundle": bundle, **changes}
    )


def settled(jobs: Jobs, job_id: str) -> Job:
    end = time.monotonic() + 60
    while not (job := jobs.job(job_id)).is_settled:
        assert time.monotonic() < end, job
        time.sleep(0.05)
    return job


def quick(home: Path) -> JobSettings:
    return JobSettings(home=home, threads=1, poll_seconds=0.1, waits_seconds=(0, 0.1, 0.1))


@settings(max_examples=25, deadline=None)
@given(contents, contents)
def test_studies_have_one_digest_exactly_when_they_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    home = tmp_path_factory.mktemp("home")
    digests = []
    for number, study in enumerate((one, other, dict(reversed(one.items())))):
        folder = home / str(number)
        folder.mkdir()
        for name, content in study.items():
            (folder / name).write_bytes(content)
        digests.append(freeze(home, {name: folder / name for name in study})[0])
    assert (digests[0] == digests[1]) == (one == other)
    assert digests[0] == digests[2]


def test_a_frozen_study_stays_when_its_files_are_replaced(tmp_path: Path) -> None:
    file, newer = tmp_path / "a.dcm", tmp_path / "b.dcm"
    file.write_bytes(b"first")
    _, study = freeze(tmp_path, {"a.dcm": file})
    newer.write_bytes(b"second")
    newer.replace(file)
    assert (tmp_path / study / "a.dcm").read_bytes() == b"first"


def test_the_order_names_the_job() -> None:
    first = Order(study="studies/a", digest="a", formats=("json", "html"))
    assert first.id == first.model_copy(update={"formats": ("html", "json")}).id
    for change in ({"digest": "b"}, {"bundle_digest": "c"}, {"owner": "w"}, {"formats": ("json",)}):
        assert first.model_copy(update=change).id != first.id


def test_a_worker_that_finds_the_result_computes_nothing(tmp_path: Path) -> None:
    asked = frozen(tmp_path)
    seen: list[str] = []
    first = Worker(Storage(tmp_path), threads=1).do(asked, stage=lambda name, *_: seen.append(name))
    again = Worker(Storage(tmp_path), threads=1).do(
        asked, stage=lambda name, *_: seen.append(f"2 {name}")
    )
    assert first == again
    assert list(dict.fromkeys(seen)) == ["reading", "judging", "writing"]


def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"no image" * 100)
    digest, study = freeze(tmp_path, {"noise": tmp_path / "noise"})
    asked = order(tmp_path, study=study, digest=digest)
    outcome = Worker(Storage(tmp_path), threads=1).do(asked, stage=lambda *_: None)
    assert outcome.state == "refused"
    assert outcome.reason
    assert outcome.hint
    assert not outcome.files


def test_a_format_that_cannot_hold_the_study_is_left_out_with_the_reason(tmp_path: Path) -> None:
    asked = frozen(tmp_path).model_copy(update={"formats": ("json", "dicom-seg")})
    (tmp_path / asked.study / "extra.txt").write_text("no image")
    outcome = Worker(Storage(tmp_path), threads=1).do(asked, stage=lambda *_: None)
    assert {"screening.json"} <= set(outcome.files)
    assert set(outcome.left_out) <= {"dicom-seg"}


@pytest.mark.slow
def test_a_job_goes_its_way_once(tmp_path: Path) -> None:
    sent: list[Sequence[Path]] = []

    def archive(files: Sequence[Path]) -> None:
        sent.append(files)
        if len(sent) < 3:
            raise PeerRefused("not now")

    def closed(files: Sequence[Path]) -> None:
        raise PeerRefused(f"never any of {len(files)}")

    asked = frozen(tmp_path).model_copy(
        update={"owner": "w1", "destinations": ("archive", "closed")}
    )
    destinations = {"archive": archive, "closed": closed}
    with Jobs(quick(tmp_path), destinations=destinations) as jobs:
        with pytest.raises(UsageError, match="another process"), Jobs(quick(tmp_path)):
            pass
        with pytest.raises(UnknownName, match="nowhere"):
            jobs.submit(asked.model_copy(update={"destinations": ("nowhere",)}))
        job_id = jobs.submit(asked)
        assert jobs.submit(asked) == job_id
        stages = dict.fromkeys(stage for stage, _, _ in jobs.progress(job_id))
        assert list(stages) == ["reading", "judging", "writing"]
        job = settled(jobs, job_id)
        assert job.state == "screened"
        assert {d.destination: d.state for d in job.deliveries} == {
            "archive": "delivered",
            "closed": "failed",
        }
        assert "never any" in job.deliveries[1].reason
        assert [len(files) for files in sent] == [1, 1, 1]
        kept = jobs.results(job_id) / "outcome.json"
        assert Outcome.model_validate_json(kept.read_bytes()) == job.outcome
        assert [j.id for j in jobs.jobs(owner="w1")] == [job_id]
        assert jobs.jobs(owner="w2") == []
        jobs.forget(job_id)
        with pytest.raises(UnknownName):
            jobs.job(job_id)


@pytest.mark.slow
def test_of_a_study_that_is_deleted_while_it_is_judged_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = work._written
    asked = frozen(tmp_path)
    done = threading.Event()

    def deleted_meanwhile(*given: Any) -> Any:  # noqa: ANN401  as the function it wraps
        other = threading.Thread(target=lambda: Desk(tmp_path).forget(asked.id))
        other.start()
        other.join()
        done.set()
        return written(*given)

    monkeypatch.setattr(work, "_written", deleted_meanwhile)
    with Jobs(quick(tmp_path)) as jobs:
        jobs.submit(asked)
        assert done.wait(60)
        end = time.monotonic() + 10
        while (left := list((tmp_path / work.RESULTS).iterdir())) and time.monotonic() < end:
            time.sleep(0.1)
    assert left == []


def test_a_database_has_the_jobs_of_one_home(tmp_path: Path) -> None:
    shared = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    for _ in range(2):
        Desk(tmp_path / "ward", database=shared).close()
    with pytest.raises(UsageError, match="jobs of another folder"):
        Desk(tmp_path / "clinic", database=shared)
    elsewhere = replace(quick(tmp_path / "clinic"), database=shared)
    with pytest.raises(UsageError, match="jobs of another folder"), Jobs(elsewhere):
        pass
    Desk(tmp_path / "clinic").close()


@pytest.mark.slow
def test_a_defect_is_a_failure_with_a_reason_that_quotes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("MUSTERMANN^ERIKA")

    monkeypatch.setattr("ctsieve.jobs.work.read_study", broken)
    with Jobs(quick(tmp_path)) as jobs:
        job = settled(jobs, jobs.submit(frozen(tmp_path)))
    assert job.state == "failed"
    assert "RuntimeError" in job.reason
    assert "MUSTERMANN" not in job.model_dump_json()
