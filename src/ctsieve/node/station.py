"""The node as a whole: inbox, jobs, listener and poller, and the clock that drives them."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, Self

from ctsieve.bundles import store
from ctsieve.jobs.engine import Deliver, Jobs
from ctsieve.jobs.records import JobState, Order
from ctsieve.jobs.settings import JobSettings
from ctsieve.jobs.studies import freeze, remove
from ctsieve.node.inbox import Inbox
from ctsieve.node.listener import Listener
from ctsieve.node.poller import Poller
from ctsieve.node.sender import check_set_up, send
from ctsieve.node.settings import NodeSettings
from ctsieve.pipeline.names import FORMATS
from ctsieve.types.errors import CtsieveError, UnknownName

logger = logging.getLogger(__name__)

NOT_BY_DEFAULT: Final = ("dicom-ko-rejected", "dicom-seg-fractional")
"""The first orders archives to hide images, the second repeats what the segmentation says."""
DICOM_SUFFIX: Final = ".dcm"
HOUSEKEEPING_SECONDS: Final = 600.0
MAX_TICK_SECONDS: Final = 1.0


class Station:
    """A running node.  A context manager: entering starts it, `run` keeps it going."""

    def __init__(self, settings: NodeSettings) -> None:
        """Make it; nothing runs yet.

        Raises:
            UsageError: a peer's password or certificate is not there, or another node works here.
            BundleError: the bundle is missing or damaged.
        """
        self.settings = settings
        _check_peers(settings)
        self.inbox = Inbox(
            settings.home / "incoming" / settings.worker,
            min_free_bytes=settings.min_free_mb << 20,
            journal_bytes=settings.journal_mb << 20,
        )
        self.jobs = Jobs(_job_settings(settings), destinations=_destinations(settings))
        self.listener = Listener(settings, self.inbox)
        self._formats = _formats(settings)
        self._bundle = store.find(settings.bundle).identity
        self._poller = _poller(settings, self.inbox)
        self._stack = ExitStack()
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        """Resume what was under way, then listen.

        Raises:
            UsageError: another node works in this folder, or the address cannot be used.
        """
        with ExitStack() as stack:
            stack.enter_context(self.inbox)
            stack.enter_context(self.jobs)
            stack.enter_context(self.listener)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop: nothing more is taken, what is under way is resumed at the next start."""
        self._stopped.set()
        self._stack.close()

    def stop(self) -> None:
        """Make `run` return soon; may be called from a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Hand complete studies over, poll and clean up until `stop` is called."""
        next_poll = next_cleaning = 0.0
        every = self.settings.pull.every_seconds if self.settings.pull else 0.0
        while not self._stopped.is_set():
            now = time.monotonic()
            if self._poller is not None and now >= next_poll:
                self._poll(self._poller)
                next_poll = time.monotonic() + every
            if now >= next_cleaning:
                self._clean()
                next_cleaning = now + HOUSEKEEPING_SECONDS
            self.hand_over()
            self._stopped.wait(min(MAX_TICK_SECONDS, self.settings.quiet_seconds / 4))

    def hand_over(self) -> list[str]:
        """Make jobs of the studies that are complete; returns their ids.

        What cannot be handed over now (a full disk) stays open and is tried at the next tick.
        """
        try:
            return self.inbox.hand_over(self._submit, quiet_seconds=self.settings.quiet_seconds)
        except (CtsieveError, OSError) as error:
            logger.warning("a study could not be handed over yet: %s", error)
            return []

    def clean(self, now: float) -> None:
        """Take over jobs of workers that are gone; remove images of settled studies.

        Images go `keep_hours` after their study was complete, but for those whose screening failed:
        `retry_failed` needs them.  Results stay.
        """
        if adopted := self.jobs.adopt():
            logger.info("%d jobs of workers that are gone were taken over", adopted)
        before = now - self.settings.keep_hours * 3600
        self.inbox.forget(before=before, settled=self._is_settled)

    def _clean(self) -> None:
        try:
            self.clean(time.time())
        except (CtsieveError, OSError) as error:
            logger.warning("housekeeping failed, it will be tried again: %s", error)

    def retry_failed(self) -> list[str]:
        """Do again what failed, screenings and deliveries; returns the ids of those jobs.

        What cannot be done again, since its destination is gone, is left with a line in the log.
        """
        again = []
        for job in self.jobs.jobs():
            try:
                if job.state is not JobState.CANCELLED and self.jobs.retry(job.id):
                    again.append(job.id)
            except UnknownName as error:
                logger.warning("job %s cannot be tried again: %s", job.id, error)
        logger.info("%d jobs that had failed are tried again", len(again))
        return again

    def _submit(self, files: Mapping[str, Path], sender: str) -> str:
        digest, study = freeze(self.settings.home, files)
        order = Order(
            study=study,
            digest=digest,
            formats=self._formats,
            bundle=self.settings.bundle,
            bundle_digest=self._bundle.digest,
            destinations=() if self.settings.shadow else self.settings.send_to,
            source=sender,
        )
        job = self.jobs.submit(order)
        logger.info("study of %d instances from %s: job %s", len(files), sender or "?", job)
        return job

    def _is_settled(self, job_id: str) -> bool:
        try:
            job = self.jobs.job(job_id)
        except UnknownName:
            return True
        is_settled = job.is_settled and job.state is not JobState.FAILED
        if is_settled:
            remove(self.settings.home, job.order.digest)
        return is_settled

    def _poll(self, poller: Poller) -> None:
        try:
            poller.poll(datetime.now(UTC))
        except CtsieveError as error:
            logger.warning("polling failed, it will be tried again: %s", error)


def _check_peers(settings: NodeSettings) -> None:
    """See that peers can be spoken to: later, every delivery would fail for good, one by one."""
    pulled = (settings.pull.peer,) if settings.pull else ()
    for name in (*(() if settings.shadow else settings.send_to), *pulled):
        check_set_up(settings.peers[name])


def _job_settings(settings: NodeSettings) -> JobSettings:
    return JobSettings(
        home=settings.home,
        database=settings.database,
        worker=settings.worker,
        threads=settings.threads,
    )


def _destinations(settings: NodeSettings) -> dict[str, Deliver]:
    return {name: partial(_send_results, settings=settings, name=name) for name in settings.send_to}


def _send_results(files: Sequence[Path], *, settings: NodeSettings, name: str) -> None:
    dicom = [file for file in files if file.suffix == DICOM_SUFFIX]
    send(dicom, settings.peers[name], calling=settings.ae_title)


def _formats(settings: NodeSettings) -> tuple[str, ...]:
    """What was asked for, or JSON and every DICOM format this installation has."""
    for name in settings.formats:
        FORMATS[name]
    dicom = [n for n in FORMATS.names() if n.startswith("dicom-") and n not in NOT_BY_DEFAULT]
    return settings.formats or ("json", *dicom)


def _poller(settings: NodeSettings, inbox: Inbox) -> Poller | None:
    if settings.pull is None:
        return None
    return Poller(settings.peers[settings.pull.peer], settings.pull, inbox)
