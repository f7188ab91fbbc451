"""The bytes of an association: PDUs on a connection, commands in them, and files made of them.

Source   PS3.8 9.3 (PDUs) and E.2 (message control header), PS3.7 6.3 and E (command sets),
         PS3.10 7.1 (file meta information).
"""

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from ctsieve.node import conformance


class Pdu(IntEnum):
    """Types of PDUs (PS3.8 9.3.1)."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    DATA = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


class Reason(IntEnum):
    """Why the service provider aborts (PS3.8 9.3.8)."""

    NOT_SPECIFIED = 0
    UNEXPECTED = 2
    INVALID = 6


class Gone(Exception):
    """The other side closed the connection, or says nothing any more."""


class Broken(Exception):
    """What came is against the protocol; the association is to be aborted."""

    def __init__(self, message: str, *, reason: Reason = Reason.INVALID) -> None:
        super().__init__(message)
        self.reason = reason


LARGEST_PDU: Final = 1 << 20
"""Bytes of a PDU still read, though we announce less: some senders do not look."""
LARGEST_COMMAND: Final = 1 << 16
"""Bytes of a command set; those of PS3.7 take a few hundred."""
COMMAND: Final = 1
LAST: Final = 2
"""Bits of the message control header."""
NO_DATA_SET: Final = 0x0101
ABORT_BY_PROVIDER: Final = 2

_PDU: Final = struct.Struct(">BxI")
_FRAGMENT: Final = struct.Struct(">IBB")
_LENGTH_BYTES: Final = 4
_ELEMENT: Final = struct.Struct("<HHI")
_SHORT_ELEMENT: Final = struct.Struct("<HH2sH")
_BUFFER_BYTES: Final = LARGEST_PDU + (1 << 16)
_DRAIN_SECONDS: Final = 2.0


class Wire:
    """PDUs over one connection.  Not for use from several threads, except `hang_up`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._start = self._end = 0

    def patience(self, seconds: float) -> None:
        """How long to wait for the other side from now on, each time."""
        self._connection.settimeout(seconds)

    def receive(self) -> tuple[int, memoryview]:
        """Type and body of the next PDU; the body is valid until the next call.

        Raises:
            Gone: there will be none.
            Broken: it is larger than anybody may send.
        """
        self._fill(_PDU.size)
        kind, length = _PDU.unpack_from(self._buffer, self._start)
        if length > LARGEST_PDU:
            raise Broken(f"a PDU of {length} bytes")
        self._fill(_PDU.size + length)
        body = self._start + _PDU.size
        self._start = body + length
        return kind, self._buffer[body : self._start]

    def send(self, kind: Pdu, body: bytes) -> None:
        """Send one PDU.

        Raises:
            Gone: it does not take it.
        """
        try:
            self._connection.sendall(_PDU.pack(kind, len(body)) + body)
        except OSError as error:
            raise Gone from error

    def abort(self, reason: Reason) -> None:
        """Say that the association is over, whoever hears it (PS3.8 9.3.8)."""
        with contextlib.suppress(Gone):
            self.send(Pdu.ABORT, bytes((0, 0, ABORT_BY_PROVIDER, reason)))

    def close(self) -> None:
        """Wait a little until the other side closes, as it must after the last PDU, then close.

        Closed with bytes unread, the system would reset the connection, and the other side might
        never see why it was turned away.
        """
        end = time.monotonic() + _DRAIN_SECONDS
        try:
            while (left := end - time.monotonic()) > 0:
                self._connection.settimeout(left)
                if not self._connection.recv_into(self._buffer):
                    break
        except OSError:
            pass
        finally:
            self._connection.close()

    def hang_up(self) -> None:
        """Make the thread that waits for this connection wait no longer."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _fill(self, length: int) -> None:
        """Have `length` bytes in the buffer, and as many more as have come."""
        if self._start == self._end:
            self._start = self._end = 0
        if self._start + length > len(self._buffer):
            kept = bytes(self._buffer[self._start : self._end])
            self._start, self._end = 0, len(kept)
            self._buffer[: self._end] = kept
        while self._end - self._start < length:
            try:
                number = self._connection.recv_into(self._buffer[self._end :])
            except OSError as error:
                raise Gone from error
            if not number:
                raise Gone
            self._end += number


def fragments(body: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """(presentation context, control header, bytes) of each fragment in a P-DATA-TF.

    Raises:
        Broken: their lengths are not those of the PDU.
    """
    at = 0
    while at < len(body):
        if len(body) - at < _FRAGMENT.size:
            raise Broken("a fragment ends in its header")
        length, context, control = _FRAGMENT.unpack_from(body, at)
        end = at + _LENGTH_BYTES + length
        start = at + _FRAGMENT.size
        if not start <= end <= len(body):
            raise Broken("a fragment is longer than its PDU")
        yield context, control, body[start:end]
        at = end


class Operation(IntEnum):
    """Command fields of the requests answered here (PS3.7 E.1)."""

    C_STORE = 0x0001
    C_ECHO = 0x0030


_RESPONSE: Final = 0x8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A request; UIDs are as the sender wrote them, empty where absent."""

    operation: int
    message: int
    sop_class: str
    sop_instance: str
    has_data_set: bool

    @classmethod
    def of(cls, encoded: bytes) -> Self:
        """The request of a command set, which is always implicit little endian.

        Raises:
            Broken: it is damaged, or names no operation or message.
        """
        values = dict(_elements(encoded))
        try:
            return cls(
                operation=_number(values[0x0100]),
                message=_number(values[0x0110]),
                sop_class=_text(values.get(0x0002, b"")),
                sop_instance=_text(values.get(0x1000, b"")),
                has_data_set=_number(values[0x0800]) != NO_DATA_SET,
            )
        except KeyError as error:
            raise Broken("a command without operation or message") from error

    def response(self, status: int, *, context: int) -> bytes:
        """The body of the P-DATA-TF that answers this request."""
        elements = [
            (0x0002, _padded(self.sop_class)),
            (0x0100, (self.operation | _RESPONSE).to_bytes(2, "little")),
            (0x0120, self.message.to_bytes(2, "little")),
            (0x0800, NO_DATA_SET.to_bytes(2, "little")),
            (0x0900, status.to_bytes(2, "little")),
        ]
        if self.sop_instance:
            elements.append((0x1000, _padded(self.sop_instance)))
        group = b"".join(_ELEMENT.pack(0, e, len(value)) + value for e, value in elements)
        command = _ELEMENT.pack(0, 0, 4) + len(group).to_bytes(4, "little") + group
        return _FRAGMENT.pack(len(command) + 2, context, COMMAND | LAST) + command


def file_front(command: Command, *, transfer_syntax: str) -> bytes:
    """What stands before the data set in a file.  Same instance, same bytes: nothing of the sender.

    The preamble is empty: what a sender puts there could be run as a program (CVE-2019-11687).
    """
    group = b"".join(
        (
            _SHORT_ELEMENT.pack(2, 1, b"OB", 0) + (2).to_bytes(4, "little") + b"\0\1",
            _short(0x0002, b"UI", _padded(command.sop_class)),
            _short(0x0003, b"UI", _padded(command.sop_instance)),
            _short(0x0010, b"UI", _padded(transfer_syntax)),
            _short(0x0012, b"UI", _padded(conformance.IMPLEMENTATION_CLASS_UID)),
            _short(0x0013, b"SH", _padded(conformance.IMPLEMENTATION_VERSION, with_=b" ")),
        )
    )
    length = _short(0, b"UL", len(group).to_bytes(4, "little"))
    return bytes(128) + b"DICM" + length + group


def _elements(encoded: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(encoded):
        if len(encoded) - at < _ELEMENT.size:
            raise Broken("a command ends in an element")
        group, element, length = _ELEMENT.unpack_from(encoded, at)
        at += _ELEMENT.size
        if group or length > len(encoded) - at:
            raise Broken("a command holds what is no command")
        yield element, encoded[at : at + length]
        at += length


def _number(value: bytes) -> int:
    if len(value) != 2:
        raise Broken("a number of a command has not two bytes")
    return int.from_bytes(value, "little")


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace").strip(" \0")


def _padded(text: str, *, with_: bytes = b"\0") -> bytes:
    value = text.encode("ascii", "replace")
    return value + with_ * (len(value) % 2)


def _short(element: int, vr: bytes, value: bytes) -> bytes:
    if len(value) > 0xFFFF:
        raise Broken("a UID of a command is longer than a file can name")
    return _SHORT_ELEMENT.pack(2, element, vr, len(value)) + value
