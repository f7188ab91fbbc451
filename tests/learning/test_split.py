"""Splits keep patients whole, keep published partitions, and move nobody when a case is added."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collection import DATA, needs_data

from ctsieve.datasets import DATASETS
from ctsieve.learning.folds import fold_by_patient
from ctsieve.learning.split import TRAIN, TUNE, require_both_sides, split_by_patient
from ctsieve.types.cases import Case, Split
from ctsieve.types.errors import InputRejected, UsageError


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


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 8), st.sampled_from(["", "train", "val", "test", "hold-out", "locked"])
        ),
        min_size=1,
        max_size=40,
    ),
    st.floats(0, 1),
)
def test_what_a_publisher_keeps_back_is_on_no_side(
    rows: list[tuple[int, str]], share: float
) -> None:
    """Images of the official test must not be trained on, or an evaluation on it is no test."""
    cases = [case(i, f"p{p}", partition=partition) for i, (p, partition) in enumerate(rows)]
    rest = [c for c in cases if c.partition in ("", "train", "val")]
    sides = split(cases, share, always_train=frozenset({"p0"})).sides
    assert sorted(c.id for own in sides.values() for c in own) == sorted(c.id for c in rest)
    if len({c.patient for c in rest}) >= 2:
        folds = fold_by_patient(cases, name="t", folds=2, seed=1).sides
        assert sorted(c.id for own in folds.values() for c in own) == sorted(c.id for c in rest)


def test_a_site_whose_publisher_has_no_val_is_dealt() -> None:
    """As CNCB's lesions (650 to train, 100 to test): what to choose an epoch by is dealt."""
    cases = [case(i, f"p{i}", partition="train") for i in range(10)]
    cases += [case(i, f"p{i}", partition="test") for i in range(10, 14)]
    sides = split(cases, 0.3).sides
    assert (len(sides[TRAIN]), len(sides[TUNE])) == (7, 3)
    assert {c.partition for own in sides.values() for c in own} == {"train"}


def test_a_side_without_cases_is_refused_in_words() -> None:
    require_both_sides(split([case(0, "a"), case(1, "b")], 0.5))
    with pytest.raises(InputRejected, match="the tune side has no case"):
        require_both_sides(split([case(0, "a")], 0.0))
    with pytest.raises(InputRejected, match="the train side has no case"):
        require_both_sides(split([case(0, "a", partition="test")], 0.5))


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
