"""Golden files as they come: read, or refused in one sentence; and what of them nobody compares."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Gold = Mapping[str, Any]
Arrays = Mapping[str, np.ndarray[Any, Any]]


class UnreadableGolden(Exception):
    """A golden file is damaged, or lacks what its kind needs; the text is one sentence."""


def gold_of(file: Path) -> Gold:
    """What the JSON file holds.

    Raises:
        UnreadableGolden: it is no JSON object.
    """
    try:
        gold = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableGolden(f"{file.name} is no JSON file: {error}") from error
    if not isinstance(gold, dict):
        raise UnreadableGolden(f"{file.name} holds no JSON object")
    return gold


def arrays_of(file: Path) -> Arrays:
    """The arrays of the `.npz` beside a JSON file; none where there is no such file.

    Raises:
        UnreadableGolden: the file is damaged, or holds pickled objects.
    """
    beside = file.with_suffix(".npz")
    if not beside.is_file():
        return {}
    try:
        with np.load(io.BytesIO(beside.read_bytes()), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise UnreadableGolden(f"{beside.name} cannot be read: {error}") from error


def lacking(file: Path, error: KeyError) -> UnreadableGolden:
    """What to say of a file without an entry that its kind needs."""
    beside = file.with_suffix(".npz")
    absent = "" if beside.is_file() else f"; there is no {beside.name} beside it"
    return UnreadableGolden(f"{file.name} has no entry {error}{absent}")


def not_compared(gold: Gold, arrays: Arrays, compared: Iterable[str]) -> list[str]:
    """Quantities that a file holds and no row is of: arrays, and outputs of any mode."""
    seen = {quantity.split(" (")[0] for quantity in compared}
    return sorted({name for name in _held(gold, arrays) if not _is_among(name, seen)})


def _held(gold: Gold, arrays: Arrays) -> Iterator[str]:
    outputs = gold.get("outputs")
    for name, value in outputs.items() if isinstance(outputs, dict) else ():
        if isinstance(value, dict):
            yield from value
        else:
            yield name
    if isinstance(outputs, dict):  # files without a network give arrays that are no outputs
        yield from arrays


def _is_among(name: str, seen: set[str]) -> bool:
    """Whether a quantity is compared, perhaps under a name that begins with its mode."""
    return name in seen or any(name.endswith(f"_{quantity}") for quantity in seen)
