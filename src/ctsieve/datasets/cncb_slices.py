"""CNCB slices as the One Shot papers use them: 3,000 to train, 21,191 to test, 58,782 held out.

Source   Images and test list: COVIDx CT-1 (see covidx-ct), all of its images are CNCB's.  The list
         of 3,000: train_split_classification.txt of github.com/AlexTS1980/COVID-Single-Shot-Model,
         with names <class>_<patient>_<scan>_<slice>.png for NCP (2), CP (1) and Normal (0).  Counts
         of all lists were checked by counting rows.
Licence  As CNCB: no licence stated, research use with citation.
Differs  The papers say 21,192 to test and 58,737 held out; their lists have 21,191, and the train
         list of COVIDx CT-1 less the 3,000 has 58,782.
Traps    Hold-out and train come from one list and share nearly all patients: the hold-out measures
         memory as well as skill, so a split with it says that it leaks.  One source, one country.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ctsieve.datasets._covidx_lists import (
    LABELS,
    PARTITIONS,
    WHERE,
    ListedImage,
    image_folder,
    origin,
    read_list,
)
from ctsieve.datasets._files import all_there, the_lines
from ctsieve.datasets._splits import as_published
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case, Sides
from ctsieve.types.errors import UnreadableStudy

TRAIN_LIST = "train_split_classification.txt"
HOLD_OUT = "holdout"
"""What the train list of COVIDx CT-1 has beside the 3,000."""
PREFIXES = {"0": "Normal", "1": "CP", "2": "NCP"}
WHERE_LIST = f"take {TRAIN_LIST} from github.com/AlexTS1980/COVID-Single-Shot-Model"


def walk(root: Path) -> Iterator[Case]:
    """Yield the slices of COVIDx CT-1 in its lists' order, opening no image.

    Raises:
        UnreadableStudy: a list is missing, names images that the other lists do not have, or listed
            images are missing.
    """
    chosen = {_original(line) for line in the_lines(root / TRAIN_LIST, hint=WHERE_LIST)}
    folder = image_folder(root, "1")
    for partition in PARTITIONS:
        listed = read_list(root, "1", partition)
        all_there(folder, (image.file for image in listed), hint=WHERE)
        if partition == "train" and (strange := chosen - {image.file for image in listed}):
            raise UnreadableStudy(
                f"{TRAIN_LIST} names {min(strange)}, which COVIDx CT-1 does not train on",
                hint=WHERE_LIST,
            )
        for image in listed:
            held_out = partition == "train" and image.file not in chosen
            yield _case(folder, HOLD_OUT if held_out else partition, image)


def with_hold_out(cases: Iterable[Case]) -> Sides:
    """The 3,000 to train on, COVIDx CT-1's validation to tune on, the hold-out to test on."""
    by_partition: dict[str, list[Case]] = {"train": [], "val": [], HOLD_OUT: []}
    for case in cases:
        if case.partition in by_partition:
            by_partition[case.partition].append(case)
    names = ("train", "tune", "test")
    return {side: tuple(own) for side, own in zip(names, by_partition.values(), strict=True)}


def _original(line: str) -> str:
    """The name that COVIDx CT-1 gives to an image of the authors' list."""
    label, _, rest = line.partition("_")
    if label not in PREFIXES:
        raise UnreadableStudy(f"{TRAIN_LIST}: {line!r} begins with no class 0, 1 or 2")
    return f"{PREFIXES[label]}_{rest}"


def _case(folder: Path, partition: str, image: ListedImage) -> Case:
    return Case(
        id=image.file,
        patient=origin(image.scan).patient,
        label=LABELS[image.label],
        files=(folder / image.file,),
        site="cncb",
        partition=partition,
        box=image.box,
        scan=image.scan,
        position=image.number,
    )


CARD = DatasetCard(
    title="CNCB slices of the One Shot papers",
    source="http://ncov-ai.big.ac.cn/download",
    licence="none stated: research use with citation",
    labels=LABELS,
    walk=walk,
    citation="Zhang et al., Cell 181 (2020) 1423-1433; Ter-Sarkisov, medRxiv 2021.02.16.21251754",
    expected="3,000 train, 21,036 val, 21,191 test, 58,782 hold-out",
    traps=(
        "the hold-out shares patients with the train images",
        "the label is the scan's, not the slice's",
        "one source only",
    ),
    counts=Counts(
        cases=104_009,
        patients=1489,
        labels={"neither": 45_758, "other_pneumonia": 36_856, "covid19": 21_395},
        partitions={"train": 3000, "val": 21_036, "test": 21_191, HOLD_OUT: 58_782},
    ),
    splits={
        "published": SplitCard(title="3,000 train, 21,191 test", deal=as_published),
        "hold-out": SplitCard(
            title="3,000 train, 58,782 held out",
            deal=with_hold_out,
            leaks="hold-out and train images come from the same patients",
        ),
    },
)
