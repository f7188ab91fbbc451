"""Splits keep patients whole, keep published partitions, and move nobody when a case is added."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collection import DATA, needs_data

from ctsieve.datasets import DATASETS
from ctsieve.learning.split import TRAIN, TUNE, split_by_patient
from ctsieve.types.cases import Case, Split
from ctsieve.types.errors import UsageError


def case(number: int, patient: str, *, site: str = "s", partition: str = "") -> Case:
    return Case(
        id=f"{site}{number}",
        patient=patient,
        label="covid19",
        files=(),
        site=site,
        partition=partition,
    )


def split(cases: Iterable[Case], share: float = 0.5, **always: frozenset[str]) -> Split:
    return split_by_patient(cases, name="t", tune_share=share, seed=1, **always)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=40), st.floats(0, 1))
def test_no_patient_is_on_two_sides(patients: list[int], share: float) -> None:
    cases = [case(i, f"p{p}") for i, p in enumerate(patients)]
    sides = split(cases, share).sides
    assert sum(len(side) for side in sides.values()) == len(cases)
    assert not {c.patient for c in sides[TRAIN]} & {c.patient for c in sides[TUNE]}


def test_a_published_partition_is_kept_and_a_patient_of_both_trains() -> None:
    cases = [
        case(0, "a", partition="val"),
        case(1, "b", partition="train"),
        case(2, "c", partition="val"),
        case(3, "c", partition="train"),
    ]
    sides = split(cases, 0.0).sides
    assert [c.patient for c in sides[TUNE]] == ["a"]


def test_another_site_moves_nobody() -> None:
    cases = [case(i, f"p{i}") for i in range(20)]
    before = {c.id for c in split(cases).sides[TUNE]}
    more = [*cases, *(case(i, f"q{i}", site="other") for i in range(20))]
    after = {c.id for c in split(more).sides[TUNE] if c.site == "s"}
    assert before == after
    assert len(before) == 10


def test_sites_and_patients_can_be_sent_to_a_side() -> None:
    cases = [case(0, "a"), case(1, "b", site="t")]
    sides = split(cases, 0.0, always_tune=frozenset({"t"})).sides
    assert [c.patient for c in sides[TUNE]] == ["b"]
    with pytest.raises(UsageError, match="both sides"):
        split(cases, always_tune=frozenset({"t"}), always_train=frozenset({"t"}))


@needs_data
def test_the_real_collection_splits_by_patient_and_paper() -> None:
    names = ("covid-ct", "coronacases", "covid-semiseg", "luna16-slices", "covid-ct-md")
    cases = [c for name in names for c in DATASETS[name].walk(DATA)]
    sides = split(cases, 0.25).sides
    assert not {c.patient for c in sides[TRAIN]} & {c.patient for c in sides[TUNE]}
    tune = [c for c in sides[TUNE] if c.site == "covid_ct"]
    assert {c.partition for c in tune} == {"val"}
    assert len(tune) == 100
