"""Calibration, cuts and intervals do what their names say on numbers made for them."""

import numpy as np
import pytest

from ctsieve.learning.calibrate import (
    STEEPEST,
    Platt,
    balanced_weights,
    fit_intercept,
    fit_platt,
    operating_point,
    youden_point,
)


def test_platt_finds_the_parameters_that_made_the_labels() -> None:
    random = np.random.default_rng(0)
    logit = random.normal(0.0, 2.0, 20_000)
    positive = random.random(20_000) < Platt(slope=0.7, intercept=-0.4)(logit)
    found = fit_platt(logit, positive)
    assert found.slope == pytest.approx(0.7, abs=0.05)
    assert found.intercept == pytest.approx(-0.4, abs=0.05)


def test_separable_scores_give_no_certainty() -> None:
    logit = np.array([-1.0, -0.5, 0.5, 1.0])
    found = fit_platt(logit, logit > 0)
    assert 0 < found.slope <= STEEPEST
    assert found(np.array([1.0]))[0] < 0.95


def test_balanced_weights_make_patients_and_labels_alike() -> None:
    positive = np.array([True, True, True, False, False])
    weights = balanced_weights(positive, ["a", "a", "b", "c", "d"])
    assert weights.tolist() == pytest.approx([0.25, 0.25, 0.5, 0.5, 0.5])


def test_youden_cuts_between_the_labels() -> None:
    probability = np.array([0.1, 0.2, 0.6, 0.9])
    positive = np.array([False, False, True, True])
    point = youden_point(probability, positive, np.ones(4))
    assert point.threshold == pytest.approx(0.4)
    assert (point.sensitivity, point.specificity) == (1.0, 1.0)
    at_half = operating_point(probability, positive, np.ones(4), 0.7)
    assert (at_half.sensitivity, at_half.specificity) == (0.5, 1.0)


def test_the_intercept_lies_midway_between_the_means() -> None:
    logit = np.array([-4.0, -1.5, -0.5, 1.0, 2.0])
    fitted = fit_intercept(logit, logit > 0, np.ones_like(logit), slope=2.0)
    assert fitted.slope == 2.0
    assert fitted(np.array([-0.25]))[0] == pytest.approx(0.5)
