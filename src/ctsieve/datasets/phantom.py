"""Synthetic chests: what `make_cohort` wrote; every label is exact.

Source   made on this machine, no patient behind it.
Licence  CC0: synthetic.
Trap     Several pictures come from one patient; the split must keep them together.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from ctsieve.datasets._splits import shares_of_patients
from ctsieve.types.cards import DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

LABELS = ("covid19", "other_pneumonia", "neither")
LESIONS = ("ggo", "consolidation", "crazy_paving")
MASK_VALUES = {1: "ggo", 2: "consolidation", 3: "crazy_paving"}
SHARES = {"train": 0.6, "tune": 0.2, "test": 0.2}
WHERE = "write the cohort again with ctsieve.phantoms.cohort.make_cohort"
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
            hint=WHERE,
        )
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        absent = set(COLUMNS) - set(reader.fieldnames or ())
        if absent:
            raise UnreadableStudy(
                f"cases.csv has no column {', '.join(sorted(absent))}", hint=WHERE
            )
        for line, row in enumerate(reader, start=2):
            yield _case(root, row, line)


def _case(root: Path, row: Mapping[str, str], line: int) -> Case:
    image = root / row["image"]
    problem = ""
    if not image.exists():
        problem = f"{row['image']} is missing"
    elif row["label"] not in LABELS:
        problem = f"label {row['label']!r}"
    elif row["kind"] not in ("picture", "volume"):
        problem = f"kind {row['kind']!r}"
    if problem:
        raise UnreadableStudy(f"cases.csv line {line}: {problem}", hint=WHERE)
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
    lesions=LESIONS,
    mask_values=MASK_VALUES,
    splits={
        "by-patient": SplitCard(
            title="60, 20 and 20 % of the patients of each label",
            deal=shares_of_patients(SHARES, seed=0),
        ),
    },
)
