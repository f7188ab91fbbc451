"""Work on many files at once: reading, hashing, decoding and NumPy release the GIL."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

A = TypeVar("A")
B = TypeVar("B")

_MAX_WORKERS: Final = 16


def in_parallel(work: Callable[[A], B], items: Sequence[A], *, workers: int | None) -> Iterator[B]:
    """`work` of every item, in order, on a few threads; on this one if `workers` is 1."""
    threads = min(workers or os.cpu_count() or 1, _MAX_WORKERS, len(items))
    if threads <= 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="ctsieve-read") as pool:
        yield from pool.map(work, items)
