"""Faithfulness on a network whose answer depends on one known place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctsieve.evaluation.faithfulness import (
    cell_means,
    deletion_and_insertion,
    likeness,
    mass_inside,
)

SIZE = 32


def corner_score(x: np.ndarray) -> np.ndarray:
    """How bright the upper left corner is: 8 x 8 of 32 x 32 pixels."""
    return np.asarray(x[:, 0, :8, :8].mean(axis=(1, 2)), dtype=np.float32)


def slices() -> np.ndarray:
    x = np.full((2, 1, SIZE, SIZE), 0.2, np.float32)
    x[:, :, :8, :8] = 1.0
    return x


def heat_at(row: int, column: int) -> np.ndarray:
    heat = np.zeros((2, SIZE, SIZE), np.float32)
    heat[:, row : row + 8, column : column + 8] = 1.0
    return heat


def test_heat_at_the_right_place_beats_chance_and_at_the_wrong_one_does_not() -> None:
    right = deletion_and_insertion(corner_score, slices(), heat_at(0, 0))
    assert right.deletion < right.deletion_random
    assert right.insertion > right.insertion_random
    # All cells elsewhere have no heat and keep their order; the corner is among the last ones.
    wrong = deletion_and_insertion(corner_score, slices(), 1 - heat_at(0, 0))
    assert wrong.deletion > wrong.deletion_random
    assert wrong.insertion < wrong.insertion_random


def test_heat_inside_the_lungs_is_counted_beside_their_share() -> None:
    lungs = np.zeros((1, 4, 4), bool)
    lungs[0, :2] = True
    heat = np.zeros((1, 4, 4), np.float16)
    heat[0, 0, 0], heat[0, 3, 3] = 0.75, 0.25
    assert mass_inside(heat, lungs) == pytest.approx((0.75, 0.5))
    assert np.isnan(mass_inside(np.zeros((1, 4, 4)), lungs)[0])


@settings(deadline=None)
@given(st.integers(0, 100), st.integers(5, 40), st.integers(5, 40))
def test_cell_means_keep_the_mean(seed: int, rows: int, columns: int) -> None:
    plane = np.random.default_rng(seed).random((rows, columns)).astype(np.float32)
    assert cell_means(plane, 8).mean() == pytest.approx(plane.mean(), abs=1e-5)
    assert cell_means(plane, 8).shape == (8, 8)


def test_a_map_is_like_itself_and_not_like_a_shuffled_one() -> None:
    random = np.random.default_rng(0)
    first = random.random((1, 16, 16)).astype(np.float32)
    assert likeness(first, 2 * first + 1) == pytest.approx(1.0)
    assert likeness(first, -first) == pytest.approx(-1.0)
    assert abs(likeness(first, random.permutation(first.ravel()).reshape(1, 16, 16))) < 0.2
    assert likeness(first, np.zeros_like(first)) == 0.0
