"""Settings: what cannot be is refused in a sentence before anything listens."""

from pathlib import Path

import pytest

from ctsieve.node.settings import load_settings, peer_at
from ctsieve.types.errors import UsageError

PEER = '[peers.archive]\naddress = "dicom://ORTHANC@10.0.0.5:104"\n'


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('colour = "red"', "colour"),
        ('host = "0.0.0.0"', "senders"),
        ('send_to = ["nobody"]', "nobody"),
        ('hosts = ["10.0.0.0/99"]', "10.0.0.0/99"),
        (f'{PEER}[pull]\npeer = "archive"', "DICOMweb"),
        ("port = 70000", "port"),
        ('ae_title = "A TITLE THAT IS TOO LONG"', "ae_title"),
        ("port = [", "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused(text: str, word: str, tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=word):
        load_settings(file)


def test_options_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text(f'port = 1\nsend_to = ["archive"]\n{PEER}')
    settings = load_settings(file, port=2, host=None)
    assert (settings.port, settings.host) == (2, "127.0.0.1")
    assert settings.peers["archive"].address.endswith(":104")


@pytest.mark.parametrize(
    "address", ["", "archive", "dicom://host:104", "dicom://A@host", "ftp://x"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        peer_at(address)


def test_the_case_of_an_ae_title_is_kept() -> None:
    assert "MixedCase@" in peer_at("dicom://MixedCase@host:104").address
