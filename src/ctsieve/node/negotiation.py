"""Which associations are accepted and what is agreed in them.

Source   PS3.8 7.1, 9.3.2 (A-ASSOCIATE-RQ), 9.3.3 (AC), 9.3.4 (RJ) and D; PS3.7 D.3.3.2.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final, Self

from ctsieve.node import conformance
from ctsieve.node.settings import NodeSettings
from ctsieve.node.wire import Broken

APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
PROTOCOL_VERSION: Final = 1

SERVED: Final = {
    conformance.VERIFICATION: conformance.PLAIN_SYNTAXES,
    **dict.fromkeys(conformance.STORED, conformance.TRANSFER_SYNTAXES),
}
"""Transfer syntaxes of each abstract syntax, the preferred first."""

_FRONT: Final = struct.Struct(">HH16s16s32x")
"""Protocol version, reserved, called and calling AE title, reserved."""
_ITEM: Final = struct.Struct(">BxH")
_CONTEXT: Final = struct.Struct(">BxBx")


class Item(IntEnum):
    """Types of the items in a request and its answer."""

    APPLICATION_CONTEXT = 0x10
    PROPOSED_CONTEXT = 0x20
    ANSWERED_CONTEXT = 0x21
    ABSTRACT_SYNTAX = 0x30
    TRANSFER_SYNTAX = 0x40
    USER_INFORMATION = 0x50
    MAXIMUM_LENGTH = 0x51
    IMPLEMENTATION_CLASS = 0x52
    IMPLEMENTATION_VERSION = 0x55


class Verdict(IntEnum):
    """On one presentation context (PS3.8 table 9-18)."""

    ACCEPTED = 0
    ABSTRACT_SYNTAX = 3
    TRANSFER_SYNTAXES = 4


class Refusal(Enum):
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 9.3.4)."""

    APPLICATION_CONTEXT = (1, 1, 2)
    CALLING_TITLE = (1, 1, 3)
    CALLED_TITLE = (1, 1, 7)
    PROTOCOL_VERSION = (1, 2, 2)
    TOO_MANY = (2, 3, 2)

    @property
    def body(self) -> bytes:
        """The PDU without its header."""
        return bytes((0, *self.value))

    def __str__(self) -> str:
        words = {
            Refusal.APPLICATION_CONTEXT: "it does not speak DICOM's application context",
            Refusal.CALLING_TITLE: "its AE title is not in `senders`",
            Refusal.CALLED_TITLE: "it calls another AE title than ours",
            Refusal.PROTOCOL_VERSION: "it speaks another version of the protocol",
            Refusal.TOO_MANY: "there are `max_associations` already",
        }
        return words[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One presentation context: what is to be sent, and in which encodings."""

    number: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]

    @classmethod
    def of(cls, body: bytes) -> Self:
        """The proposal in an item.

        Raises:
            Broken: it is damaged.
        """
        if len(body) < _CONTEXT.size:
            raise Broken("a presentation context that is damaged")
        inside = [(kind, _text(value)) for kind, value in _items(body[_CONTEXT.size :])]
        abstract = [text for kind, text in inside if kind == Item.ABSTRACT_SYNTAX]
        return cls(
            number=body[0],
            abstract_syntax=abstract[0] if abstract else "",
            transfer_syntaxes=tuple(t for kind, t in inside if kind == Item.TRANSFER_SYNTAX),
        )

    def answer(self) -> tuple[Verdict, str]:
        """What we say to it, and the transfer syntax; any one where it is not accepted."""
        served = SERVED.get(self.abstract_syntax)
        anyone = self.transfer_syntaxes[0] if self.transfer_syntaxes else ""
        if served is None:
            return Verdict.ABSTRACT_SYNTAX, anyone
        for syntax in served:
            if syntax in self.transfer_syntaxes:
                return Verdict.ACCEPTED, syntax
        return Verdict.TRANSFER_SYNTAXES, anyone


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An A-ASSOCIATE-RQ; its titles are a stranger's text."""

    versions: int
    called: str
    calling: str
    application_context: str
    proposals: tuple[Proposal, ...]
    titles: bytes
    """Both, as they came."""

    @classmethod
    def of(cls, body: bytes) -> Self:
        """The request in the body of a PDU.

        Raises:
            Broken: it is damaged.
        """
        if len(body) < _FRONT.size:
            raise Broken("a request for an association that ends early")
        versions, _, called, calling = _FRONT.unpack_from(body)
        items = list(_items(body[_FRONT.size :]))
        names = [_text(value) for kind, value in items if kind == Item.APPLICATION_CONTEXT]
        return cls(
            versions=versions,
            called=_text(called),
            calling=_text(calling),
            application_context=names[0] if names else "",
            proposals=tuple(
                Proposal.of(value) for kind, value in items if kind == Item.PROPOSED_CONTEXT
            ),
            titles=called + calling,
        )

    def refusal(self, settings: NodeSettings) -> Refusal | None:
        """Why these settings let nobody in who asks like that; None where they do."""
        if not self.versions & PROTOCOL_VERSION:
            return Refusal.PROTOCOL_VERSION
        if self.application_context != APPLICATION_CONTEXT:
            return Refusal.APPLICATION_CONTEXT
        if self.called != settings.ae_title.strip():
            return Refusal.CALLED_TITLE
        if settings.senders and self.calling not in {s.strip() for s in settings.senders}:
            return Refusal.CALLING_TITLE
        return None

    def accepted(self) -> dict[int, str]:
        """Number and transfer syntax of each presentation context that is accepted."""
        answers = ((proposal.number, *proposal.answer()) for proposal in self.proposals)
        return {n: syntax for n, verdict, syntax in answers if verdict == Verdict.ACCEPTED}

    def reply(self) -> bytes:
        """Body of the A-ASSOCIATE-AC; a context that nobody serves is refused alone."""
        front = _FRONT.pack(PROTOCOL_VERSION, 0, self.titles[:16], self.titles[16:])
        contexts = [
            _item(
                Item.ANSWERED_CONTEXT,
                _CONTEXT.pack(proposal.number, verdict) + _item(Item.TRANSFER_SYNTAX, syntax),
            )
            for proposal in self.proposals
            for verdict, syntax in (proposal.answer(),)
        ]
        about_us = b"".join(
            (
                _item(Item.MAXIMUM_LENGTH, conformance.MAX_PDU.to_bytes(4, "big")),
                _item(Item.IMPLEMENTATION_CLASS, conformance.IMPLEMENTATION_CLASS_UID),
                _item(Item.IMPLEMENTATION_VERSION, conformance.IMPLEMENTATION_VERSION),
            )
        )
        return b"".join(
            (
                front,
                _item(Item.APPLICATION_CONTEXT, APPLICATION_CONTEXT),
                *contexts,
                _item(Item.USER_INFORMATION, about_us),
            )
        )


def _items(encoded: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(encoded):
        if len(encoded) - at < _ITEM.size:
            raise Broken("a request for an association that ends in an item")
        kind, length = _ITEM.unpack_from(encoded, at)
        at += _ITEM.size
        if length > len(encoded) - at:
            raise Broken("an item that is longer than its request")
        yield kind, encoded[at : at + length]
        at += length


def _item(kind: Item, value: bytes | str) -> bytes:
    encoded = value.encode("ascii", "replace") if isinstance(value, str) else value
    return _ITEM.pack(kind, len(encoded)) + encoded


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace").strip(" \0")
