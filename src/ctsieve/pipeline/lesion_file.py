"""A lesions file: JSON, one line about the bundle and one line per case; see `LesionTable`."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ctsieve.types.errors import InputRejected
from ctsieve.types.lesion_table import LesionCase, LesionTable

Line = TypeVar("Line", bound=BaseModel)
LESIONS = "lesions.jsonl"
"""Its name beside a score file."""


def save_lesions(table: LesionTable, path: Path) -> Path:
    """Write a table; the same table gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [table.model_dump_json(exclude={"cases"})]
    lines += [case.model_dump_json(exclude_defaults=True) for case in table.cases]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def load_lesions(path: Path) -> LesionTable:
    """Read a table.

    Raises:
        InputRejected: the file cannot be read, a line is no case, or a case stands there twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputRejected(f"{path.name} cannot be read: {error}") from error
    if not lines:
        raise InputRejected(f"{path.name} is empty")
    head = _parsed(LesionTable, lines[0], f"{path.name} line 1")
    cases = [
        _parsed(LesionCase, line, f"{path.name} line {number}")
        for number, line in enumerate(lines[1:], start=2)
    ]
    if len({case.case for case in cases}) != len(cases):
        raise InputRejected(f"{path.name} holds a case twice", hint="one line per case")
    return head.model_copy(update={"cases": tuple(cases)})


def _parsed(kind: type[Line], line: str, place: str) -> Line:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputRejected(
            f"{place} is no line of a lesions file: {where} {first['msg']}",
            hint="docs/reference/score-file.md describes the lines",
        ) from error


def is_lesion_file(path: Path) -> bool:
    """Whether a path names a lesions file."""
    return path.suffix == ".jsonl" and path.is_file()


def lesions_beside(scores: Path, *, digest: str) -> LesionTable | None:
    """The lesions file in the folder of a score file, if there is one.

    Raises:
        InputRejected: it is another bundle's.
    """
    path = scores.with_name(LESIONS)
    if not path.is_file():
        return None
    table = load_lesions(path)
    if table.bundle_digest != digest:
        raise InputRejected(
            f"{path.name} beside {scores.name} is of {table.bundle} {table.bundle_version}, not of "
            "the bundle of the scores",
            hint="move one of them into a folder of its own",
        )
    return table
