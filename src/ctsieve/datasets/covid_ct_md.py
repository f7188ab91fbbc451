"""COVID-CT-MD: DICOM series with slice labels: COVID-19, community pneumonia, normal.

Source   https://github.com/ShahinSHH/COVID-CT-MD (Afshar et al., Scientific Data 2021): a thinned
         sample of three patients; the whole set, read by the variant "figshare", is at
         https://figshare.com/s/c20215f3d42c98f09ad0: {COVID-19,Cap,Normal} Cases/<patient>/*.dcm,
         Index.csv and Slice-level-labels.npy.
Licence  None given; the data paper is open access.  Research use only.
Traps    File order is not slice order: the sample has the position in `*_slices.csv`, the whole set
         only in the DICOM files (Slice Location), and its slice labels count in that order.  JPEG
         Lossless.  The label is the patient's; the flag `infection` is the slice's, and a slice of
         the COVID-19 patient without it shows no disease.  Some files have empty or invalid UIDs.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.datasets._files import dicom_series, the_file, the_folder, the_table
from ctsieve.datasets._manifest import collection_of, entries
from ctsieve.types.cards import Counts, DatasetCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

FOLDER = "covid_ct_md"
LABELS = {"COVID": "covid19", "CAP": "other_pneumonia", "Normal": "neither"}
INFECTION = "infection"
"""The flag that says whether a slice shows the patient's disease."""

FOLDERS = {
    "covid19": ("COVID-19 Cases", "COVID-19 subjects"),
    "other_pneumonia": ("Cap Cases", "CAP Cases", "CAP subjects"),
    "neither": ("Normal Cases", "Normal subjects"),
}
"""Folders of the whole set, as archived and as its description calls them."""
SLICE_LABELS = "Slice-level-labels.npy"
WHERE = "unpack COVID-CT-MD of figshare.com/s/c20215f3d42c98f09ad0 there"


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
            scan=entry.path.parent.name,
            position=order[_key(entry.path)],
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
            scan=own[0].scan,
        )


def walk_figshare(root: Path) -> Iterator[Case]:
    """Yield one whole series per case of the whole set, opening no file; files are in no order.

    Raises:
        UnreadableStudy: a folder is missing, or a patient has no DICOM files or several folders.
    """
    for label, names in FOLDERS.items():
        folder = the_folder(root, *names, hint=WHERE)
        for patient in sorted(path for path in folder.iterdir() if path.is_dir()):
            series = list(dicom_series(patient))
            if len(series) != 1:
                raise UnreadableStudy(
                    f"{folder.name}/{patient.name} holds {len(series)} folders with .dcm files",
                    hint=WHERE,
                )
            yield Case(
                id=f"{folder.name}/{patient.name}",
                patient=f"covid_ct_md:{patient.name}",
                label=label,
                files=series[0][1],
                site="covid_ct_md",
                kind="volume",
                scan=patient.name,
            )


def infected_slices(root: Path) -> Mapping[str, npt.NDArray[np.int64]]:
    """Of the labelled patients of the whole set the slices that show infection, in slice order.

    Numbers count from 0 along rising Slice Location.  The index table skips a number that the
    array does not: rows are taken by number where the array has as many, else one after another.

    Raises:
        UnreadableStudy: a file is missing or the two do not fit together.
    """
    rows = the_table(root / "Index.csv", ("Label Index", "Folder/ID"), hint=WHERE)
    labels = np.load(the_file(root / SLICE_LABELS, hint=WHERE), allow_pickle=False)
    numbers = [int(row["Label Index"]) for row in rows]
    if len(labels) == len(rows):
        numbers = list(range(len(rows)))
    elif len(labels) <= max(numbers):
        raise UnreadableStudy(
            f"{SLICE_LABELS} has {len(labels)} rows and Index.csv {len(rows)}", hint=WHERE
        )
    return {
        row["Folder/ID"]: np.flatnonzero(labels[number])
        for row, number in zip(rows, numbers, strict=True)
    }


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


_SLICES = DatasetCard(
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
    counts=Counts(
        cases=182,
        patients=3,
        labels={"covid19": 74, "other_pneumonia": 56, "neither": 52},
    ),
    lesions=(INFECTION,),
)
CARD = replace(
    _SLICES,
    variants={
        "scans": replace(
            _SLICES,
            title="COVID-CT-MD, three sample patients, whole series",
            walk=scans,
            counts=Counts(cases=3, patients=3),
            lesions=(),
        ),
        "figshare": replace(
            _SLICES,
            title="COVID-CT-MD, whole set",
            walk=walk_figshare,
            expected="305 series: 169 covid19, 60 other_pneumonia, 76 neither",
            counts=Counts(
                cases=305,
                patients=305,
                labels={"covid19": 169, "other_pneumonia": 60, "neither": 76},
            ),
            lesions=(),
        ),
    },
)
