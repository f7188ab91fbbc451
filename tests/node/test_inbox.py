"""The inbox: whole files or none, one folder a study, nothing forgotten over a restart."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from tests.screened import phantom

from ctsieve.node.inbox import Inbox, WrongInstance
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.types.errors import InputRejected, OutOfResources


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("study")
    save_dicom(phantom().volume, folder / "s")
    return [path.read_bytes() for path in sorted((folder / "s").iterdir())]


class Taken:
    """Whom studies are handed over to."""

    def __init__(self) -> None:
        self.studies: list[int] = []

    def __call__(self, files: Mapping[str, Path], sender: str) -> str:
        """Count the study's files; names jobs in order."""
        assert sender in {"", "SENDER"}
        self.studies.append(len(files))
        return f"job{len(self.studies)}"


def test_a_study_is_handed_over_once_and_again_when_more_of_it_comes(
    tmp_path: Path, slices: list[bytes]
) -> None:
    inbox, taken = Inbox(tmp_path / "in"), Taken()
    for content in slices[:3]:
        inbox.keep(content, instance="", sender="SENDER")
    assert inbox.hand_over(taken, quiet_seconds=60) == []
    assert inbox.hand_over(taken, quiet_seconds=0) == ["job1"]
    assert inbox.hand_over(taken, quiet_seconds=0) == []
    inbox.keep(slices[3], instance="", sender="SENDER")
    assert inbox.hand_over(taken, quiet_seconds=0) == ["job2"]
    assert taken.studies == [3, 4]


def test_a_restart_forgets_neither_open_nor_closed_studies(
    tmp_path: Path, slices: list[bytes]
) -> None:
    taken = Taken()
    Inbox(tmp_path / "in").keep(slices[0], instance="")
    complete, half = slices[1], slices[2][:-100]
    (tmp_path / "in" / f".part-a-{len(complete)}").write_bytes(complete)
    (tmp_path / "in" / f".part-b-{len(slices[2])}").write_bytes(half)
    second = Inbox(tmp_path / "in")
    assert not list((tmp_path / "in").glob(".part-*"))
    assert second.hand_over(taken, quiet_seconds=0) == ["job1"]
    assert taken.studies == [2]
    assert Inbox(tmp_path / "in").open_studies() == ()


def test_what_fails_leaves_no_file(tmp_path: Path, slices: list[bytes]) -> None:
    inbox = Inbox(tmp_path / "in")
    with pytest.raises(WrongInstance):
        inbox.keep(slices[0], instance="1.2.3")
    with pytest.raises(InputRejected):
        inbox.keep(b"\0" * 128 + b"DICM" + b"nonsense" * 50, instance="")
    full = Inbox(tmp_path / "in", min_free_bytes=1 << 60)
    with pytest.raises(OutOfResources, match="MB are free"):
        full.keep(slices[0], instance="")
    assert list((tmp_path / "in").rglob("*")) == []


def test_a_job_that_cannot_be_made_leaves_the_study_open(
    tmp_path: Path, slices: list[bytes]
) -> None:
    def fails(files: Mapping[str, Path], sender: str) -> str:
        raise OutOfResources("the disk is full")

    inbox = Inbox(tmp_path / "in")
    inbox.keep(slices[0], instance="")
    with pytest.raises(OutOfResources):
        inbox.hand_over(fails, quiet_seconds=0)
    assert len(inbox.open_studies()) == 1


def _answer(settled: bool, job: str) -> bool:
    assert job == "job1"
    return settled


def test_old_studies_go_once_they_are_settled(tmp_path: Path, slices: list[bytes]) -> None:
    inbox = Inbox(tmp_path / "in")
    inbox.keep(slices[0], instance="")
    inbox.hand_over(Taken(), quiet_seconds=0)
    for before, settled, left in ((0.0, True, 1), (1e12, False, 1), (1e12, True, 0)):
        inbox.forget(before=before, settled=partial(_answer, settled))
        assert len(list((tmp_path / "in").iterdir())) == left
