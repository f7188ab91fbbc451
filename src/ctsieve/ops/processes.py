"""The same work on many items in several processes: decoding images holds the interpreter lock.

Processes are started fresh, so a script that calls this with more than one worker needs the usual
`if __name__ == "__main__":` around its own work.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from ctsieve.ops.parallel import usable_cores
from ctsieve.types.promise import promise

Item = TypeVar("Item")
Made = TypeVar("Made")


class Workers:
    """Processes to give work to, inside a `with` block; one worker is this process itself.

    Example:
        >>> with Workers(1) as workers:
        ...     list(workers.map(abs, [-2, 1]))
        [2, 1]
    """

    def __init__(self, number: int | None = None) -> None:
        self.number = usable_cores() if number is None else number
        promise(self.number >= 1, f"work needs a worker, got {self.number}")
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Start the processes."""
        if self.number > 1:
            fresh = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.number, mp_context=fresh)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the processes; work that has not begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, work: Callable[[Item], Made], items: Sequence[Item]) -> Iterator[Made]:
        """`work` of every item, in order; an error in any is raised where its turn comes."""
        if self._pool is None:
            return map(work, items)
        return self._pool.map(work, items, chunksize=4)
