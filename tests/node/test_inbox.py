"""The inbox: whole files or none, one folder a study, nothing forgotten over a restart."""

import errno
import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pydicom
import pytest
from tests.screened import phantom

from ctsieve.node.arrival import WrongInstance
from ctsieve.node.inbox import Inbox
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.types.errors import InputRejected, OutOfResources, UsageError

JOURNAL = 4 << 20


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("study")
    save_dicom(phantom().volume, folder / "s")
    return [path.read_bytes() for path in sorted((folder / "s").iterdir())]


@pytest.fixture(params=[0, JOURNAL], ids=["files", "journal"])
def journal_bytes(request: pytest.FixtureRequest) -> int:
    return int(request.param)


class Taken:
    """Whom studies are handed over to."""

    def __init__(self) -> None:
        self.studies: list[int] = []
        self.contents: dict[str, bytes] = {}

    def __call__(self, files: Mapping[str, Path], sender: str) -> str:
        """Count the study's files; names jobs in order."""
        assert sender in {"", "SENDER"}
        self.studies.append(len(files))
        self.contents = {name: path.read_bytes() for name, path in files.items()}
        return f"job{len(self.studies)}"


def files_in(folder: Path) -> list[Path]:
    """What the inbox holds beside its lock and its journal."""
    hidden = {"inbox.lock", ".journal"}
    return [p for p in folder.rglob("*") if not hidden & set(p.relative_to(folder).parts)]


def test_a_study_is_handed_over_once_and_again_when_more_of_it_comes(
    tmp_path: Path, slices: list[bytes], journal_bytes: int
) -> None:
    taken = Taken()
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as inbox:
        for content in slices[:3]:
            inbox.keep(content, instance="", sender="SENDER")
        assert inbox.hand_over(taken, quiet_seconds=60) == []
        assert inbox.hand_over(taken, quiet_seconds=0) == ["job1"]
        assert inbox.hand_over(taken, quiet_seconds=0) == []
        assert sorted(taken.contents.values()) == sorted(slices[:3])
        inbox.keep(slices[3], instance="", sender="SENDER")
        assert inbox.hand_over(taken, quiet_seconds=0) == ["job2"]
    assert taken.studies == [3, 4]


def test_a_restart_forgets_neither_open_nor_closed_studies(
    tmp_path: Path, slices: list[bytes], journal_bytes: int
) -> None:
    taken = Taken()
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as first:
        first.keep(slices[0], instance="")
    complete, half = slices[1], slices[2][:-100]
    (tmp_path / "in" / f".part-a-{len(complete)}").write_bytes(complete)
    (tmp_path / "in" / f".part-b-{len(slices[2])}").write_bytes(half)
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as second:
        assert not list((tmp_path / "in").glob(".part-*"))
        assert second.hand_over(taken, quiet_seconds=0) == ["job1"]
    assert taken.studies == [2]
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as third:
        assert third.open_studies() == ()


def test_what_came_again_wins(tmp_path: Path, slices: list[bytes]) -> None:
    newer = slices[0].replace(b"CTSIEVE", b"ANOTHER", 1) + b"\0\0"
    for ways in ((0, JOURNAL), (JOURNAL, 0), (JOURNAL, JOURNAL), (0, 0)):
        folder, taken = tmp_path / f"{ways}", Taken()
        for content, size in zip((slices[0], newer), ways, strict=True):
            with Inbox(folder, journal_bytes=size) as inbox:
                inbox.keep(content, instance="")
        with Inbox(folder, journal_bytes=JOURNAL) as inbox:
            inbox.hand_over(taken, quiet_seconds=0)
        assert list(taken.contents.values()) == [newer]


def test_a_journal_that_is_full_loses_nothing(tmp_path: Path, slices: list[bytes]) -> None:
    taken = Taken()
    size = 4 * 2 * (len(slices[0]) + (3 << 12))
    with Inbox(tmp_path / "in", journal_bytes=size) as inbox:
        for number, content in enumerate(slices):
            inbox.keep(content, instance="")
            if number == 15:
                inbox.hand_over(taken, quiet_seconds=60)
        placed = list((tmp_path / "in").rglob("*.dcm"))
        # Beyond the room there was: files at once; and files made to give room.
        assert 0 < len(placed) < len(slices)
        inbox.hand_over(taken, quiet_seconds=0)
    assert sorted(taken.contents.values()) == sorted(slices)


def test_only_one_receives_into_a_folder(tmp_path: Path) -> None:
    with Inbox(tmp_path / "in"), pytest.raises(UsageError, match="another process"):
        Inbox(tmp_path / "in")


def test_what_fails_leaves_nothing(tmp_path: Path, slices: list[bytes], journal_bytes: int) -> None:
    taken = Taken()
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as inbox:
        with pytest.raises(WrongInstance):
            inbox.keep(slices[0], instance="1.2.3")
        with pytest.raises(InputRejected):
            inbox.keep(b"\0" * 128 + b"DICM" + b"nonsense" * 50, instance="")
    with Inbox(tmp_path / "in", min_free_bytes=1 << 60) as full:
        with pytest.raises(OutOfResources, match="MB are free"):
            full.keep(slices[0], instance="")
        assert full.hand_over(taken, quiet_seconds=0) == []
    assert files_in(tmp_path / "in") == []


def test_a_job_that_cannot_be_made_leaves_the_study_open(
    tmp_path: Path, slices: list[bytes], journal_bytes: int
) -> None:
    def fails(files: Mapping[str, Path], sender: str) -> str:
        raise OutOfResources("the disk is full")

    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as inbox:
        inbox.keep(slices[0], instance="")
        with pytest.raises(OutOfResources):
            inbox.hand_over(fails, quiet_seconds=0)
        assert len(inbox.open_studies()) == 1


def test_a_study_that_cannot_be_handed_over_keeps_no_other_back(
    tmp_path: Path, slices: list[bytes], journal_bytes: int
) -> None:
    taken = Taken()
    other = slices[0].replace(_study_uid(slices[0]), _study_uid(slices[0])[:-1] + b"0")

    def fails_once_each(files: Mapping[str, Path], sender: str) -> str:
        if not broken:
            broken.update(files)
        if broken == set(files):
            raise OSError(errno.EIO, "the disk failed here")
        return taken(files, sender)

    broken: set[str] = set()
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as inbox:
        inbox.keep(slices[1], instance="")
        inbox.keep(other, instance="")
        with pytest.raises(OSError, match="failed here"):
            inbox.hand_over(fails_once_each, quiet_seconds=0)
        assert taken.studies == [1]
        assert len(inbox.open_studies()) == 1


def _study_uid(content: bytes) -> bytes:
    return str(pydicom.dcmread(io.BytesIO(content)).StudyInstanceUID).encode()


def test_what_was_acknowledged_and_could_not_be_placed_is_placed_later(
    tmp_path: Path, slices: list[bytes], journal_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Taken()
    full = OSError(errno.ENOSPC, "No space left on device")
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as inbox:
        inbox.keep(slices[0], instance="")
        with monkeypatch.context() as patched:
            patched.setattr(inbox, "_lock", Mock(side_effect=full))
            inbox.keep(slices[1], instance="")
            # Not without the slice that the sender was told is safe.
            with pytest.raises(OSError, match="No space"):
                inbox.hand_over(taken, quiet_seconds=0)
        assert taken.studies == []
        assert inbox.hand_over(taken, quiet_seconds=0) == ["job1"]
    assert taken.studies == [2]


def test_a_start_on_a_full_disk_throws_nothing_away(
    tmp_path: Path, slices: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "in" / f".part-a-{len(slices[0])}"
    with Inbox(tmp_path / "in") as inbox:
        left.write_bytes(slices[0])
        with monkeypatch.context() as patched:
            patched.setattr(inbox, "_lock", Mock(side_effect=OSError(errno.ENOSPC, "full")))
            with pytest.raises(OSError, match="full"):
                inbox._adopt(left)
        assert left.is_file()
    with Inbox(tmp_path / "in") as inbox:
        assert len(inbox.open_studies()) == 1


def test_a_study_that_was_half_removed_is_never_taken_for_an_open_one(
    tmp_path: Path, slices: list[bytes], journal_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed_halfway(folder: Path, **_: object) -> None:
        (folder / ".closed").unlink()
        min(folder.glob("*.dcm")).unlink()
        raise KeyboardInterrupt

    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as inbox:
        for content in slices[:3]:
            inbox.keep(content, instance="")
        inbox.hand_over(Taken(), quiet_seconds=0)
        with monkeypatch.context() as patched:
            patched.setattr("ctsieve.node.inbox.shutil.rmtree", killed_halfway)
            with pytest.raises(KeyboardInterrupt):
                inbox.forget(before=1e12, settled=lambda _: True)
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as again:
        assert again.open_studies() == ()
    assert files_in(tmp_path / "in") == []


def test_every_job_of_a_study_is_asked_before_it_goes(
    tmp_path: Path, slices: list[bytes], journal_bytes: int
) -> None:
    asked: list[str] = []

    def settled(job: str) -> bool:
        asked.append(job)
        return job != unsettled

    taken, unsettled = Taken(), "job1"
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as inbox:
        inbox.keep(slices[0], instance="")
        assert inbox.hand_over(taken, quiet_seconds=0) == ["job1"]
        inbox.keep(slices[1], instance="")
        assert inbox.hand_over(taken, quiet_seconds=0) == ["job2"]
        inbox.forget(before=1e12, settled=settled)
        assert asked == ["job1", "job2"]
        assert len(list((tmp_path / "in").rglob("*.dcm"))) == 2
        unsettled = ""
        inbox.forget(before=1e12, settled=settled)
    assert files_in(tmp_path / "in") == []


def _answer(settled: bool, job: str) -> bool:
    assert job == "job1"
    return settled


def test_old_studies_go_once_they_are_settled(
    tmp_path: Path, slices: list[bytes], journal_bytes: int
) -> None:
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as inbox:
        inbox.keep(slices[0], instance="")
        inbox.hand_over(Taken(), quiet_seconds=0)
        for before, settled, left in ((0.0, True, 3), (1e12, False, 3), (1e12, True, 0)):
            inbox.forget(before=before, settled=partial(_answer, settled))
            assert len(files_in(tmp_path / "in")) == left
    # Nor does the journal bring back what is gone.
    with Inbox(tmp_path / "in", journal_bytes=journal_bytes) as again:
        assert again.open_studies() == ()
