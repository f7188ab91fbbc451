"""Folds hold out every patient once, keep patients whole, and are as alike as patients allow."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctsieve.learning.folds import fold_by_patient, fold_sides, holding_out
from ctsieve.learning.split import TRAIN, TUNE
from ctsieve.types.cases import Case, Split
from ctsieve.types.errors import UsageError


def case(number: int, patient: str, label: str = "covid19", site: str = "s") -> Case:
    return Case(id=f"{site}{number}", patient=patient, label=label, files=(), site=site)


def folded(cases: list[Case], folds: int, *always: str) -> Split:
    return fold_by_patient(cases, name="t", folds=folds, seed=1, always_train=frozenset(always))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=4, max_size=60), st.integers(2, 4))
def test_every_patient_is_held_out_once_and_whole(patients: list[int], folds: int) -> None:
    cases = [case(i, f"p{p}") for i, p in enumerate(patients)]
    if len(set(patients)) < folds:
        with pytest.raises(UsageError, match="not possible"):
            folded(cases, folds)
        return
    split = folded(cases, folds)
    held = Counter(c.id for side in fold_sides(split) for c in split.sides[side])
    assert held == Counter(c.id for c in cases)
    for side in fold_sides(split):
        one = holding_out(split, side)
        assert not {c.patient for c in one.sides[TRAIN]} & {c.patient for c in one.sides[TUNE]}
        assert len(one.sides[TRAIN]) + len(one.sides[TUNE]) == len(cases)


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(24)), st.integers(2, 4))
def test_labels_and_sites_are_spread_evenly_in_any_order(order: list[int], folds: int) -> None:
    kinds = [("covid19", "a"), ("neither", "a"), ("neither", "b")]
    cases = [case(i, f"p{i}", *kinds[i % 3]) for i in order]
    split = folded(cases, folds)
    for label, site in kinds:
        counts = [
            sum((c.label, c.site) == (label, site) for c in split.sides[side])
            for side in fold_sides(split)
        ]
        assert max(counts) - min(counts) <= 1
    assert split.digest == folded(sorted(cases, key=lambda c: c.id), folds).digest


def test_what_must_be_trained_on_is_held_out_by_no_fold() -> None:
    cases = [case(i, f"p{i}", site="a" if i < 4 else "b") for i in range(8)]
    split = folded(cases, 2, "b", "p0")
    assert {c.patient for c in split.sides[TRAIN]} == {"p0", "p4", "p5", "p6", "p7"}
    assert {c.patient for c in holding_out(split, "fold-1").sides[TUNE]} <= {"p1", "p2", "p3"}
