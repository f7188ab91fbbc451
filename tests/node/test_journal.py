"""The journal: what was committed is there after a crash, whole and once; nothing else is."""

import errno
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctsieve.node.journal import PAGE, SEGMENTS, Journal, Record

SIZE = SEGMENTS * 16 * PAGE
"""Sixteen pages a segment: one for its name, then room for seven records of a page."""


@contextmanager
def opened(folder: Path, size: int = SIZE) -> Iterator[Journal]:
    """The journal as a process finds it, and as it leaves it when it is killed."""
    journal = Journal(folder, size)
    yield journal
    journal.close()


def commit(journal: Journal, content: bytes) -> Record | None:
    """One content, durable; None where there is no room."""
    record = journal.begin(content)
    if record is not None:
        journal.commit(record, content)
    return record


def found(folder: Path) -> list[bytes]:
    """What a new process finds."""
    with opened(folder) as journal:
        return [record.content() for record in journal.records]


def test_what_was_committed_is_found_in_order(tmp_path: Path) -> None:
    contents = [bytes([k]) * (1 + k * 1700) for k in range(6)]
    with opened(tmp_path) as journal:
        for content in contents[:3]:
            assert commit(journal, content)
    with opened(tmp_path) as journal:
        for content in contents[3:]:
            assert commit(journal, content)
    assert found(tmp_path) == contents


def test_what_was_not_committed_is_a_gap(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        commit(journal, b"first")
        assert journal.begin(b"never" * 2000)
        commit(journal, b"last")
    assert found(tmp_path) == [b"first", b"last"]


def test_what_was_torn_is_left_out(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        commit(journal, b"first")
        torn = commit(journal, os.urandom(2 * PAGE))
        commit(journal, b"last")
    assert torn is not None
    segment = tmp_path / "segment-0"
    content = bytearray(segment.read_bytes())
    middle = torn.offset + 2 * PAGE
    content[middle : middle + 512] = bytes(512)
    segment.write_bytes(content)
    assert found(tmp_path) == [b"first", b"last"]


def test_what_is_settled_is_not_found(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        records = [commit(journal, bytes([k])) for k in range(4)]
        journal.settle([r for r in records[:2] if r])
    assert found(tmp_path) == [bytes([2]), bytes([3])]


def test_room_ends_and_comes_back_without_what_was_there(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        records: list[Record] = []
        while record := commit(journal, b"old" * 1000):
            records.append(record)
        assert len(records) == SEGMENTS * 7
        assert any(journal.full(r) for r in records)
        journal.settle(records[:7])
        assert commit(journal, b"new")
    assert found(tmp_path) == [b"old" * 1000] * (SEGMENTS - 1) * 7 + [b"new"]


def test_a_content_that_looks_like_a_record_is_none(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        first = commit(journal, b"x" * PAGE)
        assert first is not None
        segment = (tmp_path / "segment-0").read_bytes()
        forged = segment[first.offset : first.offset + 2 * PAGE]
        # Until it begins again: a sender cannot know the token that it has then.
        records = [first]
        while record := commit(journal, b"y" * 12 * PAGE):
            records.append(record)
        journal.settle(records)
        assert journal.begin(forged * 5)
    assert found(tmp_path) == []


def test_many_wait_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs, real, lock = [0], os.fdatasync, threading.Lock()

    def counted(handle: int) -> None:
        with lock:
            syncs[0] += 1
        real(handle)

    monkeypatch.setattr(os, "fdatasync", counted)
    contents = [os.urandom(3000) for _ in range(200)]
    with opened(tmp_path, SEGMENTS * 402 * PAGE) as journal, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda content: commit(journal, content), contents))
    assert sorted(found(tmp_path)) == sorted(contents)
    assert syncs[0] < len(contents)


def test_what_settles_later_makes_earlier_marks_durable_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could bring back an old record after the newer one has become a file."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    with opened(tmp_path) as journal:
        old = commit(journal, b"o" * 12 * PAGE)
        new = commit(journal, b"n" * 12 * PAGE)
        assert old is not None
        assert new is not None
        assert old.segment is not new.segment
        synced.clear()
        journal.settle([old], durably=False)
        assert synced == []
        journal.settle([new])
        assert len(set(synced)) == 2


def test_a_disk_that_fails_is_not_believed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with opened(tmp_path) as journal:
        record = journal.begin(b"x")
        assert record is not None
        with monkeypatch.context() as patched:
            patched.setattr(os, "fdatasync", fails)
            with pytest.raises(OSError, match="Input/output"):
                journal.commit(record, b"x")
        with pytest.raises(OSError, match="Input/output"):
            journal.commit(record, b"x")
        other = commit(journal, b"y")
        assert other is not None
        assert other.segment is not record.segment


def test_another_size_keeps_what_is_not_settled(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        commit(journal, b"kept")
    with opened(tmp_path, 2 * SIZE) as journal:
        assert [r.content() for r in journal.records] == [b"kept"]
        sizes = [(tmp_path / f"segment-{k}").stat().st_size for k in range(SEGMENTS)]
        assert sizes == [SIZE // SEGMENTS] + [2 * SIZE // SEGMENTS] * 3
        assert commit(journal, b"z" * 20 * PAGE)
        journal.settle(journal.records)
    with opened(tmp_path, 2 * SIZE):
        assert (tmp_path / "segment-0").stat().st_size == 2 * SIZE // SEGMENTS
