"""Synthetic chests: what `make_cohort` wrote; every label is exact.

Source   made on this machine, no patient behind it.
Licence  CC0: synthetic.
Trap     Several pictures come from one patient; the split must keep them together.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from ctsieve.types.cards import DatasetCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

LABELS = ("covid19", "other_pneumonia", "neither")
LESIONS = ("ggo", "consolidation", "crazy_paving")
COLUMNS = ("image", "patient", "site", "label", *LESIONS, "mask", "kind")


def walk(root: Path) -> Iterator[Case]:
    """Yield the cases of `root`/cases.csv in its order, opening no image.

    Raises:
        UnreadableStudy: `cases.csv` or a file it names is missing, or a line makes no sense.
    """
    table = root / "cases.csv"
    if not table.is_file():
        raise UnreadableStudy(
            f"{table.name} is missing in {root.name!r}",
            hint="write it with ctsieve.phantoms.cohort.make_cohort",
        )
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        absent = set(COLUMNS) - set(reader.fieldnames or ())
        if absent:
            raise UnreadableStudy(f"cases.csv has no column {', '.join(sorted(absent))}")
        for line, row in enumerate(reader, start=2):
            yield _case(root, row, line)


def _case(root: Path, row: Mapping[str, str], line: int) -> Case:
    image = root / row["image"]
    if not image.exists():
        raise UnreadableStudy(f"cases.csv line {line}: {row['image']} is missing")
    if row["label"] not in LABELS:
        raise UnreadableStudy(f"cases.csv line {line}: label {row['label']!r}")
    if row["kind"] not in ("picture", "volume"):
        raise UnreadableStudy(f"cases.csv line {line}: kind {row['kind']!r}")
    kind: Literal["picture", "volume"] = "volume" if row["kind"] == "volume" else "picture"
    return Case(
        id=row["image"],
        patient=row["patient"],
        label=row["label"],
        files=tuple(sorted(image.iterdir())) if kind == "volume" else (image,),
        site=row["site"],
        kind=kind,
        lesions={name: row[name] == "1" for name in LESIONS},
        mask=root / row["mask"] if row["mask"] else None,
    )


CARD = DatasetCard(
    title="Synthetic chests",
    source="ctsieve.phantoms.cohort.make_cohort",
    licence="CC0-1.0",
    labels=LABELS,
    walk=walk,
    expected="as many cases as cases.csv has lines",
    traps=("several pictures come from one patient",),
)
