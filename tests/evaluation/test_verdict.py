"""Doubts that an evaluation has about itself, each from a score table that gives cause for it."""

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluation.samples import make_sample, normal_sample, table_of

from ctsieve.evaluation.summary import classless
from ctsieve.evaluation.verdict import verdict
from ctsieve.pipeline.evaluate import report_of
from ctsieve.types.errors import InputRejected
from ctsieve.types.scores import ScoreTable


def doubts(table: ScoreTable) -> str:
    return "\n".join(verdict(classless(report_of(table))).doubts)


def test_a_bootstrap_of_a_handful_is_said_to_be_too_narrow() -> None:
    """Five of five right calls are right in every draw, whatever the sixth patient is like."""
    sample = make_sample([0.9] * 5 + [0.1] * 29 + [0.8], [True] * 5 + [False] * 30)
    said = doubts(table_of(sample))
    assert "Only 5 patients with the disease: the numbers are a hint. Intervals that are" in said
    assert "Only 30 patients without the disease: the numbers are a hint.\n" in said + "\n"


def test_one_name_at_two_sites_may_be_two_people() -> None:
    table = table_of(normal_sample(0, size=20))
    first = table.rows[0]
    twin = next(r for r in table.rows[1:] if r.label == first.label and r.site != first.site)
    rows = (replace(r, patient=first.patient) if r is twin else r for r in table.rows)
    assert "1 patient name with cases of several sites" in doubts(table.of(tuple(rows)))
    assert "several sites" not in doubts(table)


def test_patients_that_nobody_knows_are_one_and_said_to_be() -> None:
    table = table_of(normal_sample(0, size=40))
    rows = tuple(replace(r, patient="x:unknown") if n < 9 else r for n, r in enumerate(table.rows))
    assert "9 of 40 cases are of patients that nobody tells apart" in doubts(table.of(rows))
    assert "nobody tells apart" not in doubts(table)
    strangers = tuple(
        replace(r, patient="x:unknown") if r.label == "covid19" else r for r in table.rows
    )
    with pytest.raises(InputRejected, match="nobody knows of which patients the positive cases"):
        report_of(table.of(strangers))


@pytest.mark.parametrize(("shift", "word"), [(3.0, "more"), (-3.0, "fewer")])
def test_probabilities_that_promise_too_much_or_too_little(shift: float, word: str) -> None:
    sample = normal_sample(0, size=300)
    odds = sample.probability / (1 - sample.probability) * np.exp(shift)
    moved = make_sample(odds / (1 + odds), sample.positive)
    assert f"Probabilities promise {word} positives than there are" in doubts(table_of(moved))
    assert "Probabilities promise" not in doubts(table_of(sample))


def test_a_network_that_is_far_too_certain_is_told_so() -> None:
    sample = normal_sample(0, size=300)
    odds = (sample.probability / (1 - sample.probability)) ** 9
    assert "Probabilities are too certain" in doubts(
        table_of(make_sample(odds / (1 + odds), sample.positive))
    )
