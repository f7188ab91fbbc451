"""Deals that several data sets share: by the publisher's partitions, and by shares of patients."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from ctsieve.types.cases import Case, Sides

TRAIN, TUNE, TEST = "train", "tune", "test"
SIDE_OF = {"train": TRAIN, "val": TUNE, "test": TEST}
"""Publishers' partitions to sides."""


def as_published(cases: Iterable[Case]) -> Sides:
    """Every case to the side of its partition; cases of no known partition are left out."""
    sides: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.partition in SIDE_OF:
            sides[SIDE_OF[case.partition]].append(case)
    return _in_order(sides)


def patients_together(cases: Iterable[Case]) -> Sides:
    """As published, but a patient of several partitions goes whole to the first of their sides.

    The first of train, tune, test: a test side loses what a model could have seen.
    """
    kept = [case for case in cases if case.partition in SIDE_OF]
    order = list(SIDE_OF)
    first: dict[str, str] = {}
    for case in kept:
        old = first.setdefault(case.patient, case.partition)
        first[case.patient] = min(old, case.partition, key=order.index)
    sides: dict[str, list[Case]] = defaultdict(list)
    for case in kept:
        sides[SIDE_OF[first[case.patient]]].append(case)
    return _in_order(sides)


def with_tune_side(share: float, *, seed: int) -> Callable[[Iterable[Case]], Sides]:
    """A deal that sets `share` of the published train patients aside to tune on."""
    part = shares_of_patients({TRAIN: 1.0 - share, TUNE: share}, seed=seed)

    def deal(cases: Iterable[Case]) -> Sides:
        published = as_published(cases)
        return {**published, **part(published.get(TRAIN, ()))}

    return deal


def shares_of_patients(
    shares: Mapping[str, float], *, seed: int
) -> Callable[[Iterable[Case]], Sides]:
    """A deal that gives each side its share of the patients of each label.

    A patient stands where the hash of (seed, patient) falls among those of its label (the first
    label, if it has several), so the order of the cases does not matter.
    """

    def deal(cases: Iterable[Case]) -> Sides:
        own: dict[str, list[Case]] = defaultdict(list)
        for case in sorted(cases, key=lambda case: case.id):
            own[case.patient].append(case)
        by_label: dict[str, list[str]] = defaultdict(list)
        for patient, patients_cases in own.items():
            by_label[min(case.label for case in patients_cases)].append(patient)
        sides: dict[str, list[Case]] = {side: [] for side in shares}
        for patients in by_label.values():
            patients.sort(key=lambda patient: _hash(seed, patient))
            for number, patient in enumerate(patients):
                sides[_side(shares, (number + 0.5) / len(patients))] += own[patient]
        return {side: tuple(cases) for side, cases in sides.items()}

    return deal


def _hash(seed: int, patient: str) -> bytes:
    return hashlib.sha256(f"{seed}:{patient}".encode()).digest()


def _side(shares: Mapping[str, float], place: float) -> str:
    """The side in whose stretch of [0, 1] `place` lies; the last takes what rounding leaves."""
    end = 0.0
    for side, share in shares.items():
        end += share
        if place < end:
            return side
    return list(shares)[-1]


def _in_order(sides: Mapping[str, list[Case]]) -> Sides:
    return {side: tuple(sides[side]) for side in SIDE_OF.values() if side in sides}
