"""COVIDx-SeqCT: 16 slices of every scan of COVIDx CT-2A, made from its published lists.

Source   https://www.kaggle.com/datasets/hgunraj/covidxct (images and lists, version 2A); the
         selection: Loconte, Colavito, "Screening CT images for COVID-19 infections and pneumonia",
         section II, code peppocola/Screening-COVID19, commit 4ed681b.
Licence  The set's parts have their own licences, some for research only; see its page.
Traps    A list has a row for each image, and a scan is a run of rows.  The authors lose the last
         scan of each list, and draw 16 slices at random among evenly spaced candidates though the
         paper says "extracted uniformly".  `walk` keeps all scans of 16 slices and more, and takes
         slices at even distances; `AuthorsSelection` makes the authors' sequences.
         Patients are known for CNCB's images only; elsewhere the scan stands for the patient.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.types.cards import DatasetCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UnreadableStudy

LENGTH = 16
"""Slices of a sequence; shorter scans are left out."""
LABELS = ("neither", "other_pneumonia", "covid19")
"""Of the lists' classes 0, 1 and 2."""
LISTS = {
    "train": "train_COVIDx_CT-2A.txt",
    "val": "val_COVIDx_CT-2A.txt",
    "test": "test_COVIDx_CT-2A.txt",
}
IMAGES = "2A_images"
AUTHORS_SEED = 42

_SCAN = re.compile(r"(?P<scan>.+)[_-](IM)?\d+\.png")
_CNCB = re.compile(r"(?P<patient>(NCP|CP|Normal)_\d+)_\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedImage:
    """A row of a list; the box is of the body, in pixels (column, row, column, row), half open."""

    file: str
    scan: str
    label: int
    box: tuple[int, int, int, int]


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


def parse(lines: Iterable[str]) -> list[ListedImage]:
    """The rows of a list, `file class left top right bottom`.

    Raises:
        UnreadableStudy: a row is none.
    """
    return [_row(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


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
        UnreadableStudy: a list is missing or cannot be read.
    """
    for partition, name in LISTS.items():
        path = root / name
        if not path.is_file():
            raise UnreadableStudy(
                f"{name} is missing", hint="unpack the lists and images of COVIDx CT-2A there"
            )
        listed = parse(path.read_text(encoding="utf-8").splitlines())
        times: dict[str, int] = {}
        for scan in scans(listed):
            times[scan.scan] = times.get(scan.scan, 0) + 1
            if len(scan.rows) >= LENGTH:
                yield _case(root, partition, scan, listed, times[scan.scan])


def _case(root: Path, partition: str, scan: Sequence, listed: list[ListedImage], time: int) -> Case:
    chosen = (listed[scan.rows[position]] for position in even_slices(len(scan.rows)))
    patient = _CNCB.fullmatch(scan.scan)
    return Case(
        id=f"{partition}/{scan.scan}" + (f"#{time}" if time > 1 else ""),
        patient=patient["patient"] if patient else scan.scan,
        label=LABELS[scan.label],
        files=tuple(root / IMAGES / image.file for image in chosen),
        site="covidx_ct",
        partition=partition,
        kind="volume",
        box=_common_box([listed[row].box for row in scan.rows]),
    )


def _common_box(boxes: list[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    """The smallest box around all boxes of a scan."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _row(number: int, line: str) -> ListedImage:
    words = line.split()
    match = _SCAN.fullmatch(words[0])
    try:
        label, *box = (int(word) for word in words[1:])
        left, top, right, bottom = box
    except ValueError as error:
        raise UnreadableStudy(f"list row {number}: {line.strip()!r} is no image row") from error
    if match is None or not 0 <= label < len(LABELS):
        raise UnreadableStudy(f"list row {number}: {line.strip()!r} names no scan or no class")
    return ListedImage(
        file=words[0], scan=match["scan"], label=label, box=(left, top, right, bottom)
    )


CARD = DatasetCard(
    title="COVIDx-SeqCT, from COVIDx CT-2A",
    source="https://www.kaggle.com/datasets/hgunraj/covidxct",
    licence="its parts' own, some for research only",
    labels=LABELS,
    walk=walk,
    citation="Gunraj et al., Frontiers in Medicine 7 (2020) 608525; Loconte, Colavito 2021",
    expected="the authors' rule finds 2390, 430 and 408 sequences; each list has one scan more",
    traps=(
        "the authors lose the last scan of every list",
        "the authors draw 16 slices at random among evenly spaced ones",
        "patients are known for CNCB's images only",
    ),
)
