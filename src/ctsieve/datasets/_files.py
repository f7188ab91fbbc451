"""Folders, lists and tables of a downloaded copy, and one clear sentence when a part is missing."""

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ctsieve.types.errors import UnreadableStudy

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
DICOM = frozenset({".dcm", ".dicom", ".ima"})


def the_file(path: Path, *, hint: str) -> Path:
    """`path` itself.

    Raises:
        UnreadableStudy: there is no such file.
    """
    if not path.is_file():
        raise UnreadableStudy(f"{path.name} is missing in {path.parent.name}/", hint=hint)
    return path


def the_folder(root: Path, *names: str, hint: str) -> Path:
    """The first of the folders `root`/name that is there; an empty name is `root` itself.

    Raises:
        UnreadableStudy: none is there.
    """
    for name in names:
        if (root / name).is_dir():
            return root / name
    raise UnreadableStudy(f"{root.name!r} holds no folder {names[0]}/", hint=hint)


def the_table(path: Path, columns: Iterable[str], *, hint: str) -> list[dict[str, str]]:
    """The rows of a CSV file with at least these columns.

    Raises:
        UnreadableStudy: the file or a column is missing.
    """
    with the_file(path, hint=hint).open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        absent = [name for name in columns if name not in (reader.fieldnames or ())]
        if absent:
            raise UnreadableStudy(f"{path.name} has no column {', '.join(absent)}", hint=hint)
        return [{key: value or "" for key, value in row.items() if key} for row in reader]


def the_lines(path: Path, *, hint: str) -> list[str]:
    """The lines of a text file that are not blank, as they are: a `%` is part of a name.

    Raises:
        UnreadableStudy: there is no such file.
    """
    text = the_file(path, hint=hint).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip()]


def all_there(folder: Path, names: Iterable[str], *, hint: str) -> None:
    """Check listed files against the folder, which is listed once: sets have 400,000 files.

    Raises:
        UnreadableStudy: some are missing; the sentence has the first name and the number.
    """
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    listed = list(names)
    absent = [name for name in listed if name not in present]
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise UnreadableStudy(
            f"{folder.name}/{absent[0]}{more} of {len(listed)} listed files are missing", hint=hint
        )


def pictures(folder: Path) -> list[Path]:
    """The pictures directly in `folder`, in natural order."""
    return sorted(
        (path for path in folder.iterdir() if path.suffix.lower() in PICTURES),
        key=lambda path: natural(path.name),
    )


def dicom_series(folder: Path) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Folders below `folder` that hold DICOM files, with them, both in natural order.

    A file counts by its name: `.dcm` and the like.  The order of file names is not that of slices.
    """
    files: dict[Path, list[Path]] = {}
    for path in folder.rglob("*"):
        if path.suffix.lower() in DICOM:
            files.setdefault(path.parent, []).append(path)
    for parent in sorted(files, key=lambda path: natural(path.as_posix())):
        yield parent, tuple(sorted(files[parent], key=lambda path: natural(path.name)))


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts names by their numbers.

    Example:
        >>> sorted(["s10", "s9", "s1"], key=natural)
        ['s1', 's9', 's10']
    """
    parts = re.split(r"(\d+)", name)
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts if part)
