"""Lists, file names and `metadata.csv` of COVIDx CT: what its images are called and say.

Source   https://github.com/haydengunraj/COVIDNet-CT, commit b5c92b7: splits/, docs/dataset.md and
         dataset_construction/, where each source's file names are made.
Differs  The authors know patients by the first column of `metadata.csv` only, which is by name;
         here the rule of each source says which part of a name is the patient, so that a copy
         without `metadata.csv` can be split.  TCIA numbers several scans of one patient `-0047_1`:
         the part behind the underscore is the scan's here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ctsieve.datasets._files import the_file, the_table
from ctsieve.datasets._twenty_cases import CORONACASES
from ctsieve.types.errors import UnreadableStudy

LABELS = ("neither", "other_pneumonia", "covid19")
"""Of the lists' classes 0, 1 and 2."""
PARTITIONS = ("train", "val", "test")
VERSIONS = ("1", "2A", "2B", "3A", "3B")
WHERE = "download the lists and images of COVIDx CT from kaggle.com/datasets/hgunraj/covidxct"
METADATA = "metadata.csv"
FACTS = ("source", "country", "finding", "verified finding", "slice selection")
"""Columns of metadata.csv that become facts of a case."""
SEX: dict[str, Literal["female", "male"]] = {"F": "female", "M": "male"}

_LAST_NUMBER = re.compile(r"(?P<scan>.+)[_-](IM)?(?P<number>\d+)\.png")
_SOURCES = (
    ("cncb", re.compile(r"(?P<patient>(NCP|CP|Normal)_\d+)_\d+"), "{}"),
    ("volume-covid19-a", re.compile(r"(?P<patient>volume-covid19-A-\d+)(_\d+)?"), "{}"),
    ("lidc", re.compile(r"(?P<patient>LIDC-IDRI-\d+)-.+"), "{}"),
    ("covid_ctset", re.compile(r".*?_(?P<patient>patient\d+)_SR_\d+"), "covid_ctset:{}"),
    ("coronacases", re.compile(r"coronacases_(?P<patient>\d+)"), CORONACASES),
    ("radiopaedia", re.compile(r"(?P<patient>radiopaedia[_-]\d+)[_-].+"), "{}"),
    ("ictcf", re.compile(r"(?P<patient>HUST-Patient\d+)"), "{}"),
    ("covid_ct_md", re.compile(r"COVIDCTMD-(?P<patient>\w+?)(-IM\d*)?"), "covid_ct_md:{}"),
    ("stoic", re.compile(r"STOIC-(?P<patient>\d+)"), "stoic:{}"),
    ("mosmed", re.compile(r"(?P<patient>study_\d+)"), "mosmed:{}"),
    ("stony_brook", re.compile(r"(?P<patient>A\d{6})-.+"), "{}"),
)
"""Sources, how their scans are named, and patient keys.

A patient whose scans another set here holds too has the key of that set: whoever mixes sets, or
tests on one what was trained on another, cannot put a patient on two sides.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedImage:
    """A row of a list; the box is of the body, in pixels (column, row, column, row), half open."""

    file: str
    scan: str
    number: int
    label: int
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a scan's name says: its source, empty where no rule fits, and its patient."""

    source: str
    patient: str
    name: str
    """The patient's as the publisher writes it, for `metadata.csv`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A row of `metadata.csv`."""

    sex: Literal["female", "male", ""] = ""
    age: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_verified(self) -> bool:
        """False where the publisher says that nobody verified the finding."""
        return self.facts.get("verified finding") != "No"


NOBODY = Person()


def origin(scan: str) -> Origin:
    """Source and patient of a scan; where no rule fits, the scan stands for the patient.

    Example:
        >>> origin("STOIC-1024").patient
        'stoic:1024'
    """
    for source, rule, key in _SOURCES:
        found = rule.fullmatch(scan)
        if found:
            name = found["patient"]
            return Origin(source=source, patient=key.format(name), name=name)
    return Origin(source="", patient=scan, name=scan)


def person(known: Mapping[str, Person], scan: str) -> Person:
    """What `metadata.csv` says of a scan's patient, who may be listed under several spellings."""
    name = origin(scan).name
    prefix = scan.partition(name)[0]
    spellings = (name, prefix + name, scan)  # P001, STOIC-1024, volume-covid19-A-0047_1
    return next((known[spelling] for spelling in spellings if spelling in known), NOBODY)


def parse(lines: Iterable[str]) -> list[ListedImage]:
    """The rows of a list, `file class left top right bottom`.

    Raises:
        UnreadableStudy: a row is none.
    """
    return [_row(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def list_name(version: str, partition: str) -> str:
    """The file name of a list; the B versions share validation and test lists with A."""
    shared = version if partition == "train" else version.replace("B", "A")
    return f"{partition}_COVIDx_CT-{shared}.txt"


def has_lists(root: Path, version: str) -> bool:
    """Whether all three lists of a version are in one of the places where they are looked for."""
    return all(_list_path(root, version, partition).is_file() for partition in PARTITIONS)


def read_list(root: Path, version: str, partition: str) -> list[ListedImage]:
    """One list, from `root` or, as in the authors' repository, `root`/splits/v<number>.

    Raises:
        UnreadableStudy: the list is missing or a row of it is none.
    """
    path = the_file(_list_path(root, version, partition), hint=WHERE)
    return parse(path.read_text(encoding="utf-8").splitlines())


def image_folder(root: Path, version: str) -> Path:
    """Where the images are: <version>_images, that of the A version, images/, or `root` itself."""
    names = (f"{version}_images", f"{version.replace('B', 'A')}_images", "images")
    return next((root / name for name in names if (root / name).is_dir()), root)


def metadata(root: Path) -> dict[str, Person]:
    """Patients to their rows of `metadata.csv`; empty where a copy has none."""
    if not (root / METADATA).is_file():
        return {}
    rows = the_table(root / METADATA, ("patient id", "sex", "age"), hint=WHERE)
    return {
        row["patient id"]: Person(
            sex=SEX.get(row["sex"], ""),
            age=float(row["age"]) if row["age"].isdigit() else None,
            facts={name: row[name] for name in FACTS if row.get(name)},
        )
        for row in rows
    }


def _list_path(root: Path, version: str, partition: str) -> Path:
    name = list_name(version, partition)
    places = (root / name, root / "splits" / f"v{version[0]}" / name)
    return next((path for path in places if path.is_file()), places[0])


def _row(number: int, line: str) -> ListedImage:
    words = line.split()
    match = _LAST_NUMBER.fullmatch(words[0])
    try:
        label, *box = (int(word) for word in words[1:])
        left, top, right, bottom = box
    except ValueError as error:
        raise UnreadableStudy(f"list row {number}: {line.strip()!r} is no image row") from error
    if match is None or not 0 <= label < len(LABELS):
        raise UnreadableStudy(f"list row {number}: {line.strip()!r} names no scan or no class")
    return ListedImage(
        file=words[0],
        scan=match["scan"],
        number=int(match["number"]),
        label=label,
        box=(left, top, right, bottom),
    )
