"""TLS on both sides of an association, and what a stranger meets."""

import gc
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.running import program
from tests.screened import phantom

from ctsieve.node.inbox import Inbox
from ctsieve.node.listener import Listener
from ctsieve.node.sender import echo, send
from ctsieve.node.settings import NodeSettings, Peer, Tls
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.types.errors import PeerRefused

pytestmark = [
    pytest.mark.enable_socket,
    # pynetdicom leaves sockets of refused connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate for localhost that vouches for itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *(program("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(pem)),
        ],
        check=True,
        capture_output=True,
    )
    return Tls(certificate=pem, key=key, authorities=pem)


def test_both_sides_show_a_certificate(certificate: Tls, tmp_path: Path) -> None:
    save_dicom(phantom().volume, tmp_path / "s")
    files = sorted((tmp_path / "s").iterdir())[:2]
    settings = NodeSettings(port=0, tls=certificate)
    with Inbox(tmp_path / "in") as inbox, Listener(settings, inbox) as listener:
        peer = Peer(address=f"dicoms://CTSIEVE@localhost:{listener.port}", tls=certificate)
        echo(peer, calling="SENDER")
        send(files, peer, calling="SENDER")
        nameless = peer.model_copy(update={"tls": Tls(authorities=certificate.authorities)})
        plain = Peer(address=f"dicom://CTSIEVE@localhost:{listener.port}")
        for stranger in (nameless, plain):
            with pytest.raises(PeerRefused):
                echo(stranger, calling="SENDER")
    assert len(list((tmp_path / "in").rglob("*.dcm"))) == 2


def test_one_who_says_nothing_keeps_nobody_out(certificate: Tls, tmp_path: Path) -> None:
    settings = NodeSettings(port=0, tls=certificate)
    with Inbox(tmp_path / "in") as inbox, Listener(settings, inbox) as listener:
        peer = Peer(address=f"dicoms://CTSIEVE@localhost:{listener.port}", tls=certificate)
        with socket.create_connection(("127.0.0.1", listener.port)):
            started = time.monotonic()
            echo(peer, calling="SENDER")
    assert time.monotonic() - started < 10


def test_an_address_outside_the_hosts_is_dropped(tmp_path: Path) -> None:
    settings = NodeSettings(port=0, hosts=("10.1.0.0/16",))
    with (
        Inbox(tmp_path / "in") as inbox,
        Listener(settings, inbox) as listener,
        pytest.raises(PeerRefused),
    ):
        echo(Peer(address=f"dicom://CTSIEVE@127.0.0.1:{listener.port}"), calling="SENDER")


def test_a_silent_port_is_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(PeerRefused, match="does not answer"):
            echo(Peer(address=f"dicom://CTSIEVE@127.0.0.1:{port}"), calling="SENDER")
