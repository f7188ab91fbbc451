"""Pull mode: asks a DICOMweb server for new chest CT and fetches what is new.

Source   PS3.18 10.6 (QIDO-RS), 10.4 (WADO-RS).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any, Final

import pydicom
from pydicom.errors import InvalidDicomError

from ctsieve.node.inbox import Inbox
from ctsieve.node.sender import peer_errors, web_client
from ctsieve.node.settings import Peer, Pull
from ctsieve.readers import PARSE_ERRORS
from ctsieve.types.errors import InputRejected, PeerRefused, UnreadableStudy
from ctsieve.types.provenance import hashed

logger = logging.getLogger(__name__)

_STUDY: Final = "0020000D"
_SERIES: Final = "0020000E"
_BODY_PART: Final = "00180015"
_NUM_INSTANCES: Final = "00201209"
_WEST: Final = timedelta(hours=12)
_EAST: Final = timedelta(hours=14)
"""How far clocks on earth are behind UTC and before it."""
_AS_STORED: Final = (("application/dicom", "*"),)
"""Ask for every instance in the encoding it is kept in."""


class Poller:
    """Fetches each chest CT series of a peer once for each number of instances it has had."""

    def __init__(self, peer: Peer, pull: Pull, inbox: Inbox) -> None:
        self._peer = peer
        self._pull = pull
        self._inbox = inbox
        self._fetched: dict[str, int] = {}

    def poll(self, now: datetime) -> int:
        """Fetch what is new; returns the number of instances kept.

        After a restart series of the last days are fetched again, which makes no job twice.  A
        series that cannot be fetched keeps no other back.

        Raises:
            PeerRefused: the peer does not answer or refuses, or what it sends cannot be read.
        """
        kept = 0
        failure: PeerRefused | None = None
        for study, series, number in list(self._wanted(now)):
            if self._fetched.get(series) == number:
                continue
            try:
                kept += self._fetch(study, series)
            except PeerRefused as error:
                failure = error
                continue
            self._fetched[series] = number
        if failure is not None:
            raise failure
        return kept

    def _wanted(self, now: datetime) -> Iterator[tuple[str, str, int]]:
        # Study dates are the scanner's own: whatever is today somewhere on earth is asked for.
        first = (now - _WEST - timedelta(days=self._pull.days)).date()
        last = (now + _EAST).date()
        client = web_client(self._peer)
        with _readable(self._peer):
            found = client.search_for_series(
                search_filters={"Modality": "CT", "StudyDate": f"{first:%Y%m%d}-{last:%Y%m%d}"},
                fields=["BodyPartExamined", "NumberOfSeriesRelatedInstances"],
                get_remaining=True,
            )
        for row in found:
            if _text(row, _BODY_PART).upper() in self._pull.body_parts:
                number = _text(row, _NUM_INSTANCES) or "0"
                yield _text(row, _STUDY), _text(row, _SERIES), int(float(number))

    def _fetch(self, study: str, series: str) -> int:
        kept = sum(self._keep(ds) for ds in self._instances(study, series))
        logger.info("fetched %d instances of series %s", kept, hashed(series))
        return kept

    def _instances(self, study: str, series: str) -> Iterator[pydicom.Dataset]:
        client = web_client(self._peer)
        with _readable(self._peer):
            yield from client.iter_series(study, series, media_types=_AS_STORED)

    def _keep(self, ds: pydicom.Dataset) -> bool:
        try:
            self._inbox.keep(_encoded(ds), instance="", sender=self._pull.peer)
        except InputRejected as error:
            logger.warning("an instance of a polled series was left: %s", error)
            return False
        return True


def _encoded(ds: pydicom.Dataset) -> bytes:
    buffer = BytesIO()
    ds.preamble = b"\0" * 128
    try:
        pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    except PARSE_ERRORS as error:
        raise UnreadableStudy("it is damaged", hint="look into the server's log") from error
    return buffer.getvalue()


@contextmanager
def _readable(peer: Peer) -> Iterator[None]:
    """What a server may send instead of DICOM, as `PeerRefused`: it must not end the node."""
    try:
        with peer_errors(peer):
            yield
    except (InvalidDicomError, *PARSE_ERRORS) as error:
        raise PeerRefused(
            f"what it sends cannot be read: {type(error).__name__}", hint="look into its log"
        ) from error


def _text(row: dict[str, Any], tag: str) -> str:
    values = row.get(tag, {}).get("Value", [])
    return str(values[0]) if values else ""
