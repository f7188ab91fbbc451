"""A split as a file: ids by side, with a digest that notices when the data changed under it.

docs/reference/split.md describes every field.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ctsieve.learning.whole_files import write_whole
from ctsieve.types.cases import Case, Sides, Split
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.version import __version__

SCHEMA: Final = "ctsieve-split/1"


class SplitFile(BaseModel):
    """What a split file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal["ctsieve-split/1"] = SCHEMA
    name: str
    data: tuple[str, ...]
    """Names of the data sets, in the order they were walked."""
    method: str
    """How the cases were dealt, in words."""
    software: str = f"ctsieve {__version__}"
    digest: str
    """`Split.digest`: over ids, patients, labels and sides, whatever their order."""
    leakage: tuple[str, ...] = ()
    """What is known to stand on two sides and was accepted."""
    sides: Mapping[str, tuple[str, ...]]
    """Ids of cases."""


def write_split(split: Split, path: Path, *, data: tuple[str, ...], method: str) -> SplitFile:
    """Write a split.

    Raises:
        UsageError: the file cannot be written.
        OutOfResources: the disk is full.
    """
    file = SplitFile(
        name=split.name,
        data=data,
        method=method,
        digest=split.digest,
        leakage=split.leakage,
        sides={side: tuple(case.id for case in own) for side, own in split.sides.items()},
    )
    write_whole(path, (file.model_dump_json(indent=1) + "\n").encode())
    return file


def load_split_file(path: Path) -> SplitFile:
    """Read a split file without its cases.

    Raises:
        UsageError: it is missing or no split file of this version.
    """
    try:
        return SplitFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path.name!r} cannot be read: {error.strerror}", hint="see `ctsieve data split`"
        ) from error
    except ValidationError as error:
        raise UsageError(
            f"{path.name!r} is no split file of schema {SCHEMA}", hint="see `ctsieve data split`"
        ) from error


def read_split(path: Path, cases: Iterable[Case]) -> Split:
    """The split in a file, filled with the cases of its data sets; cases on no side are left out.

    Raises:
        UsageError: it is no split file.
        InputRejected: a case is not in the data, or its label or patient is not what it was.
    """
    file = load_split_file(path)
    sides = filled(file, cases)
    return unchanged(Split(name=file.name, sides=sides, leakage=file.leakage), file)


def unchanged(split: Split, file: SplitFile) -> Split:
    """`split`, if its cases are still those that `file` was made with.

    Raises:
        InputRejected: a label or a patient is another.
    """
    if split.digest != file.digest:
        raise InputRejected(
            f"labels or patients are not those that split {file.name!r} was made with",
            hint="make the split again, or use the data it was made with",
        )
    return split


def filled(file: SplitFile, cases: Iterable[Case]) -> Sides:
    """The sides of a split file with their cases, whatever they share.

    Raises:
        InputRejected: a case is not in the data.
    """
    known = {case.id: case for case in cases}
    missing = [name for own in file.sides.values() for name in own if name not in known]
    if missing:
        raise InputRejected(
            f"{len(missing)} cases of split {file.name!r} are not in the data, the first is "
            f"{missing[0]!r}",
            hint=f"it was made for {', '.join(file.data)}: give the same data, whole",
        )
    return {side: tuple(known[name] for name in own) for side, own in file.sides.items()}
