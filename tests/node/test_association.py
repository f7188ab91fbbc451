"""Conversations that are no good DICOM: each ends in an abort, and the next sender is served."""

import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom.dsutils import create_file_meta
from tests.node.talking import CT, CT_CONTEXT, ECHO_CONTEXT, Sender, command, request
from tests.screened import phantom

from ctsieve.node import conformance, wire
from ctsieve.node.inbox import Inbox
from ctsieve.node.listener import Listener
from ctsieve.node.negotiation import Refusal
from ctsieve.node.sender import echo
from ctsieve.node.settings import NodeSettings, Peer
from ctsieve.node.wire import Broken, Command, Operation, Pdu
from ctsieve.phantoms.dicom import save_dicom

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("in")


@pytest.fixture(scope="module")
def listener(inbox: Path) -> Iterator[Listener]:
    with Inbox(inbox) as kept, Listener(NodeSettings(port=0, max_object_mb=1), kept) as started:
        yield started


def status(sender: Sender) -> int:
    """The status of the next answer."""
    kind, body = sender.heard()
    assert kind == Pdu.DATA
    ((_, control, answer),) = wire.fragments(memoryview(body))
    assert control == wire.COMMAND | wire.LAST
    values = dict(wire._elements(bytes(answer)))
    assert values[0x0120] == struct.pack("<H", 7)
    return int.from_bytes(values[0x0900], "little")


STORE = command(Operation.C_STORE, instance="1.2.3")
ENDLESS = struct.pack(">BxI", Pdu.ASSOCIATE_RQ, 0xFFFFFFFF)
BAD = {
    "no request first": struct.pack(">BxI", Pdu.DATA, 0),
    "a damaged request": struct.pack(">BxI", Pdu.ASSOCIATE_RQ, 94) + request()[6:100],
    "a request that ends early": struct.pack(">BxI", Pdu.ASSOCIATE_RQ, 9) + request()[6:15],
    "a PDU without end": ENDLESS,
}
BAD_LATER = {
    "a second request": (Pdu.ASSOCIATE_RQ, request()[6:]),
    "a PDU nobody knows": (99, b"x" * 10),
    "a fragment longer than its PDU": (Pdu.DATA, struct.pack(">IBB", 1000, 1, 3) + b"x"),
    "a fragment of nothing": (Pdu.DATA, struct.pack(">IBB", 0, 1, 3)),
    "half a fragment header": (Pdu.DATA, b"\0\0"),
    "a context that was not accepted": (Pdu.DATA, struct.pack(">IBB", 3, 77, 3) + b"x"),
    "a data set without a command": (Pdu.DATA, struct.pack(">IBB", 3, CT_CONTEXT, 2) + b"x"),
    "a damaged command": (Pdu.DATA, struct.pack(">IBB", 7, ECHO_CONTEXT, 3) + b"x" * 5),
    "an operation that is not served": (
        Pdu.DATA,
        struct.pack(">IBB", len(STORE) + 2, CT_CONTEXT, 3)
        + command(0x0020, instance="1.2.3", has_data_set=True),
    ),
    "a C-STORE that brings nothing": (
        Pdu.DATA,
        struct.pack(">IBB", len(STORE) + 2, CT_CONTEXT, 3)
        + command(Operation.C_STORE, instance="1.2.3", has_data_set=False),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_who_cannot_ask_is_cut_off(case: str, listener: Listener) -> None:
    with Sender(listener) as sender:
        sender.connection.sendall(BAD[case])
        assert sender.heard()[0] == Pdu.ABORT
    assert_it_still_answers(listener)


@pytest.mark.parametrize("case", BAD_LATER)
def test_who_breaks_the_protocol_is_cut_off(case: str, listener: Listener, inbox: Path) -> None:
    with Sender(listener).associate() as sender:
        sender.say(*BAD_LATER[case])
        assert sender.heard()[0] == Pdu.ABORT
    assert_it_still_answers(listener)
    assert list(inbox.glob(".part*")) == []


def test_a_command_without_end_is_cut_off(listener: Listener) -> None:
    with Sender(listener).associate() as sender:
        for _ in range(wire.LARGEST_COMMAND // 8000 + 1):
            sender.fragment(ECHO_CONTEXT, wire.COMMAND, b"x" * 8000)
        assert sender.heard()[0] == Pdu.ABORT


def test_refusals_say_why(listener: Listener) -> None:
    for asked, why in (
        (request(called="OTHER"), Refusal.CALLED_TITLE),
        (request(application="1.2.3"), Refusal.APPLICATION_CONTEXT),
    ):
        with Sender(listener) as sender:
            sender.say(Pdu.ASSOCIATE_RQ, asked[6:])
            kind, body = sender.heard()
        assert (kind, tuple(body[1:])) == (Pdu.ASSOCIATE_RJ, why.value)


def test_one_too_many_hears_so_and_comes_in_when_another_has_left(tmp_path: Path) -> None:
    settings = NodeSettings(port=0, max_associations=1)
    with (
        Inbox(tmp_path / "in") as inbox,
        Listener(settings, inbox) as listener,
        Sender(listener).associate() as first,
    ):
        with Sender(listener) as second:
            second.say(Pdu.ASSOCIATE_RQ, request()[6:])
            kind, body = second.heard()
            assert (kind, tuple(body[1:])) == (Pdu.ASSOCIATE_RJ, Refusal.TOO_MANY.value)
        first.say(Pdu.RELEASE_RQ, bytes(4))
        assert first.heard()[0] == Pdu.RELEASE_RP
        # Its room is free before it has closed its connection.
        until_accepted(listener)


def until_accepted(listener: Listener) -> None:
    for _ in range(100):
        with Sender(listener) as next_one:
            next_one.say(Pdu.ASSOCIATE_RQ, request()[6:])
            if next_one.heard()[0] == Pdu.ASSOCIATE_AC:
                return
            threading.Event().wait(0.05)
    pytest.fail("no room although nobody is in")


def test_an_instance_in_many_small_pieces_is_kept_as_it_came(
    listener: Listener, inbox: Path, tmp_path: Path
) -> None:
    save_dicom(phantom().volume, tmp_path / "s")
    file = min((tmp_path / "s").iterdir())
    ds = pydicom.dcmread(file)
    encoded = data_set_of(file)
    with Sender(listener).associate() as sender:
        asked = command(Operation.C_STORE, instance=ds.SOPInstanceUID)
        sender.fragment(CT_CONTEXT, wire.COMMAND, asked[:10])
        sender.fragment(CT_CONTEXT, wire.COMMAND | wire.LAST, asked[10:])
        for at in range(0, len(encoded), 999):
            last = wire.LAST if at + 999 >= len(encoded) else 0
            sender.fragment(CT_CONTEXT, last, encoded[at : at + 999])
        assert status(sender) == conformance.Status.SUCCESS
        sender.say(Pdu.RELEASE_RQ, bytes(4))
        assert sender.heard()[0] == Pdu.RELEASE_RP
    (kept,) = inbox.rglob("*.dcm")
    assert data_set_of(kept) == encoded
    assert pydicom.dcmread(kept).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    kept.unlink()


def data_set_of(file: Path) -> bytes:
    """What follows the file meta information."""
    content = file.read_bytes()
    return content[144 + struct.unpack_from("<I", content, 140)[0] :]


def test_one_who_leaves_in_the_middle_leaves_nothing(listener: Listener, inbox: Path) -> None:
    with Sender(listener).associate() as sender:
        sender.fragment(CT_CONTEXT, wire.COMMAND | wire.LAST, STORE)
        sender.fragment(CT_CONTEXT, 0, b"x" * 1000)
    assert_it_still_answers(listener)
    for _ in range(100):
        if not list(inbox.rglob(".part*")):
            return
        threading.Event().wait(0.05)
    pytest.fail("a part of an instance was left")


def test_the_front_of_a_file_is_what_pydicom_writes() -> None:
    asked = Command.of(command(Operation.C_STORE, instance="1.2.3.45"))
    meta = create_file_meta(
        sop_class_uid=UID(CT),
        sop_instance_uid=UID("1.2.3.45"),
        transfer_syntax=ExplicitVRLittleEndian,
        implementation_uid=UID(conformance.IMPLEMENTATION_CLASS_UID),
        implementation_version=conformance.IMPLEMENTATION_VERSION,
    )
    buffer = DicomBytesIO()
    write_file_meta_info(buffer, meta)
    front = wire.file_front(asked, transfer_syntax=ExplicitVRLittleEndian)
    assert front == bytes(128) + b"DICM" + buffer.getvalue()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_broken(encoded: bytes) -> None:
    try:
        asked = Command.of(encoded)
    except Broken:
        return
    assert 0 <= asked.message < 1 << 16


@given(st.binary(max_size=100), st.integers(min_value=0, max_value=9))
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_from_a_stranger_are_survived(listener: Listener, body: bytes, kind: int) -> None:
    with Sender(listener) as sender:
        sender.say(kind, body)
        assert sender.heard()[0] in {Pdu.ABORT, Pdu.ASSOCIATE_RJ, 0}
    assert_it_still_answers(listener)


def assert_it_still_answers(listener: Listener) -> None:
    echo(Peer(address=f"dicom://CTSIEVE@127.0.0.1:{listener.port}"), calling="SENDER")
