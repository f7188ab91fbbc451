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

from ctsieve.jobs.durable import sync_file, sync_folder, write_begun, write_synced
from ctsieve.readers.dicom import identify
from ctsieve.types.errors import InputRejected, OutOfResources

logger = logging.getLogger(__name__)

CLOSED: Final = ".closed"
"""In the folder of a study that was handed over; holds the id of its job."""
_PART: Final = ".part-"

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

    def keep(self, content: bytes, *, instance: str, sender: str = "") -> None:
        """Keep one DICOM file; when this returns it survives a power cut.

        `instance` is the SOP Instance UID the message named; the empty text if it named none.

        Raises:
            OutOfResources: the disk is full, or nearly.
            InputRejected: it is no CT image, or another instance.
            UnreadableStudy: it is damaged, hostile or beyond the limits.
        """
        self._check_space(len(content))
        # The size in the name tells a later start which of the files left are complete.
        part = self._folder / f"{_PART}{secrets.token_hex(8)}-{len(content)}"
        try:
            # Looked at while the disk works: waiting for it is most of the time of an instance.
            write_begun(part, content)
            study, found = identify(part)
            if instance and found != instance:
                raise WrongInstance("the data set is another instance than the message says")
            sync_file(part)
            self._place(part, study=_name(study), instance=_name(found), sender=sender)
        finally:
            part.unlink(missing_ok=True)

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

    def _adopt(self, part: Path) -> None:
        """Keep a file that a former process had complete on disk; it may be acknowledged."""
        try:
            if part.stat().st_size == int(part.name.rpartition("-")[2]):
                study, instance = identify(part)
                self._place(part, study=_name(study), instance=_name(instance), sender="")
        except (InputRejected, ValueError):
            logger.warning("an incomplete file of a former process was removed")
        finally:
            part.unlink(missing_ok=True)

    def _lock(self, study: str) -> threading.Lock:
        return self._locks.setdefault(study, threading.Lock())

    def _studies(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_dir()]

    def _check_space(self, size: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if free - size < self._min_free:
            raise OutOfResources(
                f"{free >> 20} MB are free, and {self._min_free >> 20} must stay so",
                hint="free some space, or lower min_free_mb",
            )

    def _place(self, part: Path, *, study: str, instance: str, sender: str) -> None:
        folder = self._folder / study
        with self._lock(study):
            if not folder.is_dir():
                folder.mkdir()
                sync_folder(self._folder)
            # Before the rename: a crash between the two must leave the study open, not closed.
            (folder / CLOSED).unlink(missing_ok=True)
            # Not synchronised, which would take longer than the file itself: when the power fails
            # before the new name is on disk, the old one is, and the next start adopts it.
            part.replace(folder / f"{instance}.dcm")
            self._arrived[study] = time.monotonic()
            self._senders[study] = sender

    def _close(self, name: str, to: HandOver) -> str:
        folder = self._folder / name
        with self._lock(name):
            files = {path.name: path for path in folder.glob("*.dcm")}
            job = to(files, self._senders.pop(name, ""))
            write_synced(folder / CLOSED, job.encode("ascii"))
            sync_folder(folder)
            del self._arrived[name]
        return job


def _name(uid: str) -> str:
    """A file name for a UID: UIDs are a stranger's text, of any length and with any characters."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]
