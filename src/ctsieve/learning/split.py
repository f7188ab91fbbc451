"""Divide cases into sides so that no patient, and no source paper, is on two of them."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from ctsieve.types.cases import Case, Split
from ctsieve.types.errors import InputRejected, UsageError

TRAIN, TUNE = "train", "tune"
PUBLISHED_TUNE = "val"
"""A publisher's partition of this name becomes the tune side."""
FOR_TRAINING = frozenset({"", "train", PUBLISHED_TUNE})
"""Partitions that nobody keeps back; all others ("test", "hold-out", ...) are for judging."""


def split_by_patient(
    cases: Iterable[Case],
    *,
    name: str,
    tune_share: float,
    seed: int,
    always_train: frozenset[str] = frozenset(),
    always_tune: frozenset[str] = frozenset(),
) -> Split:
    """Patients to "train" and "tune".

    What a publisher keeps back for judging is on no side (`trainable`).  A site whose publisher has
    a "val" keeps its partitions, a patient of both going to train; of any other site
    the share `tune_share` of the patients with the smallest hash of (seed, patient) goes to tune,
    so that adding a case moves no other one.  Patients or sites named in `always_train` and
    `always_tune` go there.

    Raises:
        UsageError: a name stands in both sets.
        InputRejected: a case appears twice.
    """
    if both := always_train & always_tune:
        raise UsageError(f"{min(both)!r} cannot be on both sides")
    patients: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in trainable(cases):
        patients[case.site, case.patient].append(case)
    with_tune = {c.site for own in patients.values() for c in own if c.partition == PUBLISHED_TUNE}
    drawn = _drawn(patients, tune_share, seed)
    sides: dict[str, list[Case]] = {TRAIN: [], TUNE: []}
    for (site, patient), own in patients.items():
        names = {site, patient}
        if names & always_train:
            side = TRAIN
        elif names & always_tune:
            side = TUNE
        elif site in with_tune and (partitions := {case.partition for case in own} - {""}):
            side = TUNE if partitions == {PUBLISHED_TUNE} else TRAIN
        else:
            side = TUNE if (site, patient) in drawn else TRAIN
        sides[side] += own
    return Split(name=name, sides={side: tuple(own) for side, own in sides.items()})


def trainable(cases: Iterable[Case]) -> list[Case]:
    """The cases that their publisher does not keep back for judging, in order.

    Some publishers test on other slices of patients they train on (`ctsieve data audit` says so);
    what they train on stays.  To train on other sides, give a split file.

    Example:
        >>> def case(name: str, partition: str) -> Case:
        ...     return Case(id=name, patient=name, label="x", files=(), partition=partition)
        >>> [c.id for c in trainable([case("a", "train"), case("b", "test"), case("c", "")])]
        ['a', 'c']
    """
    return [case for case in cases if case.partition in FOR_TRAINING]


def require_both_sides(split: Split) -> None:
    """Refuse to train where there is nothing to learn from, or nothing to choose by.

    Raises:
        InputRejected: a side has no case.
    """
    for side in (TRAIN, TUNE):
        if not split.sides.get(side):
            raise InputRejected(
                f"the {side} side has no case",
                hint="a publisher's test is on no side; change data.tune_share, or "
                "give a split file (ctsieve data split)",
            )


def _drawn(patients: Iterable[tuple[str, str]], share: float, seed: int) -> set[tuple[str, str]]:
    """Of each site the patients with the smallest hashes."""
    by_site: dict[str, list[str]] = defaultdict(list)
    for site, patient in patients:
        by_site[site].append(patient)
    chosen: set[tuple[str, str]] = set()
    for site, own in by_site.items():
        own.sort(key=lambda patient: hashlib.sha256(f"{seed}:{patient}".encode()).digest())
        chosen |= {(site, patient) for patient in own[: round(share * len(own))]}
    return chosen
