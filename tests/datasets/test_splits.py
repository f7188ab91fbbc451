"""Deals: nobody on two sides, no case lost, shares as asked, independent of the cases' order."""

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ctsieve.datasets import shortfalls
from ctsieve.datasets._splits import (
    as_published,
    patients_together,
    shares_of_patients,
    with_tune_side,
)
from ctsieve.types.cards import Counts, DatasetCard
from ctsieve.types.cases import Case, Sides, Split

LABELS = ("covid19", "neither")
SHARES = {"train": 0.6, "tune": 0.15, "test": 0.25}

dealt = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["train", "val", "test", "", "holdout"])),
    max_size=60,
)


def cases_of(deal: list[tuple[int, str]]) -> list[Case]:
    return [
        Case(
            id=f"c{number}",
            patient=f"p{patient}",
            label=LABELS[patient % 2],
            files=(Path("x.png"),),
            partition=partition,
        )
        for number, (patient, partition) in enumerate(deal)
    ]


def ids(sides: Sides) -> dict[str, set[str]]:
    return {side: {case.id for case in own} for side, own in sides.items()}


@given(dealt)
def test_as_published_keeps_every_case_of_a_known_partition(deal: list[tuple[int, str]]) -> None:
    cases = cases_of(deal)
    sides = as_published(cases)
    kept = {case.id for case in cases if case.partition in ("train", "val", "test")}
    assert set().union(*ids(sides).values()) == kept
    assert all(case.partition == "val" for case in sides.get("tune", ()))


@given(dealt)
def test_patients_together_move_to_their_first_side_and_no_other_moves(
    deal: list[tuple[int, str]],
) -> None:
    cases = cases_of(deal)
    sides = patients_together(cases)
    Split(name="s", sides=sides)
    published = as_published(cases)
    assert set().union(*ids(sides).values()) == set().union(*ids(published).values())
    order = ["train", "tune", "test"]
    for side, own in sides.items():
        for case in own:
            homes = [s for s in order if case.patient in {c.patient for c in published.get(s, ())}]
            assert side == homes[0]


@given(st.integers(1, 200), st.integers(0, 2**16))
def test_shares_are_kept_for_each_label_to_within_one_patient(number: int, seed: int) -> None:
    cases = cases_of([(n, "") for n in range(number)])
    sides = shares_of_patients(SHARES, seed=seed)(cases)
    for label in LABELS:
        total = sum(case.label == label for case in cases)
        for side, share in SHARES.items():
            own = sum(case.label == label for case in sides[side])
            assert abs(own - share * total) <= 1.0


@given(dealt, st.integers(0, 99))
def test_a_deal_by_shares_ignores_the_order_of_cases(
    deal: list[tuple[int, str]], seed: int
) -> None:
    cases = cases_of(deal)
    sides = shares_of_patients(SHARES, seed=3)(cases)
    Split(name="s", sides=sides)
    random.Random(seed).shuffle(cases)  # noqa: S311  (no secret depends on it)
    assert ids(shares_of_patients(SHARES, seed=3)(cases)) == ids(sides)


def test_a_tune_side_is_taken_from_train_only() -> None:
    cases = cases_of([(n, "test" if n > 79 else "train") for n in range(100)])
    sides = with_tune_side(0.15, seed=0)(cases)
    assert {side: len(own) for side, own in sides.items()} == {"train": 68, "tune": 12, "test": 20}
    assert {case.patient for case in sides["test"]} == {f"p{n}" for n in range(80, 100)}


def test_seeds_give_different_deals() -> None:
    cases = cases_of([(n, "") for n in range(40)])
    one, other = (ids(shares_of_patients(SHARES, seed=seed)(cases)) for seed in (0, 1))
    assert one != other


def test_counts_are_compared_one_by_one() -> None:
    cases = cases_of([(0, "train"), (1, "train"), (2, "val")])
    card = DatasetCard(
        title="t",
        source="s",
        licence="l",
        labels=LABELS,
        walk=lambda _: iter(()),
        counts=Counts(cases=3, patients=2, labels={"covid19": 3}, partitions={"test": 1}),
    )
    assert [finding.code for finding in shortfalls(card, cases)] == [
        "too-many-cases",
        "too-few-cases",
        "too-few-cases",
    ]
    assert shortfalls(card, cases)[1].sentence == (
        "this copy has 2 cases labelled covid19; a complete one has 3"
    )
