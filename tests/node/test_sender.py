"""Sending results: what a peer's answers mean."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydicom.dataset import Dataset
from tests.screened import phantom

from ctsieve.node import sender
from ctsieve.node.sender import send
from ctsieve.node.settings import Peer
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.types.errors import PeerRefused

STORED = (0x0000, 0xB000, 0xB007, 0x0111)
REFUSED = (0xA700, 0x0110, 0xC000)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    save_dicom(phantom().volume, tmp_path / "s")
    return sorted((tmp_path / "s").iterdir())[:2]


class Answering:
    """An association whose peer always answers alike."""

    def __init__(self, status: int) -> None:
        self.status = Dataset()
        self.status.Status = status
        self.sent = 0

    def __enter__(self) -> "Answering":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send_c_store(self, _dataset: Dataset) -> Dataset:
        """Answer."""
        self.sent += 1
        return self.status


@pytest.mark.parametrize("status", [*STORED, *REFUSED], ids=hex)
def test_what_is_there_already_is_stored(
    files: list[Path], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    association = Answering(status)
    monkeypatch.setattr(sender, "_association", lambda *_, **__: association)
    peer = Peer(address="dicom://ARCHIVE@pacs:104")
    if status in STORED:
        send(files, peer, calling="CTSIEVE")
        assert association.sent == len(files)
    else:
        with pytest.raises(PeerRefused, match=f"{status:04X}"):
            send(files, peer, calling="CTSIEVE")


@pytest.mark.parametrize("reason", [0x0111, 0x0110], ids=hex)
def test_the_same_by_the_web(
    files: list[Path], monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    failed, answer = Dataset(), Dataset()
    failed.FailureReason = reason
    answer.FailedSOPSequence = [failed]
    client: Any = SimpleNamespace(store_instances=lambda _: answer)
    monkeypatch.setattr(sender, "web_client", lambda _: client)
    peer = Peer(address="https://pacs/dicom-web")
    if reason in STORED:
        send(files, peer, calling="CTSIEVE")
    else:
        with pytest.raises(PeerRefused, match="0110"):
            send(files, peer, calling="CTSIEVE")
