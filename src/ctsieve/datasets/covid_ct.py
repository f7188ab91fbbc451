"""COVID-CT with LA-DNN's lesion flags: figures cut from papers, one CT slice each.

Source   https://github.com/UCSD-AI4H/COVID-CT (He, Zhao et al. 2020), official train and val;
         flags from https://github.com/xiaoxuegao499/LA-DNN-for-COVID-19-diagnosis (data_split).
Licence  None given for the set; figures belong to the papers' authors or publishers.  Research
         use only.
Traps    All positives are .png and half the negatives .jpg: the file type alone gives an AUC of
         0.75.  34 files called .png are JPEG.  Arrows, letters, colour marks, soft-tissue windows.
         One paper stands in train and val: cases are grouped by paper as well as by patient.
         Lesion flags come from captions: "absent" means "not mentioned" (here False), and 111 of
         349 positives mention none (here: no flags at all).  The authors' code spells two kinds
         Aibr and InSep and so never learned them; both spellings are understood here.  File names
         contain `%` and are no URLs.  The official test split is not part of this collection.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._manifest import Entry, collection_of, entries
from ctsieve.types.cards import DatasetCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

FOLDER = "covid_ct"
FLAG_FILES = ("ladnn_train_meta.csv", "ladnn_val_meta.csv")
LABELS = {"COVID": "covid19", "NonCOVID": "non_covid19"}

LESIONS = ("GGO", "Csld", "CrPa", "AirBr", "InSepThi")
"""Ground glass, consolidation, crazy paving, air bronchogram, interlobular septal thickening."""
OTHER_SPELLINGS = {"Aibr": "AirBr", "InSep": "InSepThi"}

PAPER = re.compile(r"\d{4}\.\d{2}\.\d{2}\.\d{8}")
"""A medRxiv or bioRxiv identifier, as positives' file names begin."""


def walk(root: Path) -> Iterator[Case]:
    """Yield one picture per case in the manifest's order, opening no image.

    Raises:
        UnreadableStudy: the collection is incomplete or a label is unknown.
    """
    files = [entry for entry in entries(root, FOLDER) if entry.label in LABELS]
    flags = _lesion_flags(collection_of(root, FOLDER) / FOLDER)
    group = _groups(files)
    for entry in files:
        yield Case(
            id=entry.name,
            patient=group[entry.patient],
            label=LABELS[entry.label],
            files=(entry.path,),
            site="covid_ct",
            partition=entry.path.parent.parent.name,
            lesions=flags.get(entry.path.name, {}),
        )


def _groups(files: list[Entry]) -> dict[str, str]:
    """Patient keys to one name for all patients that share a paper with them."""
    patients_of: dict[str, list[str]] = {}
    for entry in files:
        found = PAPER.match(entry.path.name)
        source = found.group() if found else entry.patient
        patients_of.setdefault(source, []).append(entry.patient)
    group = {entry.patient: entry.patient for entry in files}
    for patients in patients_of.values():
        merged = {group[patient] for patient in patients}
        name = min(merged)
        group.update({patient: name for patient, old in group.items() if old in merged})
    return group


def _lesion_flags(folder: Path) -> dict[str, dict[str, bool]]:
    """File names to lesion flags; names whose caption mentions no lesion are left out."""
    flags: dict[str, dict[str, bool]] = {}
    for name in FLAG_FILES:
        if not (folder / name).is_file():
            raise UnreadableStudy(f"{name} is missing", hint="copy the collection again, whole")
        with (folder / name).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                mentioned = {OTHER_SPELLINGS.get(c.strip(), c.strip()) for c in row.values()}
                if mentioned & set(LESIONS):
                    flags[row["imgname"]] = {kind: kind in mentioned for kind in LESIONS}
    return flags


CARD = DatasetCard(
    title="COVID-CT with LA-DNN lesion flags",
    source="https://github.com/UCSD-AI4H/COVID-CT",
    licence="none given: research use only",
    labels=tuple(LABELS.values()),
    walk=walk,
    citation="He, Zhao et al., medRxiv 2020.04.13.20063941; Liu et al. 2020.05.11.20097907",
    expected="523 pictures: 238 covid19, 285 non_covid19; 414 train, 109 val",
    traps=(
        "the file type alone tells the label with an AUC of 0.75",
        "one paper stands in both official partitions: split by patient, not by partition",
        "a lesion that a caption does not mention is not absent",
        "names contain % and must not be URL-decoded",
    ),
)
