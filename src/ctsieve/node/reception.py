"""One C-STORE: from its command to its status; the data set goes to disk as it comes.

Source   PS3.4 B.2.3 (statuses).
"""

import logging
from typing import Final

from ctsieve.node.arrival import Arrival, WrongInstance
from ctsieve.node.conformance import Status
from ctsieve.node.inbox import Inbox
from ctsieve.node.wire import Command, file_front
from ctsieve.types.errors import InputRejected, OutOfResources
from ctsieve.types.provenance import hashed

logger = logging.getLogger(__name__)

_FAILURES: Final = (InputRejected, OutOfResources, OSError)


class TooLarge(Exception):
    """The data set grows beyond the limit; its association is to be aborted."""


class Reception:
    """A data set on its way into an inbox, as the file it will be."""

    def __init__(
        self, command: Command, *, transfer_syntax: str, sender: str, inbox: Inbox, limit: int
    ) -> None:
        self.command = command
        self._front = file_front(command, transfer_syntax=transfer_syntax)
        self._sender = sender
        self._inbox = inbox
        self._limit = limit
        self._size = 0
        self._arrival: Arrival | None = None
        self._failure: Exception | None = None

    def write(self, data: memoryview) -> None:
        """Take the next bytes of the data set.

        After a failure the rest is taken and thrown away: the sender hears why after the last byte.

        Raises:
            TooLarge: they are too many.
        """
        self._size += len(data)
        if self._size > self._limit:
            raise TooLarge
        if self._failure is not None:
            return
        try:
            if self._arrival is None:
                self._arrival = self._inbox.arrival()
                self._arrival.write(self._front)
            self._arrival.write(data)
        except _FAILURES as error:
            self._failure = error
            self.drop()

    def finish(self) -> Status:
        """Make the file durable; what to tell the sender.  Call `settle` after it was told."""
        try:
            if self._failure is not None:
                raise self._failure
            if self._arrival is None:
                raise InputRejected("the message holds no data set", hint="send it again")
            self._arrival.keep(instance=self.command.sop_instance)
        except _FAILURES as error:
            logger.warning(
                "%s from %s refused: %s", hashed(self.command.sop_instance), self._sender, error
            )
            return _status(error)
        return Status.SUCCESS

    def settle(self) -> None:
        """Put what was kept among the others of its study; nothing where it was refused."""
        if self._arrival is not None:
            self._arrival.place(sender=self._sender)

    def drop(self) -> None:
        """Leave nothing of it, before `finish`."""
        if self._arrival is not None:
            self._arrival.drop()


def _status(error: Exception) -> Status:
    if isinstance(error, WrongInstance):
        return Status.MISMATCH
    if isinstance(error, InputRejected):
        return Status.CANNOT_UNDERSTAND
    return Status.OUT_OF_RESOURCES
