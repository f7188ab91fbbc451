"""No patient on two sides, and a digest that does not depend on order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctsieve.types.cases import Case, Split, num_patients
from ctsieve.types.errors import InputRejected


def case(number: int, patient: int) -> Case:
    return Case(id=f"c{number}", patient=f"p{patient}", label="neither", files=(Path("x.png"),))


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["train", "tune"])), max_size=12))
def test_no_patient_is_on_two_sides(deal: list[tuple[int, str]]) -> None:
    sides: dict[str, list[Case]] = {"train": [], "tune": []}
    for number, (patient, side) in enumerate(deal):
        sides[side].append(case(number, patient))
    split = {side: tuple(cases) for side, cases in sides.items()}
    shared = {c.patient for c in split["train"]} & {c.patient for c in split["tune"]}
    if shared:
        with pytest.raises(InputRejected, match="patient"):
            Split(name="s", sides=split)
    else:
        assert Split(name="s", sides=split).sides == split


def test_an_id_appears_once() -> None:
    with pytest.raises(InputRejected, match="twice"):
        Split(name="s", sides={"train": (case(1, 1), case(1, 1))})


@given(st.permutations(list(range(6))))
def test_the_digest_does_not_depend_on_order(order: list[int]) -> None:
    ordered = Split(name="s", sides={"train": tuple(case(i, i) for i in range(6))})
    shuffled = Split(name="t", sides={"train": tuple(case(i, i) for i in order)})
    assert ordered.digest == shuffled.digest


def test_the_digest_changes_with_a_label_or_a_side() -> None:
    one = Split(name="s", sides={"train": (case(1, 1),)})
    other = Split(name="s", sides={"tune": (case(1, 1),)})
    assert one.digest != other.digest


def test_patients_are_counted_once() -> None:
    assert num_patients([case(1, 1), case(2, 1), case(3, 2)]) == 2
