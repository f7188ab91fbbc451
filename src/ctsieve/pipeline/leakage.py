"""Sides become a split only if nothing stands on two of them, unless somebody accepts that."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from ctsieve.evaluation.overlap import overlaps
from ctsieve.learning.folds import fold_name
from ctsieve.learning.split import TRAIN, TUNE
from ctsieve.learning.split_file import filled, load_split_file, unchanged
from ctsieve.types.cases import Case, Sides, Split
from ctsieve.types.errors import InputRejected, UsageError


def accepted_split(name: str, sides: Sides, *, accept_leakage: bool = False) -> Split:
    """The split with these sides; what they share is remembered in `Split.leakage` if accepted.

    Raises:
        InputRejected: a patient, scan, paper or file is on two sides and that is not accepted, or
            a case is on two sides, which is never accepted.
    """
    found = overlaps(sides)
    twice = [finding for finding in found if finding.code == "case-on-two-sides"]
    if twice:
        raise InputRejected(twice[0].sentence, hint=twice[0].advice)
    if found and not accept_leakage:
        sentences = " ".join(finding.sentence for finding in found)
        raise InputRejected(
            f"split {name!r} leaks: {sentences}",
            hint=f"the first is {found[0].examples[0]!r}; split by patient with `ctsieve data "
            "split`, or go on with --accept-leakage, which every result will say",
        )
    return Split(name=name, sides=sides, leakage=tuple(finding.sentence for finding in found))


def split_from_file(
    path: Path,
    cases: Iterable[Case],
    *,
    accept_leakage: bool = False,
    only: Collection[str] | None = None,
) -> Split:
    """The split in a file, checked anew: what `fit` trains on.

    `only` are ids of the cases that a run can use; others are left out after the check.

    Raises:
        UsageError: it is no split file, or has neither sides "train" and "tune" nor folds.
        InputRejected: a case is not in the data or is not what it was, or the split leaks and that
            is not accepted.
    """
    file = load_split_file(path)
    split = accepted_split(file.name, filled(file, cases), accept_leakage=accept_leakage)
    unchanged(split, file)
    if not {TRAIN, TUNE} <= set(split.sides) and fold_name(0) not in split.sides:
        raise UsageError(
            f"{path.name!r} has the sides {', '.join(split.sides)}",
            hint=f"training needs {TRAIN} and {TUNE}, or folds",
        )
    if only is None:
        return split
    used = {
        side: tuple(case for case in own if case.id in only) for side, own in split.sides.items()
    }
    return replace(split, sides=used)
