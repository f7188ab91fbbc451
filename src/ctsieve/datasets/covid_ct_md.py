"""COVID-CT-MD: three thinned DICOM series with slice labels: COVID-19, pneumonia, normal.

Source   https://github.com/ShahinSHH/COVID-CT-MD (Afshar et al., Scientific Data 2021), sample.
Licence  None given; the data paper is open access.  Research use only.
Traps    File order is not slice order: the position stands in `*_slices.csv`.  JPEG Lossless.
         The label is the patient's; the flag `infection` is the slice's, and a slice of the
         COVID-19 patient without it shows no disease.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._manifest import collection_of, entries
from ctsieve.types.cards import DatasetCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

FOLDER = "covid_ct_md"
LABELS = {"COVID": "covid19", "CAP": "other_pneumonia", "Normal": "neither"}
INFECTION = "infection"
"""The flag that says whether a slice shows the patient's disease."""


def walk(root: Path) -> Iterator[Case]:
    """Yield one DICOM slice per case, series by series from the head down, opening none.

    Raises:
        UnreadableStudy: the collection is incomplete.
    """
    slices = [entry for entry in entries(root, FOLDER) if entry.label in LABELS]
    flags = _slice_flags(collection_of(root, FOLDER) / FOLDER)
    order = {name: position for position, name in enumerate(flags)}
    for entry in sorted(slices, key=lambda e: order[_key(e.path)]):
        yield Case(
            id=entry.name,
            patient=entry.patient,
            label=LABELS[entry.label],
            files=(entry.path,),
            site="covid_ct_md",
            kind="slice",
            lesions={INFECTION: flags[_key(entry.path)]},
        )


def scans(root: Path) -> Iterator[Case]:
    """Yield one whole series per case.

    Raises:
        UnreadableStudy: the collection is incomplete.
    """
    slices: dict[str, list[Case]] = {}
    for case in walk(root):
        slices.setdefault(case.patient, []).append(case)
    for patient, own in slices.items():
        yield Case(
            id=str(Path(own[0].id).parent),
            patient=patient,
            label=own[0].label,
            files=tuple(case.files[0] for case in own),
            site="covid_ct_md",
            kind="volume",
        )


def _key(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _slice_flags(folder: Path) -> dict[str, bool]:
    """Series/file names, from the head down, to whether the slice shows disease."""
    tables = sorted(folder.glob("*_slices.csv"))
    if not tables:
        raise UnreadableStudy(
            "the *_slices.csv tables are missing", hint="copy the collection again, whole"
        )
    flags: dict[str, bool] = {}
    for table in tables:
        with table.open(newline="", encoding="utf-8") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: int(row["index_from_top"]))
        series = table.name.removesuffix("_slices.csv")
        flags |= {f"{series}/{row['file']}": row["infected"] == "1" for row in rows}
    return flags


CARD = DatasetCard(
    title="COVID-CT-MD, three sample patients",
    source="https://github.com/ShahinSHH/COVID-CT-MD",
    licence="none given: research use only",
    labels=tuple(LABELS.values()),
    walk=walk,
    citation="Afshar et al., Scientific Data 8 (2021) 121",
    expected="182 DICOM slices of 3 patients: 74 covid19, 56 other_pneumonia, 52 neither",
    traps=(
        "file order is not slice order",
        "the label is the patient's, the flag `infection` the slice's",
        "some siblings of this set have empty or invalid UIDs",
    ),
)
