"""COVIDx CT 1, 2A, 2B, 3A and 3B: slices of eleven sources with boxes of the body, and their lists.

Source   https://www.kaggle.com/datasets/hgunraj/covidxct; lists and counts from the authors'
         https://github.com/haydengunraj/COVIDNet-CT (splits/, docs/dataset.md), counts of versions
         1 and of all validation and test lists checked by counting rows.
Licence  The sources have their own licences, some for research only; see docs there.
Traps    Six of eleven sources of version 3 are all COVID-19: the source's name alone tells COVID-19
         from the rest with an AUC of 0.90 (0.88 in variant A).  Variant B adds patients whose
         finding nobody verified, to the train list only.  3,395 patients' slices were chosen by an
         earlier network.  The label is the scan's: not every slice of a positive scan shows
         disease.  Images have different sizes, boxes may exceed 512.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from ctsieve.datasets._covidx_lists import (
    LABELS,
    PARTITIONS,
    VERSIONS,
    WHERE,
    ListedImage,
    Person,
    has_lists,
    image_folder,
    list_name,
    metadata,
    origin,
    person,
    read_list,
)
from ctsieve.datasets._files import all_there
from ctsieve.datasets._splits import as_published, patients_together
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

UNVERIFIED = 0.5
"""Trust in a finding that nobody verified."""

TRAIN_IMAGES = {
    "1": (27201, 22061, 12520),
    "2A": (35996, 25496, 82286),
    "2B": (35996, 25496, 88467),
    "3A": (35996, 26970, 294552),
    "3B": (35996, 26970, 300733),
}
VAL_IMAGES = {"1": (9107, 7400, 4529), "2": (11842, 7400, 6244), "3": (17570, 8008, 8147)}
TEST_IMAGES = {"1": (9450, 7395, 4346), "2": (12245, 7395, 6018), "3": (17922, 7965, 7894)}
"""Normal, pneumonia, COVID-19, by version or, where A and B share a list, by its number."""
PATIENTS = {"1": 1489}
"""Only version 1 is of one source whose names say the patient for sure."""


def walk(root: Path) -> Iterator[Case]:
    """Yield the slices of the newest A version whose lists are in `root`, opening no image.

    Raises:
        UnreadableStudy: there are no lists, a list cannot be read, or listed images are missing.
    """
    for version in ("3A", "2A", "1", "3B", "2B"):
        if has_lists(root, version):
            yield from walk_version(root, version=version)
            return
    names = ", ".join(list_name("3A", partition) for partition in PARTITIONS)
    raise UnreadableStudy(f"{root.name!r} holds no lists of COVIDx CT such as {names}", hint=WHERE)


def walk_version(root: Path, *, version: str) -> Iterator[Case]:
    """Yield the slices of one version in the order of its lists, opening no image.

    Raises:
        UnreadableStudy: a list is missing or cannot be read, or listed images are missing.
    """
    folder = image_folder(root, version)
    known = metadata(root)
    for partition in PARTITIONS:
        listed = read_list(root, version, partition)
        all_there(folder, (image.file for image in listed), hint=WHERE)
        for image in listed:
            yield _case(folder, partition, image, known)


def _case(folder: Path, partition: str, image: ListedImage, known: Mapping[str, Person]) -> Case:
    where = origin(image.scan)
    patient = person(known, image.scan)
    return Case(
        id=f"{partition}/{image.file}",
        patient=where.patient,
        label=LABELS[image.label],
        files=(folder / image.file,),
        site=where.source or "covidx_ct",
        partition=partition,
        box=image.box,
        scan=image.scan,
        position=image.number,
        sex=patient.sex,
        age=patient.age,
        facts=patient.facts,
        weight=1.0 if patient.is_verified else UNVERIFIED,
    )


def _counts(version: str) -> Counts:
    by_partition = {
        "train": TRAIN_IMAGES[version],
        "val": VAL_IMAGES[version[0]],
        "test": TEST_IMAGES[version[0]],
    }
    partitions = {partition: sum(images) for partition, images in by_partition.items()}
    columns = zip(*by_partition.values(), strict=True)
    return Counts(
        cases=sum(partitions.values()),
        patients=PATIENTS.get(version),
        labels={label: sum(images) for label, images in zip(LABELS, columns, strict=True)},
        partitions=partitions,
    )


_PUBLISHED = SplitCard(
    title="the lists as they are",
    deal=as_published,
    leaks="about 2,400 slices of versions 2 and 3 name no patient; no overlap of others known",
)
SPLITS = {
    "published": _PUBLISHED,
    "leak-free": SplitCard(
        title="the lists; a patient of several lists goes to the first of train, tune, test",
        deal=patients_together,
    ),
}

_CHECKED = {"published": replace(_PUBLISHED, leaks="")}
"""Version 1 is CNCB's alone, and its lists were checked to share no patient."""

_ANY = DatasetCard(
    title="COVIDx CT, newest A version at hand",
    source="https://www.kaggle.com/datasets/hgunraj/covidxct",
    licence="its sources' own, some for research only",
    labels=LABELS,
    walk=walk,
    citation="Gunraj et al., Frontiers in Medicine 7 (2020) 608525; 8 (2022) 729287",
    expected="1: 104,009 slices; 2A: 194,922; 2B: 201,103; 3A: 425,024; 3B: 431,205",
    traps=(
        "the source's name alone tells COVID-19 from the rest with an AUC of 0.90",
        "variant B's additional findings are unverified",
        "slices of most positive scans were chosen by an earlier network",
        "the label is the scan's, not the slice's",
    ),
    splits=SPLITS,
)
CARD = replace(
    _ANY,
    variants={
        version: replace(
            _ANY,
            title=f"COVIDx CT-{version}",
            walk=partial(walk_version, version=version),
            counts=_counts(version),
            # Version 1 is CNCB's alone, and its lists were checked to share no patient.
            splits=SPLITS | {"published": replace(_PUBLISHED, leaks="")}
            if version == "1"
            else SPLITS,
        )
        for version in VERSIONS
    },
)
