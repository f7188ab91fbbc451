"""What the service refuses, each with its HTTP status."""

from ctsieve.types.errors import CtsieveError, OutOfResources, UsageError


class NotSignedIn(CtsieveError):
    """Nobody is signed in, or the session has ended."""

    http_status = 401


class NotAllowed(CtsieveError):
    """Whoever asks may not do this."""

    http_status = 403


class NotThere(CtsieveError):
    """There is no such thing, or not in this workspace: both look the same."""

    http_status = 404


class InConflict(UsageError):
    """It cannot be done as things stand."""

    http_status = 409


class TooLarge(UsageError):
    """More bytes, files or words than the limits allow."""

    http_status = 413


class TooMany(CtsieveError):
    """Too many attempts in too short a time."""

    http_status = 429


class NoRoom(OutOfResources):
    """The disk is nearly full."""
