"""Storage and verification SCP: who may send, how much, and what it is told.

Source   PS3.4 Annex A (Verification) and B (Storage), PS3.8 (Upper Layer).
"""

import ipaddress
import logging
import socket
import socketserver
import threading
import weakref
from typing import Any, Final, Self

from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID
from pynetdicom import AE, _config, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import create_file_meta
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.transport import ThreadedAssociationServer

from ctsieve.node import conformance
from ctsieve.node.conformance import Status, sender_name
from ctsieve.node.inbox import Inbox, WrongInstance
from ctsieve.node.security import server_context
from ctsieve.node.settings import NodeSettings
from ctsieve.types.errors import InputRejected, OutOfResources, UsageError
from ctsieve.types.promise import promise
from ctsieve.types.provenance import hashed

logger = logging.getLogger(__name__)

PREAMBLE: Final = b"\0" * 128 + b"DICM"
"""Always empty: what a sender puts there could be run as a program (CVE-2019-11687)."""
SPARE_CONNECTIONS: Final = 10
"""Above the limit of associations, so that the next ones are told why instead of being dropped."""
LOOK_SECONDS: Final = 0.0002
"""Between two looks for data of a sender."""
_LAST_OF_DATA_SET: Final = 2
_COMMAND: Final = 1
"""Bits of the message control header (PS3.8 E.2)."""


class Listener:
    """An association acceptor that keeps instances in an inbox.  A context manager."""

    def __init__(self, settings: NodeSettings, inbox: Inbox) -> None:
        self._settings = settings
        self._inbox = inbox
        self._received: dict[int, int] = {}
        self._server: ThreadedAssociationServer | None = None

    @property
    def port(self) -> int:
        """The port listened on, also where the system chose it."""
        return int(self._server.server_address[1]) if self._server else self._settings.port

    def __enter__(self) -> Self:
        """Start to listen.

        Raises:
            UsageError: the address cannot be used.
        """
        settings = self._settings
        # Its log handlers write every element of every command; ours write what matters.
        _config.LOG_HANDLER_LEVEL = "none"
        context = server_context(settings.tls) if settings.tls else None
        try:
            server = _entity(settings).make_server(
                (settings.host, settings.port),
                ssl_context=context,
                evt_handlers=self._handlers(),
                server_class=_Server,
                limits=settings,
            )
        except OSError as error:
            raise UsageError(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror}",
                hint="choose another port, or stop the program that has it",
            ) from error
        self._server = server
        threading.Thread(target=server.serve_forever, daemon=True).start()
        logger.info("listening on %s:%d as %s", settings.host, self.port, settings.ae_title)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop to listen; associations under way are aborted."""
        if self._server is not None:
            for association in self._server.active_associations:
                # Others end by themselves; there is nothing to abort (PS3.8 9.2, state 2).
                if association.is_established:
                    association.abort()
            self._server.shutdown()

    def _handlers(self) -> list[evt.EventHandlerType]:
        return [
            (evt.EVT_C_ECHO, lambda _: Status.SUCCESS),
            (evt.EVT_C_STORE, self._on_store),
            (evt.EVT_CONN_OPEN, _attentive),
            (evt.EVT_PDU_RECV, self._on_pdu),
            (evt.EVT_CONN_CLOSE, self._on_close),
        ]

    def _on_store(self, event: evt.Event) -> int:
        sender = sender_name(event.assoc.requestor.ae_title)
        instance = str(_request(event).AffectedSOPInstanceUID)
        try:
            self._inbox.keep(_as_file(event), instance=instance, sender=sender)
        except OutOfResources as error:
            return self._refused(Status.OUT_OF_RESOURCES, sender, instance, error)
        except WrongInstance as error:
            return self._refused(Status.MISMATCH, sender, instance, error)
        except InputRejected as error:
            return self._refused(Status.CANNOT_UNDERSTAND, sender, instance, error)
        except OSError as error:
            return self._refused(Status.OUT_OF_RESOURCES, sender, instance, error)
        return Status.SUCCESS

    def _refused(self, status: Status, sender: str, instance: str, error: Exception) -> int:
        logger.warning("%s from %s refused: %s", hashed(instance), sender, error)
        return status

    def _on_pdu(self, event: evt.Event) -> None:
        """Abort an association whose data set grows beyond the limit, before it is complete."""
        if not isinstance(event.pdu, P_DATA_TF):
            return
        key, limit = id(event.assoc), self._settings.max_object_mb << 20
        for item in event.pdu.presentation_data_value_items:
            value = item.presentation_data_value or bytes(1)
            header = value[0]
            if header & _COMMAND:
                continue
            size = self._received.get(key, 0) + len(value)
            self._received[key] = 0 if header & _LAST_OF_DATA_SET else size
            if size > limit:
                sender = sender_name(event.assoc.requestor.ae_title)
                logger.warning("%s sends more than %d MB in one object", sender, limit >> 20)
                event.assoc.abort(block=False)

    def _on_close(self, event: evt.Event) -> None:
        self._received.pop(id(event.assoc), None)


ASSOCIATION_END_SECONDS: Final = 2.0
"""How long an aborted association may take to end before its socket is closed under it."""


class _Server(ThreadedAssociationServer):
    """Looks at a connection before a thread is spent on it."""

    def __init__(self, *arguments: Any, limits: NodeSettings, **named: Any) -> None:  # noqa: ANN401 - theirs
        self._limits = limits
        self._networks = [ipaddress.ip_network(host) for host in limits.hosts]
        self._accepted: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        super().__init__(*arguments, **named)

    def shutdown(self) -> None:
        """Stop accepting and close the socket; the parent's expects to be in a list of its AE."""
        socketserver.BaseServer.shutdown(self)
        self.server_close()
        for association in self.active_associations:
            association.join(ASSOCIATION_END_SECONDS)
        # The library forgets connections that failed before they became associations.
        for connection in list(self._accepted):
            connection.close()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """The next connection, remembered until it is closed."""
        connection, address = super().get_request()
        self._accepted.add(connection)
        return connection, address

    def verify_request(self, request: object, client_address: object) -> bool:  # noqa: ARG002
        """Whether this address may connect, and whether there is room."""
        if len(self.active_associations) >= self._limits.max_associations + SPARE_CONNECTIONS:
            logger.warning("a connection was dropped: too many at once")
            return False
        if not self._networks:
            return True
        promise(isinstance(client_address, tuple), "an address is a host and a port")
        address = ipaddress.ip_address(client_address[0])  # type: ignore[index]  # promised above
        allowed = any(address in network for network in self._networks)
        if not allowed:
            logger.warning("a connection from an address that is not in `hosts` was dropped")
        return allowed


def _attentive(event: evt.Event) -> None:
    """Look for the next PDU more often than pynetdicom, which waits 1 ms before each of them."""
    event.assoc.dul._run_loop_delay = LOOK_SECONDS


def _entity(settings: NodeSettings) -> AE:
    entity = AE(ae_title=settings.ae_title)
    entity.implementation_class_uid = conformance.IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = conformance.IMPLEMENTATION_VERSION
    entity.maximum_associations = settings.max_associations
    entity.maximum_pdu_size = conformance.MAX_PDU
    entity.acse_timeout = conformance.ACSE_SECONDS
    entity.dimse_timeout = conformance.DIMSE_SECONDS
    entity.network_timeout = conformance.IDLE_SECONDS
    entity.require_called_aet = True
    entity.require_calling_aet = list(settings.senders)
    entity.add_supported_context(conformance.VERIFICATION)
    for uid in conformance.STORED:
        entity.add_supported_context(uid, list(conformance.TRANSFER_SYNTAXES))
    return entity


def _as_file(event: evt.Event) -> bytes:
    """The data set as a file.  Same instance, same bytes: nothing of the sender is written."""
    request = _request(event)
    meta = create_file_meta(
        sop_class_uid=UID(request.AffectedSOPClassUID or ""),
        sop_instance_uid=UID(request.AffectedSOPInstanceUID or ""),
        transfer_syntax=event.context.transfer_syntax,
        implementation_uid=UID(conformance.IMPLEMENTATION_CLASS_UID),
        implementation_version=conformance.IMPLEMENTATION_VERSION,
    )
    buffer = DicomBytesIO()
    buffer.write(PREAMBLE)
    write_file_meta_info(buffer, meta)
    buffer.write(event.encoded_dataset(include_meta=False))
    return bytes(buffer.getvalue())


def _request(event: evt.Event) -> C_STORE:
    promise(isinstance(event.request, C_STORE), "a store event holds a store request")
    return event.request  # type: ignore[return-value]  # the promise above checked it
