"""Which cases a step sees: all once an epoch, or in the shares that a sampler promises."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctsieve.learning.draws import class_numbers, draws, require_every_class, weights_of
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected


def case(number: int, label: str = "covid19", patient: str = "") -> Case:
    return Case(id=str(number), patient=patient or str(number), label=label, files=())


@given(num=st.integers(1, 40), batch=st.integers(1, 12), seed=st.integers(0, 5))
def test_a_shuffle_sees_no_case_twice_in_an_epoch(num: int, batch: int, seed: int) -> None:
    drawn = draws([case(i) for i in range(num)], "shuffle", batch_size=batch, seed=seed)
    assert drawn.steps_per_epoch == max(1, num // batch)
    epoch = np.concatenate([drawn.of(step) for step in range(drawn.steps_per_epoch)])
    counts = Counter(epoch.tolist())
    assert max(counts.values()) - min(counts.get(i, 0) for i in range(num)) <= 1
    assert len(epoch) == drawn.steps_per_epoch * batch


@given(step=st.integers(0, 100), sampler=st.sampled_from(["shuffle", "uniform", "class"]))
def test_a_step_is_a_function_of_its_number(step: int, sampler: str) -> None:
    cases = [case(i, "covid19" if i % 3 else "neither") for i in range(11)]
    first, second = (
        draws(cases, sampler, batch_size=4, seed=3)  # type: ignore[arg-type]
        for _ in range(2)
    )
    second.of(7)
    assert first.of(step).tolist() == second.of(step).tolist()


def test_epochs_come_in_another_order() -> None:
    drawn = draws([case(i) for i in range(20)], "shuffle", batch_size=20, seed=0)
    assert drawn.of(0).tolist() != drawn.of(1).tolist()


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("123")), min_size=1, max_size=30))
def test_classes_and_patients_weigh_alike(rows: list[tuple[str, str]]) -> None:
    cases = [case(i, label, patient) for i, (label, patient) in enumerate(rows)]
    weights = weights_of(cases, "class-and-patient")
    assert weights.sum() == pytest.approx(1.0)
    labels = {label for label, _ in rows}
    for label in labels:
        own = [w for w, c in zip(weights, cases, strict=True) if c.label == label]
        assert sum(own) == pytest.approx(1.0 / len(labels))
        patients = {p for name, p in rows if name == label}
        for patient in patients:
            his = [
                w
                for w, c in zip(weights, cases, strict=True)
                if (c.label, c.patient) == (label, patient)
            ]
            assert sum(his) == pytest.approx(1.0 / (len(labels) * len(patients)))


def test_an_empty_class_is_refused_by_name() -> None:
    sides = {"train": [case(0), case(1, "neither")], "tune": [case(2)]}
    with pytest.raises(InputRejected, match="'neither' has no case on the tune side"):
        require_every_class(sides, ["neither", "covid19"])
    with pytest.raises(InputRejected, match="'other than covid19' has no case on the tune side"):
        require_every_class(sides, ["covid19"])


def test_a_label_that_is_not_asked_for_is_refused() -> None:
    assert class_numbers([case(0), case(1, "neither")], ["covid19"]).tolist() == [1, 0]
    with pytest.raises(InputRejected, match="has the label 'covid19'"):
        class_numbers([case(0)], ["neither", "other_pneumonia"])
