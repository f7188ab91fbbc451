"""Which cases an evaluation is about: data sets of a collection, or a table of local studies."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from ctsieve.datasets import DATASETS
from ctsieve.learning.folds import fold_sides
from ctsieve.learning.split import TUNE
from ctsieve.learning.split_file import load_split_file, read_split
from ctsieve.pipeline.data import open_data
from ctsieve.types.cases import Case, Split
from ctsieve.types.errors import InputRejected, UsageError

COLUMNS = ("case", "patient", "label", "file")
SEXES = {"female": "female", "f": "female", "male": "male", "m": "male"}


def cases_in(data: Path, *, datasets: Sequence[str] = ()) -> list[Case]:
    """The cases of a table (.csv), or of data sets in a collection's folder.

    Raises:
        UsageError: a folder without the name of a data set.
        InputRejected: the table lacks a column, or there is no case.
    """
    if data.suffix == ".csv":
        found = list(table_cases(data))
    elif datasets:
        found = list(open_data(datasets, data).all_cases)
    else:
        known = ", ".join(DATASETS.names())
        raise UsageError(f"say which data set {data} holds", hint=f"add --dataset NAME: {known}")
    if not found:
        raise InputRejected(f"{data.name} holds no case")
    return found


def table_cases(path: Path) -> Iterator[Case]:
    """The cases of a CSV file with the columns case, patient, label, file (relative to it).

    Also understood: site, sex, age, mask (a file with lesions drawn).  A folder or a DICOM series
    is a file here.

    Raises:
        InputRejected: the file cannot be read, lacks a column, or names a file that is missing.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputRejected(f"{path.name} cannot be read: {error}") from error
    missing = [name for name in COLUMNS if rows and name not in rows[0]]
    if missing:
        raise InputRejected(
            f"{path.name} has no column {missing[0]!r}", hint=f"needed: {', '.join(COLUMNS)}"
        )
    for line, row in enumerate(rows, start=2):
        empty = [name for name in COLUMNS if not row[name]]
        if empty:
            raise InputRejected(f"{path.name} line {line} has no {empty[0]}")
        image, mask = path.parent / row["file"], row.get("mask") or ""
        for name in filter(None, (row["file"], mask)):
            if not (path.parent / name).exists():
                raise InputRejected(f"{path.name} line {line}: {name} is missing")
        sex = SEXES.get((row.get("sex") or "").lower(), "")
        yield Case(
            id=row["case"],
            patient=row["patient"],
            label=row["label"],
            files=(image,),
            site=row.get("site") or "",
            sex="female" if sex == "female" else "male" if sex == "male" else "",
            age=_age(row.get("age") or "", path, line),
            mask=path.parent / mask if mask else None,
        )


def side_in_file(data: Path, split: Path, side: str, *, datasets: Sequence[str]) -> list[Case]:
    """The cases of one side of a split file, of `ctsieve data split` or of a run folder.

    Raises:
        UsageError: the file has no such side.
        InputRejected: the file is no split of these data sets, or labels or patients have changed.
    """
    return side_of(read_split(split, open_data(datasets, data).all_cases), side)


def named_sets(names: tuple[str, ...], split: Path | None) -> tuple[str, ...]:
    """The data sets that are named, else those that a split file was made of."""
    return names if names or split is None else load_split_file(split).data


def side_of(split: Split, side: str) -> list[Case]:
    """The cases of one side; of folds the tune side is all that are held out in turn.

    Raises:
        UsageError: the split has no such side.
    """
    if side == TUNE and TUNE not in split.sides:
        return [case for fold in fold_sides(split) for case in split.sides[fold]]
    if side not in split.sides:
        raise UsageError(f"the split has no side {side!r}", hint=f"it has {', '.join(split.sides)}")
    return list(split.sides[side])


def _age(text: str, path: Path, line: int) -> float | None:
    if not text:
        return None
    try:
        return float(text.rstrip("Yy"))
    except ValueError as error:
        raise InputRejected(f"{path.name} line {line}: {text!r} is no age in years") from error
