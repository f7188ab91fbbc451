"""Steps that could not be done when they were due, and are tried again until they are."""

from collections import deque
from collections.abc import Callable


class Waiting:
    """Steps, each for a named thing.  Safe to add to from many threads; one tries again."""

    def __init__(self) -> None:
        self._steps: deque[tuple[str, Callable[[], None]]] = deque()

    def add(self, name: str, step: Callable[[], None]) -> None:
        """Try `step` later, for the thing `name`."""
        self._steps.append((name, step))

    @property
    def names(self) -> frozenset[str]:
        """The things that something waits for."""
        return frozenset(name for name, _ in list(self._steps))

    def try_again(self) -> OSError | None:
        """Try every step once; the last error, if some have to wait on."""
        failure = None
        for _ in range(len(self._steps)):
            name, step = self._steps.popleft()
            try:
                step()
            except OSError as error:
                self.add(name, step)
                failure = error
        return failure
