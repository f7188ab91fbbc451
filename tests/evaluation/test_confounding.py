"""A fact that tells the label is found, a useless one is at one half, and a patient counts once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from ctsieve.evaluation.confounding import (
    RIDGE,
    _fit,
    held_out_scores,
    number_features,
    picture_features,
    within_folds_auc,
    word_features,
)
from ctsieve.evaluation.ranking import auc

N = 300


def cases(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]:
    """Labels, folds and patients of `N` cases, each patient with one."""
    random = np.random.default_rng(seed)
    positive = random.random(N) < 0.4
    return positive, np.arange(N) % 5, np.arange(N).astype(np.str_), random


def test_a_useless_fact_is_at_one_half() -> None:
    values = []
    for seed in range(12):
        positive, fold, patients, random = cases(seed)
        words = word_features([str(v) for v in random.integers(0, 3, N)])
        score = held_out_scores(words, positive, fold)
        figure = within_folds_auc(score, positive, fold, patients)
        assert figure is not None
        values.append(figure.value)
    assert np.mean(values) == pytest.approx(0.5, abs=0.02)


def test_a_fact_that_never_varies_is_exactly_at_one_half() -> None:
    positive, fold, patients, _ = cases(0)
    score = held_out_scores(np.ones((N, 1)), positive, fold)
    figure = within_folds_auc(score, positive, fold, patients)
    assert figure is not None
    assert (figure.value, figure.low, figure.high) == pytest.approx((0.5, 0.5, 0.5))


def test_a_word_has_the_auc_that_its_counts_say() -> None:
    """All positives are .png, half the negatives .jpg: 1/2 + 1/2 * 1/2."""
    positive = np.arange(N) % 2 == 0
    words = ["png" if i % 4 != 1 else "jpg" for i in range(N)]
    fold, patients = (np.arange(N) // 4) % 5, np.arange(N).astype(np.str_)
    score = held_out_scores(word_features(words), positive, fold)
    figure = within_folds_auc(score, positive, fold, patients)
    assert figure is not None
    assert figure.value == pytest.approx(0.75)
    assert 0.70 < figure.low < 0.75 < figure.high < 0.80


def test_a_number_in_the_middle_is_found_too() -> None:
    positive, fold, patients, random = cases(1)
    size = np.where(positive, random.normal(0, 0.3, N), random.choice([-2.0, 2.0], N))
    features = number_features([(float(v),) for v in size])
    figure = within_folds_auc(held_out_scores(features, positive, fold), positive, fold, patients)
    assert figure is not None
    assert figure.value > 0.95


def test_missing_numbers_are_a_value_of_their_own() -> None:
    positive, fold, patients, _ = cases(2)
    features = number_features([None if p else (1.0, 2.0) for p in positive])
    assert np.isfinite(features).all()
    figure = within_folds_auc(held_out_scores(features, positive, fold), positive, fold, patients)
    assert figure is not None
    assert figure.value == 1.0


def test_marks_in_pictures_are_found() -> None:
    positive, fold, patients, random = cases(3)
    pictures = random.random((N, 144)).astype(np.float32)
    pictures[positive, 3] += 1.0
    features = picture_features(pictures)
    assert features.std(axis=0) == pytest.approx(1.0)
    figure = within_folds_auc(held_out_scores(features, positive, fold), positive, fold, patients)
    assert figure is not None
    assert figure.low > 0.8


def test_the_regression_is_the_usual_one() -> None:
    positive, _, _, random = cases(4)
    features = random.normal(size=(N, 3)) + positive[:, None]
    peer = LogisticRegression(C=1 / RIDGE, tol=1e-8).fit(features, positive)
    ours = _fit(features, positive)
    np.testing.assert_allclose(ours[:-1], peer.coef_[0], atol=2e-3)
    np.testing.assert_allclose(ours[-1], peer.intercept_[0], atol=2e-3)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6))
def test_within_one_fold_it_is_the_usual_auc(seed: int) -> None:
    random = np.random.default_rng(seed)
    score = random.integers(0, 6, 30).astype(np.float64)
    positive = np.arange(30) % 3 == 0
    figure = within_folds_auc(score, positive, np.zeros(30, int), np.arange(30).astype(np.str_))
    assert figure is not None
    assert figure.value == pytest.approx(auc(score, positive))
    assert figure.low <= figure.value <= figure.high


def test_many_pictures_of_a_patient_widen_the_interval() -> None:
    positive, _, patients, random = cases(5)
    score = random.normal(size=N) + positive
    alone = within_folds_auc(score, positive, np.zeros(N, int), patients)
    groups = np.array([f"{p}{i % 10}" for i, p in enumerate(positive)])
    shift = {name: random.normal() for name in np.unique(groups)}
    shared = score + [shift[name] for name in groups]
    together = within_folds_auc(shared, positive, np.zeros(N, int), groups)
    assert alone is not None
    assert together is not None
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert together.num_patients == 20


def test_without_both_kinds_in_a_fold_there_is_no_auc() -> None:
    positive = np.array([True, False])
    assert within_folds_auc(np.zeros(2), positive, np.arange(2), np.array(["a", "b"])) is None
