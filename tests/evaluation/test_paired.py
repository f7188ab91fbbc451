"""Comparisons of two screeners against definitions, brute force and their promised error rates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from tests.evaluation.samples import make_sample, normal_sample, samples

from ctsieve.evaluation.paired import (
    auc_covariance,
    auc_difference,
    delong,
    drawn_difference,
    holm,
    mcnemar,
)
from ctsieve.evaluation.sample import Sample
from ctsieve.types.errors import InputRejected

POSITIVE = np.array([False] * 6 + [True] * 5)
FIRST = np.array([0.1, 0.2, 0.3, 0.3, 0.6, 0.7, 0.3, 0.5, 0.7, 0.8, 0.9])
SECOND = np.array([0.2, 0.1, 0.5, 0.4, 0.4, 0.9, 0.1, 0.6, 0.6, 0.9, 0.8])


def structural(score: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's components by their definition: every positive against every negative."""
    up, down = score[positive][:, None], score[~positive][None, :]
    won = (up > down) + 0.5 * (up == down)
    return won.mean(axis=1), won.mean(axis=0)


def test_delong_agrees_with_its_definition_pair_by_pair() -> None:
    area, covariance = auc_covariance(np.stack([FIRST, SECOND]), POSITIVE)
    parts = [structural(score, POSITIVE) for score in (FIRST, SECOND)]
    up, down = np.stack([p[0] for p in parts]), np.stack([p[1] for p in parts])
    assert area == pytest.approx(up.mean(axis=1))
    assert covariance == pytest.approx(np.cov(up) / 5 + np.cov(down) / 6)
    found = delong(make_sample(FIRST, POSITIVE), make_sample(SECOND, POSITIVE))
    spread = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert found.p == pytest.approx(2 * norm.sf(abs(area[0] - area[1]) / spread))


def test_delong_rejects_equal_screeners_about_as_often_as_it_says() -> None:
    """Two noisy copies of one signal have the same true AUC: at 5 %, 300 trials give 4 to 28."""
    rejected = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        positive = np.arange(80) < 40
        signal = random.normal(size=80) + positive
        copies = (1 / (1 + np.exp(-(signal + random.normal(size=80)))) for _ in range(2))
        first, second = (make_sample(copy, positive) for copy in copies)
        rejected += delong(first, second).p < 0.05
    assert 4 <= rejected <= 28


def test_delong_and_the_bootstrap_say_about_the_same_of_independent_cases() -> None:
    first = normal_sample(0, size=300)
    noise = np.random.default_rng(1).normal(size=300)
    second = make_sample(np.clip(first.probability + 0.3 * noise, 0, 1), first.positive)
    one, other = delong(first, second), auc_difference(first, second)
    assert other.value == pytest.approx(one.difference)
    assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=0.015)


@settings(deadline=None)
@given(samples())
def test_a_screener_does_not_differ_from_itself(sample: Sample) -> None:
    alone = make_sample(sample.probability, sample.positive)
    if min(alone.num_positive, alone.num_cases - alone.num_positive) >= 2:
        found = delong(alone, alone)
        assert (found.difference, found.p) == (0.0, 1.0)
    assert mcnemar(alone, alone).p == 1.0


def test_delong_refuses_several_cases_of_a_patient_and_other_cases() -> None:
    sample = normal_sample(0, size=20, each=3)
    with pytest.raises(InputRejected, match="60 cases are of 20 patients"):
        delong(sample, sample)
    with pytest.raises(InputRejected, match="same cases only"):
        delong(normal_sample(0), normal_sample(1))
    one = make_sample(np.array([0.1, 0.2, 0.3]), np.array([True, False, False]))
    with pytest.raises(InputRejected, match="1 positive and 2 negative"):
        delong(one, one)


def test_mcnemar_is_the_sign_test_of_the_disagreements() -> None:
    """Ten cases that only the first calls rightly, two that only the second does: 2 * 79 / 4096."""
    truth = np.ones(14, bool)
    first = make_sample(np.array([0.9] * 10 + [0.1] * 2 + [0.9] * 2), truth)
    second = make_sample(np.array([0.1] * 10 + [0.9] * 2 + [0.9] * 2), truth)
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (10, 2)
    assert found.p == pytest.approx(2 * (1 + 12 + 66) / 2**12)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert all(b >= a or b == 1.0 for a, b in zip(p, adjusted, strict=True))
    assert [adjusted[i] for i in np.argsort(p)] == sorted(adjusted)
    assert min(adjusted) == pytest.approx(min(1.0, len(p) * min(p)))


def test_draws_reject_equal_screeners_of_many_slices_about_as_often_as_they_say() -> None:
    """Two noisy copies of one signal, four slices a patient: at 5 %, 100 trials give 0 to 12."""
    rejected = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        positive = np.repeat(np.arange(60) < 30, 4)
        patient = np.repeat(np.arange(60), 4).astype(str)
        signal = np.repeat(random.normal(size=60), 4) + positive
        noise = (np.repeat(random.normal(size=60), 4) for _ in range(2))
        first, second = (
            make_sample(1 / (1 + np.exp(-(signal + own))), positive, patient) for own in noise
        )
        rejected += drawn_difference(first, second).p < 0.05
    assert rejected <= 12
    assert drawn_difference(first, first).p == 1.0
