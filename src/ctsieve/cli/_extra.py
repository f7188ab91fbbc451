"""Commands whose packages are an extra of the installation."""

from collections.abc import Iterator
from contextlib import contextmanager

from ctsieve.types.errors import MissingExtra


@contextmanager
def serve_extra() -> Iterator[None]:
    """Turn a missing package of `ctsieve[serve]` into a sentence.

    Raises:
        MissingExtra: a package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("ctsieve"):
            raise
        raise MissingExtra(
            f"this command needs {error.name}, which is not installed",
            hint="pip install 'ctsieve[serve]'",
        ) from error
