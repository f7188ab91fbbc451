"""Asking a DICOMweb server: which days, and what it may answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.errors import InvalidDicomError
from tests.screened import phantom

from ctsieve.node.inbox import Inbox
from ctsieve.node.poller import Poller
from ctsieve.node.settings import Peer, Pull
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.types.errors import PeerRefused

NOW = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)


@dataclass
class Server:
    """A server with a study a series; an error among the instances is what they end with."""

    series: dict[str, Sequence[pydicom.Dataset | Exception]]
    asked: list[str] = field(default_factory=list)

    def search_for_series(
        self, search_filters: dict[str, str], **_: object
    ) -> list[dict[str, Any]]:
        """QIDO-RS."""
        self.asked.append(search_filters["StudyDate"])
        tags = ("0020000D", "0020000E", "00201209")
        return [
            {tag: {"Value": [value]} for tag, value in zip(tags, ("1.2", name, 1), strict=True)}
            for name in self.series
        ]

    def iter_series(self, _study: str, series: str, **_: object) -> Iterator[pydicom.Dataset]:
        """WADO-RS."""
        for one in self.series[series]:
            if isinstance(one, Exception):
                raise one
            yield one


@pytest.fixture
def slices(tmp_path: Path) -> list[pydicom.Dataset]:
    save_dicom(phantom().volume, tmp_path / "s")
    return [pydicom.dcmread(path) for path in sorted((tmp_path / "s").iterdir())]


def poller(
    server: Server, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, *, days: int = 0
) -> Poller:
    monkeypatch.setattr("ctsieve.node.poller.web_client", lambda _: server)
    return Poller(Peer(address="http://pacs/dicom-web"), Pull(peer="pacs", days=days), inbox)


def test_it_asks_for_today_wherever_the_scanner_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server({})
    with Inbox(tmp_path / "in") as inbox:
        # In Sydney it is the 2nd already, in Los Angeles still the 1st.
        poller(server, inbox, monkeypatch).poll(NOW)
        # In Los Angeles it is still the 28th.
        poller(server, inbox, monkeypatch).poll(NOW.replace(hour=6))
        poller(server, inbox, monkeypatch, days=2).poll(NOW)
    assert server.asked == ["20260301-20260302", "20260228-20260301", "20260227-20260302"]


@pytest.mark.parametrize("error", [InvalidDicomError("no DICOM"), ValueError("no multipart")])
def test_a_series_that_cannot_be_read_keeps_no_other_back_and_is_asked_for_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    slices: list[pydicom.Dataset],
    error: Exception,
) -> None:
    nameless = pydicom.Dataset()
    nameless.PatientName = "A"
    server = Server({"1.1": [slices[0], error], "1.2": [nameless, slices[1]]})
    with Inbox(tmp_path / "in") as inbox:
        polled = poller(server, inbox, monkeypatch)
        for _ in range(2):
            with pytest.raises(PeerRefused, match="cannot be read"):
                polled.poll(NOW)
        assert len(list((tmp_path / "in").rglob("*.dcm"))) == 2
        server.series["1.1"] = [slices[0], slices[2]]
        assert polled.poll(NOW) == 2
        assert polled.poll(NOW) == 0
