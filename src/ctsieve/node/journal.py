"""What was received, in the order it came: one preallocated log instead of a new file each time.

A new file costs a file system several writes until it is durable; overwriting blocks it has already
costs one.  `docs/decisions/0017-journal-of-the-inbox.md` says what that is worth.

A segment is a page that names it, then records: a page that describes the record, and its content
in whole pages.  Every segment gets a random token when it is begun again, so that what it held
before, or what a sender put into an image, is never taken for a record.
"""

import os
import secrets
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ctsieve.jobs.durable import begin_writing, sync_folder

PAGE: Final = 4096
SEGMENTS: Final = 4
"""While one is written, others are emptied."""
_MAGIC: Final = b"ctsieve1"
_TOKEN_BYTES: Final = 16
_HEADER: Final = struct.Struct("<8s16sQQQI")
"""Magic, token of the segment, number, length and sum of the content, CRC-32 of all that."""
_STATE: Final = _HEADER.size
"""Offset in its page of the byte that says whether the record is settled."""
_SETTLED: Final = b"\1"
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """A place in the journal; `number` counts up through all segments."""

    segment: "_Segment"
    offset: int
    length: int
    number: int

    def content(self) -> bytes:
        """What was written there."""
        return self.segment.read(self)


class Journal:
    """A log of contents below one folder.  Safe to use from many threads, not processes."""

    def __init__(self, folder: Path, size: int) -> None:
        """Open it, or make one of `size` bytes; `records` are those of a former process.

        Raises:
            OSError: the disk is full.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        length = size // SEGMENTS // PAGE * PAGE
        self._segments = [_Segment(folder / f"segment-{k}", length) for k in range(SEGMENTS)]
        sync_folder(folder)
        self.records = sorted((r for s in self._segments for r in s.scan()), key=lambda r: r.number)
        self._number = self.records[-1].number + 1 if self.records else 0
        self._active = self._segments[0]
        self._syncing = threading.Lock()
        self._marked: list[_Segment] = []
        """Whose marks of settled records may not be on disk yet."""

    def begin(self, content: bytes) -> Record | None:
        """Write `content` and let the disk begin; None where there is no room now."""
        with self._lock:
            segment = self._with_room(PAGE + _padded(len(content)))
            if segment is None:
                return None
            self._number += 1
            record = Record(
                segment=segment, offset=segment.end, length=len(content), number=self._number
            )
            segment.end += PAGE + _padded(len(content))
            segment.live += 1
        segment.write(record, content)
        return record

    def commit(self, record: Record, content: bytes) -> None:
        """Make it durable; one wait for the disk serves everybody who waits.

        Raises:
            OSError: the disk failed; nothing is promised.
        """
        record.segment.describe(record, content)
        record.segment.sync()

    def abandon(self, record: Record) -> None:
        """Forget a record that was begun and not committed."""
        with self._lock:
            record.segment.live -= 1

    def settle(self, records: list[Record], *, durably: bool = True) -> None:
        """Say that these are not needed any more; their room is used again.

        Not `durably`, a start may find them again until somebody settles durably: enough where a
        later record replaces each, which is settled later.
        """
        for record in records:
            record.segment.mark(record)
        with self._lock:
            self._marked += [record.segment for record in records]
        if durably:
            self._sync_marks()
        with self._lock:
            for record in records:
                record.segment.live -= 1

    def _sync_marks(self) -> None:
        """Wait until every mark made before is on disk."""
        with self._syncing:
            with self._lock:
                marked = list(self._marked)
            for segment in set(marked):
                segment.sync()
            with self._lock:
                del self._marked[: len(marked)]

    def full(self, record: Record) -> bool:
        """Whether a record is in a segment that waits for being emptied."""
        return record.segment is not self._active

    def close(self) -> None:
        """Close its files; what is in it stays."""
        for segment in self._segments:
            segment.close()

    def _with_room(self, size: int) -> "_Segment | None":
        others = [segment for segment in self._segments if segment is not self._active]
        for segment in (self._active, *others):
            if segment.failure is None and segment.makes_room(size):
                self._active = segment
                return segment
        return None


class _Segment:
    """One file of the journal."""

    def __init__(self, path: Path, length: int) -> None:
        self.end = PAGE
        self.live = 0
        self.failure: OSError | None = None
        self._synced = threading.Condition()
        self._asked = self._done = 0
        self._is_syncing = False
        if not path.is_file():
            _allocate(path, length)
        self._open(path)
        if self.length != length and not any(self.scan()):
            os.close(self._handle)
            _allocate(path, length)
            self._open(path)

    def _open(self, path: Path) -> None:
        self.length = path.stat().st_size
        self._handle = os.open(path, os.O_RDWR)
        self._token = os.pread(self._handle, _TOKEN_BYTES, 0)

    def scan(self) -> Iterator[Record]:
        """The records that are whole and not settled; room begins behind the last whole one."""
        at, self.end, self.live = PAGE, PAGE, 0
        while at + PAGE <= self.length:
            page = os.pread(self._handle, PAGE, at)
            record = self._described(page, at)
            if record is None:
                # What was not committed leaves a gap of unknown length.
                at += PAGE
                continue
            at += PAGE + _padded(record.length)
            self.end = at
            if page[_STATE : _STATE + 1] != _SETTLED:
                self.live += 1
                yield record

    def makes_room(self, size: int) -> bool:
        """Whether `size` bytes fit behind its records, or in their place if all are settled."""
        if self.end + size <= self.length:
            return True
        if self.live or PAGE + size > self.length:
            return False
        # With another token, no record it has is one any more.
        self._token = secrets.token_bytes(_TOKEN_BYTES)
        os.pwrite(self._handle, self._token.ljust(PAGE, b"\0"), 0)
        self.end = PAGE
        return True

    def write(self, record: Record, content: bytes) -> None:
        """Write a content, and let the disk begin."""
        # Whole pages: of a part of one the system would have to read the rest first.
        filling = bytes(_padded(record.length) - record.length)
        start = record.offset + PAGE
        _write_all(self._handle, content, filling, at=start)
        begin_writing(self._handle, start=start, length=record.length)

    def describe(self, record: Record, content: bytes) -> None:
        """Write the page that makes a content a record."""
        fields = (_MAGIC, self._token, record.number, record.length, _sum(content))
        described = _HEADER.pack(*fields, 0)[:-4]
        page = (described + zlib.crc32(described).to_bytes(4, "little")).ljust(PAGE, b"\0")
        os.pwrite(self._handle, page, record.offset)

    def mark(self, record: Record) -> None:
        """Mark a record as settled."""
        os.pwrite(self._handle, _SETTLED, record.offset + _STATE)

    def read(self, record: Record) -> bytes:
        """The content of a record."""
        return os.pread(self._handle, record.length, record.offset + PAGE)

    def sync(self) -> None:
        """Wait until all that was written before is on disk."""
        with self._synced:
            self._asked += 1
            mine = self._asked
            while self._done < mine:
                if self.failure is not None:
                    raise self.failure
                if self._is_syncing:
                    self._synced.wait()
                else:
                    self._sync_all()

    def _sync_all(self) -> None:
        """Synchronise for everybody who has asked until now; the condition is held."""
        until, self._is_syncing = self._asked, True
        self._synced.release()
        try:
            (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(self._handle)
        except OSError as error:
            # Once it has told so, the system takes the pages for clean: trying again would lie.
            self.failure = error
        finally:
            self._synced.acquire()
            self._is_syncing = False
            self._synced.notify_all()
        if self.failure is None:
            self._done = until

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def _described(self, page: bytes, at: int) -> Record | None:
        magic, token, number, length, total, crc = _HEADER.unpack_from(page)
        if magic != _MAGIC or token != self._token or zlib.crc32(page[: _STATE - 4]) != crc:
            return None
        record = Record(segment=self, offset=at, length=length, number=number)
        is_whole = at + PAGE + _padded(length) <= self.length
        return record if is_whole and _sum(self.read(record)) == total else None


def _allocate(path: Path, length: int) -> None:
    """A file whose blocks are written: to overwrite them changes nothing but their content."""
    path.unlink(missing_ok=True)
    try:
        with path.open("wb") as file:
            file.write(secrets.token_bytes(_TOKEN_BYTES))
            for at in range(_TOKEN_BYTES, length, _CHUNK):
                file.write(bytes(min(_CHUNK, length - at)))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _write_all(handle: int, *parts: bytes, at: int) -> None:
    for part in parts:
        left = memoryview(part)
        while left:
            written = os.pwrite(handle, left, at)
            left, at = left[written:], at + written


def _padded(length: int) -> int:
    return -(-length // PAGE) * PAGE


def _sum(content: bytes) -> int:
    """Tells whole from torn at the speed of memory; it is no defence against anybody."""
    whole = len(content) // 8 * 8
    words = np.frombuffer(content, "<u8", whole // 8)
    total = int(np.add.reduce(words)) + int.from_bytes(content[whole:], "little")
    return (total + len(content)) % (1 << 64)
