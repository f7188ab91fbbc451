"""COVID-CT with LA-DNN's lesion flags: figures cut from papers, one CT slice each.

Source   https://github.com/UCSD-AI4H/COVID-CT (He, Zhao et al. 2020), official train and val;
         flags from https://github.com/xiaoxuegao499/LA-DNN-for-COVID-19-diagnosis (data_split).
Licence  None given for the set; figures belong to the papers' authors or publishers.  Research
         use only.
Traps    All positives are .png and half the negatives .jpg: the file type alone gives an AUC of
         0.76.  32 files called .png are JPEG.  Arrows, letters, colour marks, soft-tissue windows.
         One paper stands in train and val: cases are grouped by paper as well as by patient.
         Lesion flags come from captions: "absent" means "not mentioned" (here False), and 111 of
         349 positives mention none (here: no flags at all).  The authors' code spells two kinds
         Aibr and InSep and so never learned them; both spellings are understood here.  File names
         contain `%` and are no URLs.  The official test split is not part of this collection; the
         variant "official" reads a whole copy of the publishers' repositories, where nobody says
         which negatives are of one patient.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ctsieve.datasets._files import all_there, the_file, the_folder, the_lines
from ctsieve.datasets._manifest import Entry, collection_of, entries
from ctsieve.datasets._splits import as_published, patients_together, shares_of_patients
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

FOLDER = "covid_ct"
FLAG_FILES = ("ladnn_train_meta.csv", "ladnn_val_meta.csv")
LABELS = {"COVID": "covid19", "NonCOVID": "non_covid19"}

LESIONS = ("GGO", "Csld", "CrPa", "AirBr", "InSepThi")
"""Ground glass, consolidation, crazy paving, air bronchogram, interlobular septal thickening."""
OTHER_SPELLINGS = {"Aibr": "AirBr", "InSep": "InSepThi"}

PAPER = re.compile(r"\d{4}\.\d{2}\.\d{2}\.\d{6,}")
"""A medRxiv or bioRxiv identifier, as positives' file names begin."""

PARTITIONS = ("train", "val", "test")
PATIENTS = "COVID-CT-MetaInfo_new.csv"
"""LA-DNN's table of the 349 positives: file name, "Patient <number>", flags, caption."""
WHERE = (
    "unpack Images-processed/*.zip of github.com/UCSD-AI4H/COVID-CT beside its Data-split/, "
    "and put LA-DNN's data_split/ there"
)
PAPERS_SHARES = {"train": 0.60, "tune": 0.15, "test": 0.25}


def walk(root: Path) -> Iterator[Case]:
    """Yield one picture per case in the manifest's order, opening no image.

    Raises:
        UnreadableStudy: the collection is incomplete or a label is unknown.
    """
    files = [entry for entry in entries(root, FOLDER) if entry.label in LABELS]
    folder = collection_of(root, FOLDER) / FOLDER
    flags = lesion_flags(folder / name for name in FLAG_FILES)
    group = _groups(files)
    for entry in files:
        yield _case(entry, group[entry.patient], entry.path.parent.parent.name, flags)


def walk_official(root: Path) -> Iterator[Case]:
    """Yield the pictures of a whole copy of the publishers' files, opening none.

    `root` holds Images-processed/{CT_COVID,CT_NonCOVID}/ (or these two folders themselves),
    Data-split/ with the publishers' lists, and data_split/ with LA-DNN's tables.

    Raises:
        UnreadableStudy: a folder, list, table or listed picture is missing.
    """
    tables = the_folder(root, "data_split", hint=WHERE)
    flags = lesion_flags(tables / f"{partition}_meta.csv" for partition in PARTITIONS)
    patients = _patients(tables / PATIENTS)
    found: list[tuple[Entry, str]] = []
    for kind in LABELS:
        images = the_folder(root, f"Images-processed/CT_{kind}", f"CT_{kind}", hint=WHERE)
        for partition in PARTITIONS:
            names = the_lines(root / "Data-split" / kind / f"{partition}CT_{kind}.txt", hint=WHERE)
            all_there(images, names, hint=WHERE)
            for name in names:
                key = f"{FOLDER}:{patients.get(name, name)}"
                entry = Entry(path=images / name, name=f"{kind}/{name}", label=kind, patient=key)
                found.append((entry, partition))
    group = _groups([entry for entry, _ in found])
    for entry, partition in found:
        yield _case(entry, group[entry.patient], partition, flags)


def lesion_flags(tables: Iterable[Path]) -> dict[str, dict[str, bool]]:
    """File names to lesion flags; names whose caption mentions no lesion are left out.

    Raises:
        UnreadableStudy: a table is missing.
    """
    flags: dict[str, dict[str, bool]] = {}
    for path in tables:
        with the_file(path, hint=WHERE).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                mentioned = {OTHER_SPELLINGS.get(c.strip(), c.strip()) for c in row.values()}
                if mentioned & set(LESIONS):
                    flags[row["imgname"]] = {kind: kind in mentioned for kind in LESIONS}
    return flags


def _case(entry: Entry, patient: str, partition: str, flags: dict[str, dict[str, bool]]) -> Case:
    paper = PAPER.match(entry.path.name)
    return Case(
        id=entry.name,
        patient=patient,
        label=LABELS[entry.label],
        files=(entry.path,),
        site="covid_ct",
        partition=partition,
        lesions=flags.get(entry.path.name, {}),
        paper=paper.group() if paper else "",
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


def _patients(table: Path) -> dict[str, str]:
    """File names of positives to patients; the table's header names neither column clearly."""
    with the_file(table, hint=WHERE).open(newline="", encoding="utf-8", errors="replace") as file:
        rows = [row for row in csv.reader(file) if len(row) > 1]
    named = {row[0].strip(): row[1].strip() for row in rows if row[1].startswith("Patient ")}
    if not named:
        raise UnreadableStudy(f"{table.name} names no patients", hint=WHERE)
    return named


_COLLECTION = DatasetCard(
    title="COVID-CT with LA-DNN lesion flags",
    source="https://github.com/UCSD-AI4H/COVID-CT",
    licence="none given: research use only",
    labels=tuple(LABELS.values()),
    walk=walk,
    citation="He, Zhao et al., medRxiv 2020.04.13.20063941; Liu et al. 2020.05.11.20097907",
    expected="523 pictures: 238 covid19, 285 non_covid19; 414 train, 109 val",
    traps=(
        "the file type alone tells the label with an AUC of 0.76",
        "one paper stands in both official partitions: split by patient, not by partition",
        "a lesion that a caption does not mention is not absent",
        "names contain % and must not be URL-decoded",
    ),
    counts=Counts(
        cases=523,
        labels={"covid19": 238, "non_covid19": 285},
        partitions={"train": 414, "val": 109},
    ),
    lesions=LESIONS,
    splits={
        "published": SplitCard(
            title="the official lists",
            deal=as_published,
            leaks="two papers stand in train and test, one of them in all lists; two in train, val",
        ),
        "leak-free": SplitCard(
            title="the official lists; a paper of several goes to the first of train, tune, test",
            deal=patients_together,
        ),
        "paper": SplitCard(
            title="60, 15 and 25 % by patient, as LA-DNN's paper says; its lists differ",
            deal=shares_of_patients(PAPERS_SHARES, seed=0),
        ),
    },
)
CARD = replace(
    _COLLECTION,
    variants={
        "official": replace(
            _COLLECTION,
            title="COVID-CT, whole copy of the publishers' files",
            walk=walk_official,
            expected="746 pictures: 349 covid19, 397 non_covid19; 425 train, 118 val, 203 test",
            counts=Counts(
                cases=746,
                labels={"covid19": 349, "non_covid19": 397},
                partitions={"train": 425, "val": 118, "test": 203},
            ),
        ),
    },
)
