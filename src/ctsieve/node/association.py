"""One association, from the request for it to its end: messages in, answers out.

Source   PS3.8 7 and 9.2 (states of the acceptor), PS3.7 9.3.1 and 9.3.5 (C-STORE, C-ECHO).
"""

import logging
import socket
import ssl
import threading
import time
from typing import Final

from ctsieve.node import conformance
from ctsieve.node.conformance import Status, sender_name
from ctsieve.node.inbox import Inbox
from ctsieve.node.negotiation import Refusal, Request
from ctsieve.node.reception import Reception, TooLarge
from ctsieve.node.settings import NodeSettings
from ctsieve.node.wire import (
    COMMAND,
    LARGEST_COMMAND,
    LAST,
    Broken,
    Command,
    Gone,
    Operation,
    Pdu,
    Reason,
    Wire,
    fragments,
)

logger = logging.getLogger(__name__)

_EMPTY: Final = bytes(4)
"""Body of an A-RELEASE-RP."""


class Association:
    """The acceptor's side of one connection.  `serve` returns when it is over."""

    def __init__(
        self,
        connection: socket.socket,
        *,
        settings: NodeSettings,
        inbox: Inbox,
        room: threading.Semaphore,
    ) -> None:
        self._wire = Wire(connection)
        self._settings = settings
        self._inbox = inbox
        self._room = room
        self._sender = ""
        self._syntaxes: dict[int, str] = {}
        self._command = bytearray()
        self._reception: Reception | None = None
        self._answers: dict[Status, int] = {}

    def serve(self) -> None:
        """Answer what the other side asks until it releases, breaks the protocol or goes away."""
        started = time.monotonic()
        try:
            self._receive_all()
        except Broken as broken:
            logger.warning("association of %s aborted: %s", self._sender or "a stranger", broken)
            self._wire.abort(broken.reason)
        except TooLarge:
            limit = self._settings.max_object_mb
            logger.warning("%s sends more than %d MB in one object", self._sender, limit)
            self._wire.abort(Reason.NOT_SPECIFIED)
        except Gone as gone:
            self._say_gone(gone.__cause__)
        finally:
            if self._reception is not None:
                self._reception.drop()
            self._wire.close()
            self._summarise(time.monotonic() - started)

    def hang_up(self) -> None:
        """End it from another thread."""
        self._wire.abort(Reason.NOT_SPECIFIED)
        self._wire.hang_up()

    def _receive_all(self) -> None:
        request = self._request()
        who = sender_name(request.calling)
        refused = request.refusal(self._settings)
        if refused is None and not self._room.acquire(blocking=False):
            refused = Refusal.TOO_MANY
        if refused is not None:
            logger.warning("association of %s refused: %s", who, refused)
            self._wire.send(Pdu.ASSOCIATE_RJ, refused.body)
            return
        try:
            self._sender = who
            self._converse(request)
        finally:
            self._room.release()

    def _request(self) -> Request:
        self._wire.patience(conformance.ACSE_SECONDS)
        kind, body = self._wire.receive()
        if kind != Pdu.ASSOCIATE_RQ:
            raise Broken("the first PDU is no request for an association", reason=Reason.UNEXPECTED)
        return Request.of(bytes(body))

    def _converse(self, request: Request) -> None:
        self._syntaxes = request.accepted()
        self._wire.send(Pdu.ASSOCIATE_AC, request.reply())
        self._wire.patience(conformance.IDLE_SECONDS)
        while True:
            kind, body = self._wire.receive()
            if kind == Pdu.DATA:
                for context, control, data in fragments(body):
                    self._take(context, control, data)
            elif kind == Pdu.RELEASE_RQ:
                self._wire.send(Pdu.RELEASE_RP, _EMPTY)
                return
            elif kind == Pdu.ABORT:
                logger.warning("%s aborted the association", self._sender)
                return
            else:
                raise Broken(f"a PDU of type {kind}", reason=Reason.UNEXPECTED)

    def _take(self, context: int, control: int, data: memoryview) -> None:
        if context not in self._syntaxes:
            raise Broken("a presentation context that was not accepted")
        if bool(control & COMMAND) == (self._reception is not None):
            raise Broken("a command inside a data set, or a data set without a command")
        if self._reception is None:
            self._command += data
            if len(self._command) > LARGEST_COMMAND:
                raise Broken("a command without end")
            if control & LAST:
                encoded, self._command = bytes(self._command), bytearray()
                self._begin(Command.of(encoded), context)
        else:
            self._reception.write(data)
            if control & LAST:
                reception, self._reception = self._reception, None
                status = reception.finish()
                try:
                    self._answer(reception.command, status, context)
                finally:
                    reception.settle()

    def _begin(self, command: Command, context: int) -> None:
        if command.operation == Operation.C_ECHO and not command.has_data_set:
            self._answer(command, Status.SUCCESS, context)
        elif command.operation == Operation.C_STORE and command.has_data_set:
            self._reception = Reception(
                command,
                transfer_syntax=self._syntaxes[context],
                sender=self._sender,
                inbox=self._inbox,
                limit=self._settings.max_object_mb << 20,
            )
        else:
            raise Broken(f"operation {command.operation:04X} is not served")

    def _answer(self, command: Command, status: Status, context: int) -> None:
        if command.operation == Operation.C_STORE:
            self._answers[status] = self._answers.get(status, 0) + 1
        self._wire.send(Pdu.DATA, command.response(status, context=context))

    def _say_gone(self, cause: BaseException | None) -> None:
        if self._sender:
            logger.warning("%s went away without releasing the association", self._sender)
        elif isinstance(cause, ssl.SSLError):
            logger.warning("a connection was refused: TLS: %s", cause.reason)
        else:
            # Monitors of a port do this all day.
            logger.debug("a connection ended before it asked for an association")

    def _summarise(self, seconds: float) -> None:
        if self._answers:
            kept = self._answers.pop(Status.SUCCESS, 0)
            refused = sum(self._answers.values())
            logger.info(
                "%s: %d instances kept, %d refused, %.1f s", self._sender, kept, refused, seconds
            )
