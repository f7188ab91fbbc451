"""What can be wrong outside: each error owns its exit code, HTTP status and a hint.

A defect of ours is not here: see `ctsieve.types.promise`.
"""

from typing import ClassVar


class CtsieveError(Exception):
    """Something outside this program is wrong; `hint` says what to do about it."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(CtsieveError):
    """The command or call cannot mean anything."""

    exit_code = 2
    http_status = 400


class UnknownName(UsageError):
    """No model, data set, format, ... has that name."""


class InputRejected(CtsieveError):
    """The input was understood and is not fit to be judged."""

    exit_code = 3
    http_status = 422


class UnreadableStudy(InputRejected):
    """The bytes are no study this program can read."""


class UnsupportedTransferSyntax(UnreadableStudy):
    """The pixels are encoded in a way no installed free decoder reads."""


class MixedPatients(InputRejected):
    """One folder holds images of more than one patient."""


class BundleError(CtsieveError):
    """A bundle is missing, incomplete, or not what its manifest says."""

    exit_code = 4
    http_status = 404


class BatchPartlyFailed(CtsieveError):
    """Some items of a batch failed; the report says which."""

    exit_code = 5


class OutOfResources(CtsieveError):
    """Memory, disk or the device is exhausted."""

    exit_code = 6
    http_status = 507


class PeerRefused(CtsieveError):
    """Another machine refused or did not answer."""

    exit_code = 7
    http_status = 502


class MissingExtra(CtsieveError):
    """An optional part of the installation is needed and absent."""

    exit_code = 2
    http_status = 501
