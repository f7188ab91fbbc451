"""Received instances on disk: durable before they are acknowledged, grouped by study.

The disk is the only memory: after a crash every study that was not handed over yet is still open.
What the journal holds becomes files when its study is complete, or when the journal needs room.
"""

import hashlib
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Self

from ctsieve.jobs.durable import GrowingFile, sync_folder
from ctsieve.jobs.locks import only_one
from ctsieve.node.arrival import Arrival, Kept
from ctsieve.node.closing import close, closed_at, is_closed, jobs_of, reopen
from ctsieve.node.journal import Journal, Record
from ctsieve.node.waiting import Waiting
from ctsieve.readers.dicom import identify
from ctsieve.types.errors import CtsieveError, InputRejected, OutOfResources

logger = logging.getLogger(__name__)

SUFFIX: Final = ".dcm"
_PART: Final = ".part-"
_GONE: Final = ".gone-"
_JOURNAL: Final = ".journal"
_AT_ONCE: Final = 64
"""Files that are open while the disk works."""

HandOver = Callable[[Mapping[str, Path], str], str]
"""Takes a complete study (file names and files) and its sender; returns the id of its job."""


class Inbox:
    """Studies on their way in, below `folder`.  Safe to use from many threads."""

    def __init__(self, folder: Path, *, min_free_bytes: int = 0, journal_bytes: int = 0) -> None:
        """Take up what a former process left; without `journal_bytes` every instance is a file.

        Raises:
            UsageError: another process receives into this folder.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._only_one = only_one(folder, "inbox")
        self._folder = folder
        self._min_free = min_free_bytes
        self._locks: dict[str, threading.Lock] = {}
        self._arrived: dict[str, float] = {}
        self._senders: dict[str, str] = {}
        self._records: dict[str, dict[str, Record]] = {}
        """Of each study, by file name: what is in the journal only."""
        self._unplaced = Waiting()
        for left in folder.glob(f"{_GONE}*"):
            shutil.rmtree(left, ignore_errors=True)
        self.journal = self._open_journal(journal_bytes)
        for left in folder.glob(f"{_PART}*"):
            self._adopt(left)
        for study in self._studies():
            if not is_closed(study):
                self._arrived[study.name] = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let another process receive here; what came stays."""
        if self.journal is not None:
            self.journal.close()
        self._only_one.close()

    def arrival(self) -> Arrival:
        """A place for one DICOM file that comes piece by piece.

        Raises:
            OutOfResources: the disk is full, or nearly.
        """
        self.check_space()
        return Arrival(self, self._folder / f"{_PART}{secrets.token_hex(8)}")

    def keep(self, content: bytes, *, instance: str, sender: str = "") -> None:
        """Keep one DICOM file; when this returns it survives a power cut.

        Raises:
            OutOfResources: the disk is full, or nearly.
            InputRejected: it is no CT image, or another instance.
            UnreadableStudy: it is damaged, hostile or beyond the limits.
        """
        arrival = self.arrival()
        arrival.write(content)
        arrival.keep(instance=instance)
        arrival.place(sender=sender)

    def check_space(self) -> None:
        """See that the disk has as much free as must stay so.

        Raises:
            OutOfResources: it has less.
        """
        free = shutil.disk_usage(self._folder).free
        if free < self._min_free:
            raise OutOfResources(
                f"{free >> 20} MB are free, and {self._min_free >> 20} must stay so",
                hint="free some space, or lower min_free_mb",
            )

    def place(self, kept: Kept, *, study: str, instance: str, sender: str) -> None:
        """Put a durable instance among the others of its study, both named by their UIDs.

        Where the disk lets it not, `hand_over` tries again, and keeps the study open until then.
        """
        try:
            self._place(kept, study=study, instance=instance, sender=sender)
        except OSError as error:
            logger.warning("an instance waits for its place: %s", error.strerror)
            again = partial(self._place, kept, study=study, instance=instance, sender=sender)
            self._unplaced.add(_name(study), again)

    def _place(self, kept: Kept, *, study: str, instance: str, sender: str) -> None:
        name, file = _name(study), f"{_name(instance)}{SUFFIX}"
        folder = self._folder / name
        with self._lock(name):
            if not folder.is_dir():
                folder.mkdir()
                sync_folder(self._folder)
            # Before the rename: a crash between the two must leave the study open, not closed.
            reopen(folder)
            before = self._records.get(name, {}).pop(file, None)
            if before is not None and self.journal is not None:
                # Before the rename: a start must not put the older one in the newer one's place.
                self.journal.settle([before], durably=not isinstance(kept, Record))
            if isinstance(kept, Record):
                self._records.setdefault(name, {})[file] = kept
            else:
                # Not synchronised, which would take longer than the file itself: when the power
                # fails before the new name is on disk, the old one is, and a start adopts it.
                kept.replace(folder / file)
            self._arrived[name] = time.monotonic()
            self._senders[name] = sender

    def open_studies(self) -> tuple[str, ...]:
        """Names of the studies that are not handed over yet."""
        return tuple(self._arrived)

    def hand_over(self, to: HandOver, *, quiet_seconds: float) -> list[str]:
        """Give every study to `to` of which nothing came for so long; returns the jobs' ids.

        The journal gets room again too: call this often.  What goes wrong with one study, told
        at the end, keeps no other back.

        Raises:
            OutOfResources, OSError: the disk is full, or failed.
        """
        failure: Exception | None = self._unplaced.try_again()
        limit = time.monotonic() - quiet_seconds
        waits = self._unplaced.names
        quiet = [n for n, at in list(self._arrived.items()) if at <= limit and n not in waits]
        steps: list[Callable[[], str | None]] = []
        steps += [partial(self._make_room, name) for name in list(self._records)]
        steps += [partial(self._close, name, to, limit=limit) for name in quiet]
        jobs: list[str | None] = []
        for step in steps:
            try:
                jobs.append(step())
            except (CtsieveError, OSError) as error:
                failure = error
        if failure is not None:
            raise failure
        return [job for job in jobs if job is not None]

    def forget(self, *, before: float, settled: Callable[[str], bool]) -> None:
        """Remove studies handed over before that time (seconds since 1970) with settled jobs."""
        for study in self._studies():
            with self._lock(study.name):
                is_old = is_closed(study) and closed_at(study) < before
                # All are asked, also after a no: asking lets go of what a job held.
                if is_old and False not in [settled(job) for job in jobs_of(study)]:
                    # At once: what a crash left of it would be taken for an open study.
                    gone = study.replace(study.with_name(f"{_GONE}{secrets.token_hex(8)}"))
                    shutil.rmtree(gone, ignore_errors=True)

    def _open_journal(self, size: int) -> Journal | None:
        folder = self._folder / _JOURNAL
        free = shutil.disk_usage(self._folder).free
        if not folder.is_dir() and (not size or free < self._min_free + 2 * size):
            return None
        try:
            journal = Journal(folder, size)
        except OSError as error:
            raise OutOfResources(
                f"the journal of {self._folder} cannot be opened: {error.strerror}",
                hint="free some space, or look after the disk",
            ) from error
        self.journal = journal
        for record in journal.records:
            try:
                study, instance = identify(record.content())
            except InputRejected as error:
                # It was looked at before it was acknowledged, by another version then.
                logger.warning("a received instance cannot be read any more: %s", error)
                continue
            self.place(record, study=study, instance=instance, sender="")
        return journal

    def _adopt(self, part: Path) -> None:
        """Keep a file that a former process had complete on disk; it may be acknowledged."""
        try:
            if part.stat().st_size == int(part.name.rpartition("-")[2]):
                study, instance = identify(part)
                self._place(part, study=study, instance=instance, sender="")
        except (InputRejected, ValueError):
            logger.warning("an incomplete file of a former process was removed")
        part.unlink(missing_ok=True)  # not after an error of the disk: it may be acknowledged

    def _lock(self, study: str) -> threading.Lock:
        return self._locks.setdefault(study, threading.Lock())

    def _studies(self) -> list[Path]:
        return [p for p in self._folder.iterdir() if p.is_dir() and p.name[0] != "."]

    def _close(self, name: str, to: HandOver, *, limit: float) -> str | None:
        """Hand a study over; None where something of it has come meanwhile."""
        folder = self._folder / name
        self._write_files(name, list(self._records.get(name, {}).items()))
        with self._lock(name):
            if self._records.get(name) or self._arrived[name] > limit:
                return None
            files = {path.name: path for path in folder.glob(f"*{SUFFIX}")}
            job = to(files, self._senders.get(name, ""))
            close(folder, job)
            self._senders.pop(name, None)
            del self._arrived[name]
        return job

    def _make_room(self, name: str) -> None:
        """Make files of what a study has in segments of the journal that are full."""
        found = self._records.get(name, {}).items()
        self._write_files(
            name, [r for r in list(found) if self.journal and self.journal.full(r[1])]
        )

    def _write_files(self, study: str, records: Sequence[tuple[str, Record]]) -> None:
        """Make durable files of records; instances go on to arrive meanwhile."""
        for at in range(0, len(records), _AT_ONCE):
            self._write_some(study, records[at : at + _AT_ONCE])

    def _write_some(self, study: str, records: Sequence[tuple[str, Record]]) -> None:
        journal = self.journal
        if journal is None:  # then there are no records either
            return
        with ExitStack() as stack:
            files = [stack.enter_context(self._begun(record)) for _, record in records]
            for file in files:
                file.sync()
            with self._lock(study):
                waiting = self._records.get(study, {})
                current = [waiting.get(name) is record for name, record in records]
                for (name, _), file, is_current in zip(records, files, current, strict=True):
                    if is_current:
                        file.path.replace(self._folder / study / name)
                        del waiting[name]
                # What was replaced by a newer one meanwhile is settled by who replaced it.
                settled = [
                    r for (_, r), is_current in zip(records, current, strict=True) if is_current
                ]
                journal.settle(settled)

    @contextmanager
    def _begun(self, record: Record) -> Iterator[GrowingFile]:
        """A file of a record, on its way to the disk; it goes where it is not given a name."""
        part = self._folder / f"{_PART}{secrets.token_hex(8)}"
        file = GrowingFile(part)
        try:
            file.write(record.content())
            file.begin(part.with_name(f"{part.name}-{file.size}"))
            yield file
        finally:
            file.close()
            file.path.unlink(missing_ok=True)


def _name(uid: str) -> str:
    """A file name for a UID: UIDs are a stranger's text, of any length and with any characters."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]
