"""Storage and verification SCP: who may connect, how many at once, and where it ends.

Source   PS3.4 Annex A (Verification) and B (Storage), PS3.8 (Upper Layer).
"""

import ipaddress
import logging
import socket
import socketserver
import threading
from typing import Final, Self

from ctsieve.node.association import Association
from ctsieve.node.inbox import Inbox
from ctsieve.node.security import server_context
from ctsieve.node.settings import NodeSettings
from ctsieve.types.errors import UsageError

logger = logging.getLogger(__name__)

SPARE_CONNECTIONS: Final = 10
"""Above the limit of associations, so that the next ones are told why instead of being dropped."""
WAITING_CONNECTIONS: Final = 64
"""How many the system holds until they are accepted."""
END_SECONDS: Final = 5.0
"""How long associations may take to end when the listener ends."""
Connection = socket.socket | tuple[bytes, socket.socket]
"""What `socketserver` serves: of TCP always a socket."""


class Listener:
    """An association acceptor that keeps instances in an inbox.  A context manager."""

    def __init__(self, settings: NodeSettings, inbox: Inbox) -> None:
        self._settings = settings
        self._inbox = inbox
        self._server: _Server | None = None

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
        try:
            server = _Server(settings, self._inbox)
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
            self._server.end()


class _Server(socketserver.TCPServer):
    """Looks at a connection before a thread is spent on it; each accepted one has its own."""

    allow_reuse_address = True
    request_queue_size = WAITING_CONNECTIONS

    def __init__(self, settings: NodeSettings, inbox: Inbox) -> None:
        self._settings = settings
        self._inbox = inbox
        self._tls = server_context(settings.tls) if settings.tls else None
        self._networks = [ipaddress.ip_network(host) for host in settings.hosts]
        self._room = threading.Semaphore(settings.max_associations)
        self._open: dict[Association, threading.Thread] = {}
        if ":" in settings.host:
            self.address_family = socket.AF_INET6
        super().__init__((settings.host, settings.port), socketserver.BaseRequestHandler)

    def end(self) -> None:
        """Accept nothing more and abort what is under way."""
        self.shutdown()
        self.server_close()
        under_way = dict(self._open)
        for association in under_way:
            association.hang_up()
        for thread in under_way.values():
            thread.join(END_SECONDS)

    def verify_request(self, _request: object, client_address: tuple[str, int]) -> bool:
        """Whether this address may connect, and whether there is room to tell it anything."""
        if len(self._open) >= self._settings.max_associations + SPARE_CONNECTIONS:
            logger.warning("a connection was dropped: too many at once")
            return False
        host = client_address[0]
        if self._networks and not any(_is_in(host, network) for network in self._networks):
            logger.warning("a connection from an address that is not in `hosts` was dropped")
            return False
        return True

    def process_request(self, request: Connection, _client_address: object) -> None:
        """Serve one connection in a thread of its own, counted from now on."""
        connection = request if isinstance(request, socket.socket) else request[1]
        association = Association(
            self._ready(connection), settings=self._settings, inbox=self._inbox, room=self._room
        )
        thread = threading.Thread(target=self._serve, args=(association,), daemon=True)
        self._open[association] = thread
        thread.start()

    def _ready(self, connection: socket.socket) -> socket.socket:
        # An answer is one small packet: it must not wait for the acknowledgement of the last one.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            return connection
        # Shakes hands at the first read, in the connection's own thread: a stranger who connects
        # and then says nothing would keep everybody out here.
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def _serve(self, association: Association) -> None:
        try:
            association.serve()
        finally:
            del self._open[association]


def _is_in(host: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address) in network
