"""Not worse must be shown: what may, and what may not, take the place of a bundle."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from ctsieve.evaluation.noninferiority import Rule, Z, not_worse, tango_low
from ctsieve.types.errors import InputRejected
from ctsieve.types.results import BundleIdentity
from ctsieve.types.scores import CaseScore, ScoreTable

NUM_EACH = 100
RULE = Rule()


def table(
    name: str,
    scores: npt.NDArray[np.float64],
    *,
    threshold: float = 0.5,
    silent: int = 0,
    each: int = 1,
) -> ScoreTable:
    """Scores (2 N,): the first half have the disease; the first `silent` have no call."""
    half = len(scores) // 2
    rows = tuple(
        CaseScore(
            case=f"c{k}",
            patient=f"p{k // each}",
            site="",
            label="covid19" if k < half else "neither",
            abstained="uncertain" if k < silent else None,
            scores={"covid19": float(score)},
            thresholds={"covid19": threshold},
        )
        for k, score in enumerate(scores)
    )
    identity = BundleIdentity(name=name, version="1", digest=name)
    return ScoreTable(bundle=identity, labels=("covid19",), multi_label=True, rows=rows)


def scores(gap: float, *, seed: int = 0, num: int = NUM_EACH) -> npt.NDArray[np.float64]:
    """Of `num` cases of each kind, `gap` standard deviations apart."""
    drawn = np.random.default_rng(seed).normal(size=2 * num)
    drawn[:num] += gap
    return 1 / (1 + np.exp(-(drawn - gap / 2)))


def test_the_same_scores_are_not_worse() -> None:
    found = not_worse(
        table("new", scores(2.0)), table("old", scores(2.0)), positive="covid19", rule=RULE
    )
    assert found.holds, found.reasons()
    assert [b.measure for b in found.bounds] == ["AUC", "sensitivity", "specificity"]


def test_equal_on_few_patients_is_not_shown() -> None:
    few = scores(2.0, num=10)
    found = not_worse(table("new", few), table("old", few), positive="covid19", rule=RULE)
    assert not found.holds
    assert found.reasons() == (
        "the locked set has 10 patients with and 10 without covid19; 40 of each are needed",
    )


@pytest.mark.parametrize(
    ("new", "measure"),
    [
        (table("new", scores(1.0, seed=1)), "AUC"),
        (table("new", scores(2.0), threshold=0.9), "sensitivity"),
        (table("new", scores(2.0), threshold=0.1), "specificity"),
        (table("new", scores(2.0), silent=20), "sensitivity"),
    ],
    ids=["ranks worse", "threshold too high", "threshold too low", "silent"],
)
def test_what_is_worse_in_one_way_is_refused_for_it(new: ScoreTable, measure: str) -> None:
    found = not_worse(new, table("old", scores(2.0)), positive="covid19", rule=RULE)
    assert not found.holds
    assert any(reason.startswith(f"{measure}: not shown") for reason in found.reasons())


def test_scans_of_one_patient_are_drawn_together() -> None:
    pairs = np.repeat(scores(2.0), 2)
    new, old = (table(name, pairs, each=2) for name in ("new", "old"))
    found = not_worse(new, old, positive="covid19", rule=RULE)
    assert (found.num_cases, found.num_positive, found.num_negative) == (400, 100, 100)
    assert found.holds, found.reasons()


def test_other_cases_are_not_compared() -> None:
    with pytest.raises(InputRejected, match="same cases"):
        not_worse(
            table("new", scores(2.0, num=50)), table("old", scores(2.0)),
            positive="covid19", rule=RULE,
        )  # fmt: skip


@settings(deadline=None)
@given(st.integers(1, 400), st.data())
def test_the_score_limit_lies_below_the_difference(total: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, total))
    second = data.draw(st.integers(0, total - first))
    low = tango_low(first, second, total)
    assert -1.0 <= low < (first - second) / total or (low == -1.0 and second == total)
    if first == second == 0:
        assert low == pytest.approx(-(Z**2) / (total + Z**2))


def test_the_score_limit_covers_what_it_says() -> None:
    """Of a true difference of -0.1 the lower limit lies above it in about 2.5 % of samples."""
    total, gained, lost = 80, 0.05, 0.15
    missed = 0.0
    for first in range(total + 1):
        for second in range(total + 1 - first):
            chance = binom.pmf(first, total, gained) * binom.pmf(
                second, total - first, lost / (1 - gained)
            )
            if chance > 1e-7 and tango_low(first, second, total) > gained - lost:
                missed += float(chance)
    assert 0.015 < missed < 0.035
