"""The same work on many slices, on all usable cores: NumPy and SciPy release the interpreter lock.

Each slice is worked on by itself, so results do not depend on the number of threads.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")

SLICES_WORTH_A_THREAD = 16
"""Fewer items than this are done on the spot: starting threads costs more."""


def each(work: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Do `work` for every item; an error in any is raised here."""
    threads = min(usable_cores(), len(items) // SLICES_WORTH_A_THREAD)
    if threads < 2:
        for item in items:
            work(item)
        return

    def share(first: int) -> None:
        for item in items[first::threads]:
            work(item)

    with ThreadPoolExecutor(threads, thread_name_prefix="ctsieve-slices") as pool:
        for _ in pool.map(share, range(threads)):
            pass


def usable_cores() -> int:
    """Cores this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
