"""Received instances on disk: complete before they are acknowledged, grouped by study.

The disk is the only memory: after a crash every study that was not handed over yet is still open.
"""

import hashlib
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ctsieve.jobs.durable import GrowingFile, sync_folder, write_synced
from ctsieve.readers.dicom import identify
from ctsieve.types.errors import InputRejected, OutOfResources

logger = logging.getLogger(__name__)

CLOSED: Final = ".closed"
"""In the folder of a study that was handed over; holds the id of its job."""
_PART: Final = ".part-"
_CHECK_BYTES: Final = 16 << 20
"""So much of an instance is written between two looks at the free space."""

HandOver = Callable[[Mapping[str, Path], str], str]
"""Takes a complete study (file names and files) and its sender; returns the id of its job."""


class WrongInstance(InputRejected):
    """The data set is another instance than the message around it says."""


class Inbox:
    """Studies on their way in, below `folder`.  Safe to use from many threads."""

    def __init__(self, folder: Path, *, min_free_bytes: int = 0) -> None:
        self._folder = folder
        self._min_free = min_free_bytes
        self._locks: dict[str, threading.Lock] = {}
        self._arrived: dict[str, float] = {}
        self._senders: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{_PART}*"):
            self._adopt(left)
        for study in self._studies():
            if not (study / CLOSED).exists():
                self._arrived[study.name] = time.monotonic()

    def arrival(self) -> "Arrival":
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

    def open_studies(self) -> tuple[str, ...]:
        """Names of the studies that are not handed over yet."""
        return tuple(self._arrived)

    def hand_over(self, to: HandOver, *, quiet_seconds: float) -> list[str]:
        """Give every study to `to` of which nothing came for so long; returns the jobs' ids."""
        limit = time.monotonic() - quiet_seconds
        quiet = [name for name, at in list(self._arrived.items()) if at <= limit]
        return [self._close(name, to) for name in quiet]

    def forget(self, *, before: float, settled: Callable[[str], bool]) -> None:
        """Remove studies handed over before that time (seconds since 1970) whose job is settled."""
        for study in self._studies():
            with self._lock(study.name):
                closed = study / CLOSED
                is_old = closed.is_file() and closed.stat().st_mtime < before
                if is_old and settled(closed.read_text("ascii")):
                    shutil.rmtree(study)

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

    def place(self, part: Path, *, study: str, instance: str, sender: str) -> None:
        """Give a durable file its place among the others of its study, both named by their UIDs."""
        name = _name(study)
        folder = self._folder / name
        with self._lock(name):
            if not folder.is_dir():
                folder.mkdir()
                sync_folder(self._folder)
            # Before the rename: a crash between the two must leave the study open, not closed.
            (folder / CLOSED).unlink(missing_ok=True)
            # Not synchronised, which would take longer than the file itself: when the power fails
            # before the new name is on disk, the old one is, and the next start adopts it.
            part.replace(folder / f"{_name(instance)}.dcm")
            self._arrived[name] = time.monotonic()
            self._senders[name] = sender

    def _adopt(self, part: Path) -> None:
        """Keep a file that a former process had complete on disk; it may be acknowledged."""
        try:
            if part.stat().st_size == int(part.name.rpartition("-")[2]):
                study, instance = identify(part)
                self.place(part, study=study, instance=instance, sender="")
        except (InputRejected, ValueError):
            logger.warning("an incomplete file of a former process was removed")
        finally:
            part.unlink(missing_ok=True)

    def _lock(self, study: str) -> threading.Lock:
        return self._locks.setdefault(study, threading.Lock())

    def _studies(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_dir()]

    def _close(self, name: str, to: HandOver) -> str:
        folder = self._folder / name
        with self._lock(name):
            files = {path.name: path for path in folder.glob("*.dcm")}
            job = to(files, self._senders.pop(name, ""))
            write_synced(folder / CLOSED, job.encode("ascii"))
            sync_folder(folder)
            del self._arrived[name]
        return job


class Arrival:
    """One DICOM file on its way into an inbox: in the end it is kept whole, or not at all."""

    def __init__(self, inbox: Inbox, part: Path) -> None:
        self._inbox = inbox
        self._file = GrowingFile(part)
        self._unchecked = 0
        self._kept: tuple[str, str] | None = None

    def write(self, data: bytes | memoryview) -> None:
        """Add the next bytes; after an error nothing is left.

        Raises:
            OutOfResources: the disk is full, or nearly.
        """
        try:
            self._unchecked += len(data)
            if self._unchecked > _CHECK_BYTES:
                self._inbox.check_space()
                self._unchecked = 0
            self._file.write(data)
        except BaseException:
            self.drop()
            raise

    def keep(self, *, instance: str) -> None:
        """Make the file, which is complete, durable; after this it is to be placed.

        When this returns it survives a power cut: the next start places what was not placed.

        `instance` is the SOP Instance UID the message named; the empty text if it named none.

        Raises:
            OutOfResources: the disk is full.
            InputRejected: it is no CT image, or another instance.
            UnreadableStudy: it is damaged, hostile or beyond the limits.
        """
        try:
            # The size in the name tells a later start which of the files left are complete.
            part = self._file.path
            self._file.begin(part.with_name(f"{part.name}-{self._file.size}"))
            # Looked at while the disk works.
            self._kept = _identified(self._file.path, instance)
            self._file.sync()
        except BaseException:
            self._kept = None
            self.drop()
            raise
        self._file.close()

    def place(self, *, sender: str = "") -> None:
        """Put the file among the others of its study; nothing happens where it was not kept.

        After the acknowledgement, whose sender need not wait for this.
        """
        if self._kept is not None:
            study, instance = self._kept
            self._inbox.place(self._file.path, study=study, instance=instance, sender=sender)
            self._kept = None

    def drop(self) -> None:
        """Leave nothing of what was not kept."""
        self._file.close()
        self._file.path.unlink(missing_ok=True)


def _identified(file: Path, instance: str) -> tuple[str, str]:
    """Study and SOP Instance UID of a file that should be `instance`."""
    study, found = identify(file)
    if instance and found != instance:
        raise WrongInstance("the data set is another instance than the message says")
    return study, found


def _name(uid: str) -> str:
    """A file name for a UID: UIDs are a stranger's text, of any length and with any characters."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]
