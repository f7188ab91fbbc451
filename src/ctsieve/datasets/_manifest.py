"""The collection's `manifest.csv`: which files a set has, their labels and patient keys.

Several sets say nowhere else which images are of one patient, so none is read without it.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from ctsieve.types.errors import UnreadableStudy

MANIFEST = "manifest.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the manifest whose file is there."""

    path: Path
    name: str
    """POSIX path inside the collection."""
    label: str
    patient: str


def entries(root: Path, folder: str) -> list[Entry]:
    """The files of one set, in the manifest's order.

    `root` is the collection (the folder of `manifest.csv`) or the set's own folder inside it.
    Names are taken as they are: a `%` in a name is part of it and starts no URL escape.

    Raises:
        UnreadableStudy: no manifest, or a file that it lists is missing.
    """
    collection = collection_of(root, folder)
    with (collection / MANIFEST).open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith(f"{folder}/")]
    for row in rows:
        if not (collection / row["path"]).is_file():
            raise UnreadableStudy(
                f"{row['path']} is listed in {MANIFEST} and missing",
                hint="copy the collection again, whole",
            )
    return [
        Entry(
            path=collection / row["path"],
            name=row["path"],
            label=row["label"],
            patient=row["patient_key"],
        )
        for row in rows
    ]


def collection_of(root: Path, folder: str) -> Path:
    """The folder that holds the manifest and the set's `folder`.

    Raises:
        UnreadableStudy: neither `root` nor its parent is that folder.
    """
    for candidate in (root, root.parent):
        if (candidate / MANIFEST).is_file() and (candidate / folder).is_dir():
            return candidate
    raise UnreadableStudy(
        f"{root.name!r} holds no {folder}/ beside a {MANIFEST}",
        hint=f"give the folder that holds {MANIFEST} and {folder}/",
    )
