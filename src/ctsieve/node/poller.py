"""Pull mode: asks a DICOMweb server for new chest CT and fetches what is new.

Source   PS3.18 10.6 (QIDO-RS), 10.4 (WADO-RS).
"""

import logging
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from typing import Any, Final

import pydicom

from ctsieve.node.inbox import Inbox
from ctsieve.node.sender import peer_errors, web_client
from ctsieve.node.settings import Peer, Pull
from ctsieve.types.errors import InputRejected
from ctsieve.types.provenance import hashed

logger = logging.getLogger(__name__)

_STUDY: Final = "0020000D"
_SERIES: Final = "0020000E"
_BODY_PART: Final = "00180015"
_NUM_INSTANCES: Final = "00201209"
_AS_STORED: Final = (("application/dicom", "*"),)
"""Ask for every instance in the encoding it is kept in."""


class Poller:
    """Fetches each chest CT series of a peer once for each number of instances it has had."""

    def __init__(self, peer: Peer, pull: Pull, inbox: Inbox) -> None:
        self._peer = peer
        self._pull = pull
        self._inbox = inbox
        self._fetched: dict[str, int] = {}

    def poll(self, today: date) -> int:
        """Fetch what is new; returns the number of instances kept.

        After a restart series of the last days are fetched again, which makes no job twice.

        Raises:
            PeerRefused: the peer does not answer or refuses.
        """
        kept = 0
        for study, series, number in list(self._wanted(today)):
            if self._fetched.get(series) == number:
                continue
            kept += self._fetch(study, series)
            self._fetched[series] = number
        return kept

    def _wanted(self, today: date) -> Iterator[tuple[str, str, int]]:
        since = today - timedelta(days=self._pull.days)
        client = web_client(self._peer)
        with peer_errors(self._peer):
            found = client.search_for_series(
                search_filters={"Modality": "CT", "StudyDate": f"{since:%Y%m%d}-{today:%Y%m%d}"},
                fields=["BodyPartExamined", "NumberOfSeriesRelatedInstances"],
                get_remaining=True,
            )
        for row in found:
            if _text(row, _BODY_PART).upper() in self._pull.body_parts:
                number = _text(row, _NUM_INSTANCES) or "0"
                yield _text(row, _STUDY), _text(row, _SERIES), int(float(number))

    def _fetch(self, study: str, series: str) -> int:
        client = web_client(self._peer)
        kept = 0
        with peer_errors(self._peer):
            for ds in client.iter_series(study, series, media_types=_AS_STORED):
                kept += self._keep(ds)
        logger.info("fetched %d instances of series %s", kept, hashed(series))
        return kept

    def _keep(self, ds: pydicom.Dataset) -> bool:
        buffer = BytesIO()
        ds.preamble = b"\0" * 128
        pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
        try:
            self._inbox.keep(buffer.getvalue(), instance="", sender=self._pull.peer)
        except InputRejected as error:
            logger.warning("an instance of a polled series was left: %s", error)
            return False
        return True


def _text(row: dict[str, Any], tag: str) -> str:
    values = row.get(tag, {}).get("Value", [])
    return str(values[0]) if values else ""
