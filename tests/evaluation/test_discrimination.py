"""AUC and its interval against scikit-learn, brute force and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ctsieve.evaluation import discrimination
from ctsieve.evaluation.discrimination import auc, auc_figure, share_figure, wilson
from ctsieve.types.errors import InputRejected


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties, and labels of both kinds."""
    size = draw(st.integers(2, 60))
    score = np.array(draw(st.lists(st.integers(0, 9), min_size=size, max_size=size))) / 10
    positive = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    positive[0], positive[1] = True, False
    return score, positive


@given(scored())
def test_auc_agrees_with_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    score, positive = case
    assert auc(score, positive) == pytest.approx(roc_auc_score(positive, score))


@given(scored())
def test_auc_turns_over_with_the_labels(case: tuple[np.ndarray, np.ndarray]) -> None:
    score, positive = case
    assert auc(score, positive) == pytest.approx(1 - auc(score, ~positive))


@settings(deadline=None, max_examples=20)
@given(scored())
def test_a_draw_that_takes_every_patient_once_is_the_auc_itself(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    score, positive = case
    once = discrimination._weighted_aucs(score, positive, np.ones((1, score.size)))
    assert once[0] == pytest.approx(auc(score, positive))


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Normal scores one deviation apart: the true AUC is 0.760; 60 samples of 80."""
    covered = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        positive = np.arange(80) < 40
        score = random.normal(size=80) + positive
        figure = auc_figure(score, positive, np.arange(80).astype(str), seed=seed)
        covered += figure.low <= 0.760 <= figure.high
    assert 50 <= covered <= 60


def test_more_images_of_the_same_patients_do_not_narrow_the_interval() -> None:
    random = np.random.default_rng(0)
    positive = np.arange(60) < 30
    score = random.normal(size=60) + positive
    patients = np.arange(60).astype(str)
    one = auc_figure(score, positive, patients)
    ten = auc_figure(np.repeat(score, 10), np.repeat(positive, 10), np.repeat(patients, 10))
    assert ten.high - ten.low == pytest.approx(one.high - one.low, rel=0.1)
    assert (ten.num_cases, ten.num_patients) == (600, 60)


def test_wilson_stays_inside_and_is_not_zero_wide_at_the_edge() -> None:
    low, high = wilson(0, 20)
    assert low == 0.0
    assert 0.1 < high < 0.2


def test_one_kind_only_and_not_a_number_are_sentences() -> None:
    with pytest.raises(InputRejected, match="all 3 cases are positive"):
        auc(np.array([0.1, 0.2, 0.3]), np.ones(3, bool))
    with pytest.raises(InputRejected, match="1 scores are not finite"):
        auc(np.array([0.1, np.nan]), np.array([True, False]))
    with pytest.raises(InputRejected, match="no case"):
        share_figure(np.zeros(0, bool), np.zeros(0, str))
