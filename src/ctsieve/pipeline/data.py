"""Data sets by name become cases, and cases sides: how every `ctsieve data` command begins."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ctsieve.datasets import dataset, shortfalls
from ctsieve.learning.split_file import filled, load_split_file
from ctsieve.types.audit import AuditFinding
from ctsieve.types.cards import DatasetCard
from ctsieve.types.cases import Case, Sides
from ctsieve.types.errors import UsageError

WHOLE = "all"
"""The one side of cases that nobody divided."""
PARTITIONS = {"train": "train", "val": "tune", "test": "test"}
"""Publishers' partitions to sides."""


class Divided(NamedTuple):
    """Cases on sides, whatever these share."""

    sides: Sides
    words: str
    """What the sides are; "" where nobody divided the cases."""
    others: tuple[Case, ...] = ()
    """Cases on no side, where only some data sets have partitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedData:
    """Some data sets with their walked cases."""

    root: Path
    cards: dict[str, DatasetCard]
    cases: dict[str, tuple[Case, ...]]
    """By the data set's name."""

    @property
    def names(self) -> tuple[str, ...]:
        """As they were asked for."""
        return tuple(self.cards)

    @property
    def all_cases(self) -> tuple[Case, ...]:
        """One set after another."""
        return tuple(chain.from_iterable(self.cases.values()))


def open_data(names: Sequence[str], root: Path) -> OpenedData:
    """Walk some data sets under `root`, opening no image.

    Raises:
        UnknownName: there is no such data set or variant.
        UsageError: no name, or `root` is not there.
        InputRejected: a copy is incomplete.
    """
    if not names:
        raise UsageError("no data set is named", hint="see `ctsieve data list`")
    cards = {name: dataset(name) for name in names}
    if not root.exists():
        raise UsageError(
            f"there is no {str(root)!r}", hint="give the folder of the data, or set CTSIEVE_DATA"
        )
    cases = {name: tuple(card.walk(root)) for name, card in cards.items()}
    return OpenedData(root=root, cards=cards, cases=cases)


def mask_meanings(names: Sequence[str], root: Path) -> Callable[[Case], Mapping[int, str]]:
    """What the values of a case's mask mean, by the card of its data set; {} where none says.

    Raises:
        UnknownName: there is no such data set or variant.
    """
    known = [dataset(name).mask_values for name in names]
    if len(known) == 1:
        return lambda _: known[0]
    drawn = [name for name, values in zip(names, known, strict=True) if values]
    by_case = {
        case.id: opened.cards[name].mask_values
        for opened in ([open_data(drawn, root)] if drawn else [])
        for name, cases in opened.cases.items()
        for case in cases
    }
    return lambda case: by_case.get(case.id, {})


def sides_of(data: OpenedData, *, published: str = "", split: Path | None = None) -> Divided:
    """The sides of a split file, of a published split, or of the publishers' partitions.

    Without any of them all cases are one side, "all".

    Raises:
        UsageError: both are given, or the file is no split file.
        UnknownName: a data set has no split of that name.
        InputRejected: a case of the file is not in the data.
    """
    if published and split is not None:
        raise UsageError("a split file and a published split cannot be used together")
    if split is not None:
        file = load_split_file(split)
        return Divided(filled(file, data.all_cases), f"split {file.name} of {split.name}")
    if published:
        dealt = [card.split(published).deal(data.cases[name]) for name, card in data.cards.items()]
        return Divided(_joined(dealt), f"published split {published}")
    sides = _by_partition(data.all_cases)
    if not sides:
        return Divided({WHOLE: data.all_cases}, "")
    others = tuple(case for case in data.all_cases if not case.partition)
    return Divided(sides, "the publishers' partitions", others)


def _by_partition(cases: Sequence[Case]) -> Sides:
    sides: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.partition:
            sides[PARTITIONS.get(case.partition, case.partition)].append(case)
    known = [side for side in PARTITIONS.values() if side in sides]
    return {side: tuple(sides[side]) for side in dict.fromkeys((*known, *sides))}


def _joined(dealt: Sequence[Sides]) -> Sides:
    """The sides of several data sets together."""
    sides: dict[str, tuple[Case, ...]] = {}
    for own in dealt:
        for side, cases in own.items():
            sides[side] = (*sides.get(side, ()), *cases)
    return sides


def copy_findings(data: OpenedData) -> tuple[AuditFinding, ...]:
    """Where a copy holds more or less than its publisher says."""
    return tuple(
        AuditFinding(
            code=finding.code,
            gravity="note",
            sentence=f"{name}: {finding.sentence}.",
            advice="An incomplete copy is no error, but its numbers are not the publisher's.",
        )
        for name, card in data.cards.items()
        for finding in shortfalls(card, data.cases[name])
    )


def tables_of(data: OpenedData) -> tuple[Path, ...]:
    """CSV tables beside the cases: in the innermost folder that holds all files of a set."""
    tables: dict[Path, None] = {}
    for cases in data.cases.values():
        folders = {path.parent for case in cases for path in case.files}
        if folders:
            shared = _shared_folder(sorted(folders))
            tables |= dict.fromkeys(sorted(shared.glob("*.csv")))
    return tuple(tables)


def _shared_folder(folders: Sequence[Path]) -> Path:
    """The innermost folder that holds all of `folders`."""
    first, last = folders[0], folders[-1]
    return next(
        place for place in (first, *first.parents) if last == place or place in last.parents
    )
