"""The sender's side of an association, byte by byte, so that it can say what none should."""

import socket
import struct

from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

from ctsieve.node import conformance
from ctsieve.node.listener import Listener
from ctsieve.node.wire import Pdu

CT = conformance.STORED[0]
ECHO_CONTEXT, CT_CONTEXT = 1, 3


class Sender:
    """A connection to a listener; says PDUs and hears them."""

    def __init__(self, listener: Listener) -> None:
        self.connection = socket.create_connection(("127.0.0.1", listener.port), timeout=20)

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def say(self, kind: int, body: bytes) -> None:
        """Send one PDU."""
        self.connection.sendall(struct.pack(">BxI", kind, len(body)) + body)

    def fragment(self, context: int, control: int, data: bytes) -> None:
        """Send one fragment of a message, in a PDU of its own."""
        self.say(Pdu.DATA, struct.pack(">IBB", len(data) + 2, context, control) + data)

    def heard(self) -> tuple[int, bytes]:
        """The next PDU; type 0 when the connection ended."""
        head = self._exactly(6)
        if len(head) < 6:
            return 0, b""
        kind, length = struct.unpack(">BxI", head)
        return kind, self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        got = b""
        while len(got) < length and (more := self.connection.recv(length - len(got))):
            got += more
        return got

    def associate(self) -> "Sender":
        """Be let in."""
        self.say(Pdu.ASSOCIATE_RQ, request()[6:])
        assert self.heard()[0] == Pdu.ASSOCIATE_AC
        return self


def request(called: str = "CTSIEVE", application: str = "1.2.840.10008.3.1.1.1") -> bytes:
    """An A-ASSOCIATE-RQ for verification and CT."""
    wanted = A_ASSOCIATE()
    wanted.application_context_name = application
    wanted.calling_ae_title, wanted.called_ae_title = "SENDER", called
    contexts = [build_context(conformance.VERIFICATION), build_context(CT, ExplicitVRLittleEndian)]
    for context, number in zip(contexts, (ECHO_CONTEXT, CT_CONTEXT), strict=True):
        context.context_id = number
    wanted.presentation_context_definition_list = contexts
    length = MaximumLengthNotification()
    length.maximum_length_received = 16384
    identity = ImplementationClassUIDNotification()
    identity.implementation_class_uid = "1.2.3"
    wanted.user_information = [length, identity]
    return A_ASSOCIATE_RQ(wanted).encode()


def command(operation: int, *, instance: str = "", has_data_set: bool = True) -> bytes:
    """A command set, as PS3.7 6.3.1 has it."""
    elements = [
        (0x0002, CT.encode() + b"\0" * (len(CT) % 2)),
        (0x0100, struct.pack("<H", operation)),
        (0x0110, struct.pack("<H", 7)),
        (0x0800, struct.pack("<H", 1 if has_data_set else 0x0101)),
        (0x1000, instance.encode() + b"\0" * (len(instance) % 2)),
    ]
    return b"".join(struct.pack("<HHI", 0, e, len(v)) + v for e, v in elements)
