"""COVIDx-SeqCT: 16 slices of every scan of COVIDx CT-2A, made from its published lists.

Source   https://www.kaggle.com/datasets/hgunraj/covidxct (images and lists, version 2A); the
         selection: Loconte, Colavito, "Screening CT images for COVID-19 infections and pneumonia",
         section II, code peppocola/Screening-COVID19, commit 4ed681b.
Licence  The set's parts have their own licences, some for research only; see its page.
Differs  A sequence has one box around the boxes of its slices, so that they stay on top of each
         other; the authors crop each slice by its own box.
Traps    A list has a row for each image, and a scan is a run of rows.  The authors lose the last
         scan of each list, and draw 16 slices at random among evenly spaced candidates though the
         paper says "extracted uniformly".  `walk` keeps all scans of 16 slices and more, and takes
         slices at even distances; the variant "authors" makes the authors' sequences.
         Where a scan's name says no patient, the scan stands for the patient.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.datasets._covidx_lists import (
    LABELS,
    PARTITIONS,
    WHERE,
    ListedImage,
    image_folder,
    metadata,
    origin,
    person,
    read_list,
)
from ctsieve.datasets._files import all_there
from ctsieve.datasets._splits import as_published, patients_together
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UnreadableStudy

LENGTH = 16
"""Slices of a sequence; shorter scans are left out."""
VERSION = "2A"
AUTHORS_SEED = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """Chosen slices of one scan, as row numbers of the list, in its order."""

    scan: str
    label: int
    rows: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class AuthorsSelection:
    """The authors' sequences, quirks included; one generator runs through all lists in order.

    They seed once and go through train, validation and test: use one object for all three.
    """

    length: int = LENGTH
    seed: int = AUTHORS_SEED
    _generator: np.random.RandomState = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # numpy froze this generator's numbers; the modern one gives others.
        self._generator = np.random.RandomState(self.seed)

    def slices(self, num_slices: int) -> npt.NDArray[np.int64]:
        """Sorted positions of the slices drawn from a scan of `num_slices`.

        Candidates stand at a distance of `num_slices // length`; `length` of them are drawn, even
        where there are no more than that, which moves the generator on.

        Raises:
            InputRejected: the scan is too short.
        """
        if num_slices < self.length:
            raise InputRejected(f"a scan of {num_slices} slices has no {self.length} to draw")
        candidates = np.arange(0, num_slices, num_slices // self.length)
        drawn = self._generator.choice(len(candidates), size=self.length, replace=False)
        return np.sort(candidates[drawn])

    def sequences(self, listed: Iterable[ListedImage]) -> Iterator[Sequence]:
        """The sequences of one list; its last scan is never among them."""
        for scan in scans(listed)[:-1]:
            if len(scan.rows) >= self.length:
                chosen = self.slices(len(scan.rows))
                rows = tuple(scan.rows[int(position)] for position in chosen)
                yield Sequence(scan=scan.scan, label=scan.label, rows=rows)


def even_slices(num_slices: int, length: int = LENGTH) -> npt.NDArray[np.int64]:
    """Positions of `length` slices at even distances, first and last included; no chance in it.

    Example:
        >>> even_slices(31, 4)
        array([ 0, 10, 20, 30])
    """
    if num_slices < length:
        raise InputRejected(f"a scan of {num_slices} slices has no {length} different ones")
    return np.rint(np.linspace(0, num_slices - 1, length)).astype(np.int64)


def scans(listed: Iterable[ListedImage]) -> list[Sequence]:
    """Runs of neighbouring rows with one scan name, all their slices.

    Raises:
        UnreadableStudy: the rows of a run disagree on the class.
    """
    found = []
    for name, run in groupby(enumerate(listed), key=lambda numbered: numbered[1].scan):
        rows = list(run)
        labels = {image.label for _, image in rows}
        if len(labels) > 1:
            raise UnreadableStudy(f"scan {name!r} has the classes {sorted(labels)}")
        numbers = tuple(number for number, _ in rows)
        found.append(Sequence(scan=name, label=labels.pop(), rows=numbers))
    return found


def walk(root: Path) -> Iterator[Case]:
    """Yield every scan of 16 slices and more, with 16 at even distances, opening no image.

    A scan whose name comes back later in a list is a case of its own, numbered from 2.

    Raises:
        UnreadableStudy: a list is missing or cannot be read, or listed images are missing.
    """
    for partition in PARTITIONS:
        listed = _listed(root, partition)
        long = [scan for scan in scans(listed) if len(scan.rows) >= LENGTH]
        chosen = [
            replace(
                scan, rows=tuple(scan.rows[position] for position in even_slices(len(scan.rows)))
            )
            for scan in long
        ]
        yield from _cases(root, partition, chosen, listed)


def walk_authors(root: Path) -> Iterator[Case]:
    """Yield the authors' sequences, opening no image.

    Raises:
        UnreadableStudy: a list is missing or cannot be read, or listed images are missing.
    """
    selection = AuthorsSelection()
    for partition in PARTITIONS:
        listed = _listed(root, partition)
        yield from _cases(root, partition, selection.sequences(listed), listed)


def _listed(root: Path, partition: str) -> list[ListedImage]:
    listed = read_list(root, VERSION, partition)
    all_there(image_folder(root, VERSION), (image.file for image in listed), hint=WHERE)
    return listed


def _cases(
    root: Path, partition: str, sequences: Iterable[Sequence], listed: list[ListedImage]
) -> Iterator[Case]:
    folder, known = image_folder(root, VERSION), metadata(root)
    times: dict[str, int] = {}
    for sequence in sequences:
        times[sequence.scan] = time = times.get(sequence.scan, 0) + 1
        where = origin(sequence.scan)
        patient = person(known, sequence.scan)
        yield Case(
            id=f"{partition}/{sequence.scan}" + (f"#{time}" if time > 1 else ""),
            patient=where.patient,
            label=LABELS[sequence.label],
            files=tuple(folder / listed[row].file for row in sequence.rows),
            site=where.source or "covidx_ct",
            partition=partition,
            kind="volume",
            box=_common_box([listed[row].box for row in sequence.rows]),
            scan=sequence.scan,
            sex=patient.sex,
            age=patient.age,
            facts=patient.facts,
        )


def _common_box(boxes: list[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    """The smallest box around all boxes."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


SPLITS = {
    "published": SplitCard(
        title="the lists of COVIDx CT-2A as they are",
        deal=as_published,
        leaks="some scans name no patient; no overlap of others known",
    ),
    "leak-free": SplitCard(
        title="the lists; a patient of several lists goes to the first of train, tune, test",
        deal=patients_together,
    ),
}

_EVEN = DatasetCard(
    title="COVIDx-SeqCT, from COVIDx CT-2A: 16 slices at even distances",
    source="https://www.kaggle.com/datasets/hgunraj/covidxct",
    licence="its parts' own, some for research only",
    labels=LABELS,
    walk=walk,
    citation="Gunraj et al., Frontiers in Medicine 7 (2020) 608525; Loconte, Colavito 2021",
    expected="the authors' rule finds 2390, 430 and 408 sequences; val has one scan more",
    traps=(
        "the authors lose the last scan of every list",
        "the authors draw 16 slices at random among evenly spaced ones",
        "scans shorter than 16 slices are left out: 251 of val, 234 of test",
    ),
    splits=SPLITS,
)
AUTHORS = replace(
    _EVEN,
    title="COVIDx-SeqCT, the authors' selection",
    walk=walk_authors,
    counts=Counts(
        cases=3228,
        labels={"neither": 832, "other_pneumonia": 615, "covid19": 1781},
        partitions={"train": 2390, "val": 430, "test": 408},
    ),
)
CARD = replace(_EVEN, variants={"authors": AUTHORS})
