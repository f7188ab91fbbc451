"""Folds of whole patients: each is the tune side of a network that never saw it."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from ctsieve.learning.split import TRAIN, TUNE, trainable
from ctsieve.types.cases import Case, Split
from ctsieve.types.errors import UsageError

Patient = tuple[str, str]
"""Site and patient."""


def fold_by_patient(
    cases: Iterable[Case],
    *,
    name: str,
    folds: int,
    seed: int,
    always_train: frozenset[str] = frozenset(),
) -> Split:
    """A split with the sides "fold-1" to "fold-K", and "train" for what no fold holds out.

    Every site, and every set of labels within it, is spread as evenly as whole patients allow:
    patients are dealt from the largest down, those of a size by the hash of (seed, patient), each
    to the fold with the fewest cases of its kind, of its site, of all.  Sites or patients named in
    `always_train` are held out by no fold.  What a publisher keeps back for
    judging is on no side (`ctsieve.learning.split.trainable`).

    Raises:
        UsageError: fewer than two folds, or fewer patients than folds.
        InputRejected: a case appears twice.
    """
    patients: dict[Patient, list[Case]] = defaultdict(list)
    sides: dict[str, list[Case]] = {TRAIN: []}
    sides |= {fold_name(k): [] for k in range(folds)}
    for case in trainable(cases):
        if {case.site, case.patient} & always_train:
            sides[TRAIN].append(case)
        else:
            patients[case.site, case.patient].append(case)
    if not 2 <= folds <= len(patients):
        raise UsageError(
            f"{folds} folds of {len(patients)} patients are not possible",
            hint="set run.folds to 2 or more, and to no more than there are patients",
        )
    filled: Counter[tuple[object, ...]] = Counter()
    for patient in sorted(patients, key=lambda p: (-len(patients[p]), _hash(seed, p))):
        own = patients[patient]
        kinds = [(patient[0], *sorted({case.label for case in own})), (patient[0],), ()]
        best = min(range(folds), key=lambda k: [filled[k, *kind] for kind in kinds])
        filled.update({(best, *kind): len(own) for kind in kinds})
        sides[fold_name(best)] += own
    return Split(name=name, sides={side: tuple(own) for side, own in sides.items() if own})


def fold_name(number: int) -> str:
    """The side of a fold, counted from 0 here and from 1 in its name."""
    return f"fold-{number + 1}"


def holding_out(split: Split, fold: str) -> Split:
    """One fold as the tune side, everything else as the training side."""
    rest = [case for side, own in split.sides.items() if side != fold for case in own]
    name = f"{split.name} without {fold}"
    sides = {TRAIN: tuple(rest), TUNE: split.sides[fold]}
    return Split(name=name, sides=sides, leakage=split.leakage)


def fold_sides(split: Split) -> Sequence[str]:
    """The names of the sides that are held out in turn."""
    return [side for side in split.sides if side != TRAIN]


def _hash(seed: int, patient: Patient) -> bytes:
    return hashlib.sha256(f"{seed}:{patient[1]}".encode()).digest()
