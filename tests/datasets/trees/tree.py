"""What a fake copy is, and how its files are written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

NO_IMAGE = b"\x00"
"""The content of every fake image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What must be found in a fake copy."""

    labels: dict[str, int]
    """Cases of each label."""
    patients: int
    partitions: dict[str, int]
    """Cases of each partition; "" for cases of none."""
    vital: tuple[str, ...] = ()
    """Paths without which the walk must fail with a sentence that names the file."""


Builder = Callable[[Path], Tree]


def touch(root: Path, names: Iterable[str]) -> None:
    """Write a fake image at each path."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(NO_IMAGE)


def write(path: Path, lines: Iterable[str], *, end: str = "\n") -> None:
    """Write a text file of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}{end}" for line in lines).encode())
