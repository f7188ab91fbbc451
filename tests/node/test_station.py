"""The node's housekeeping: what of a study goes, and when."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.screened import phantom
from tests.tiny_bundle import make_tiny_bundle

from ctsieve.jobs.records import Job, JobState, Order
from ctsieve.node.settings import NodeSettings
from ctsieve.node.station import Station
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.types.errors import UsageError

LATER = 1e12


class Jobs:
    """Jobs that end as they are told to."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.state = JobState.RUNNING

    def submit(self, order: Order) -> str:
        """Take an order."""
        self.orders[order.id] = order
        return order.id

    def job(self, job_id: str) -> Job:
        """How a job stands."""
        made = datetime.now(UTC)
        return Job(id=job_id, state=self.state, order=self.orders[job_id], created=made)

    def adopt(self) -> int:
        """Nobody else works here."""
        return 0


@pytest.fixture
def slices(tmp_path: Path) -> list[bytes]:
    save_dicom(phantom().volume, tmp_path / "s")
    return [path.read_bytes() for path in sorted((tmp_path / "s").iterdir())]


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def station(tmp_path: Path, jobs: Jobs) -> Iterator[Station]:
    bundle = make_tiny_bundle(tmp_path / "bundle").folder
    settings = NodeSettings(
        home=tmp_path / "home", bundle=str(bundle), min_free_mb=0, journal_mb=0, quiet_seconds=1e-9
    )
    made = Station(settings)
    made.jobs = jobs  # type: ignore[assignment]  # as much of them as is asked
    with made.inbox:
        yield made


def images(home: Path) -> int:
    """How many images lie below the home, under any name."""
    return len(list(home.rglob("*.dcm")))


def test_images_of_a_study_whose_screening_failed_stay_for_the_next_try(
    station: Station, jobs: Jobs, slices: list[bytes]
) -> None:
    station.inbox.keep(slices[0], instance="")
    (job,) = station.hand_over()
    jobs.state = JobState.FAILED
    station.clean(LATER)
    study = station.settings.home / jobs.orders[job].study
    assert len(list(study.iterdir())) == 1
    jobs.state = JobState.SCREENED
    station.clean(LATER)
    assert images(station.settings.home) == 0


def test_of_a_study_that_came_in_two_parts_no_image_stays(
    station: Station, jobs: Jobs, slices: list[bytes]
) -> None:
    for content in slices[:2]:
        station.inbox.keep(content, instance="")
        assert len(station.hand_over()) == 1
    assert images(station.settings.home) > 0
    jobs.state = JobState.SCREENED
    station.clean(LATER)
    assert images(station.settings.home) == 0


@pytest.mark.parametrize(
    "peer",
    [
        {"address": "https://pacs/dicom-web", "password_variable": "NOBODY_SET_THIS"},
        {"address": "dicoms://PACS@pacs:2762", "tls": {"authorities": "/there/is/no.pem"}},
    ],
    ids=["password", "certificate"],
)
def test_a_peer_that_could_never_be_spoken_to_is_told_at_the_start(
    tmp_path: Path, peer: dict[str, object]
) -> None:
    bundle = str(make_tiny_bundle(tmp_path / "bundle").folder)
    told = {"home": tmp_path / "home", "bundle": bundle, "peers": {"pacs": peer}, "journal_mb": 0}
    with pytest.raises(UsageError, match=r"NOBODY_SET_THIS|cannot be read"):
        Station(NodeSettings.model_validate({**told, "send_to": ["pacs"]}))
    with Station(NodeSettings.model_validate({**told, "send_to": ["pacs"], "shadow": True})).inbox:
        pass


def test_housekeeping_that_fails_does_not_end_the_node(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_now: float) -> None:
        station.stop()
        raise OSError("the folder is busy")

    monkeypatch.setattr(station, "clean", busy)
    station.run()
