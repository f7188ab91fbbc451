"""Scores of confusion matrices, on matrices that were published."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ctsieve.evaluation.class_f1 import PAPER_SHARES, class_scores
from ctsieve.types.errors import InputRejected

ONE_SHOT = [[9322, 123, 5], [174, 7139, 82], [27, 277, 4042]]
LSTM_ATT2 = [[171, 0, 3], [0, 98, 2], [0, 0, 134]]


def test_published_matrices_give_published_scores() -> None:
    one_shot = class_scores(ONE_SHOT, shares=PAPER_SHARES)
    assert one_shot.weighted_f1 == pytest.approx(0.9676, abs=5e-5)
    assert one_shot.sensitivity[2] == pytest.approx(0.9301, abs=5e-5)
    att2 = class_scores(LSTM_ATT2)
    assert att2.precision.round(3).tolist() == [1.0, 1.0, 0.964]
    assert att2.sensitivity.round(3).tolist() == [0.983, 0.98, 1.0]
    assert att2.weighted_f1 == pytest.approx(0.988, abs=5e-4)


def test_fixed_shares_say_nothing_of_a_set_with_two_of_three_classes() -> None:
    """On iCTCF the authors' code gives NaN; the shares of the data give the published 98.41 %."""
    counts = np.array([[9152.57, 0, 122.43], [0, 0, 0], [84.01, 0, 3616.99]])
    assert np.isnan(class_scores(counts, shares=PAPER_SHARES).weighted_f1)
    assert class_scores(counts).weighted_f1 == pytest.approx(0.98411, abs=2e-4)


@given(arrays(np.int64, (3, 3), elements=st.integers(1, 500)), st.permutations(range(3)))
def test_the_order_of_classes_does_not_matter(counts: np.ndarray, order: list[int]) -> None:
    one, other = class_scores(counts), class_scores(counts[np.ix_(order, order)])
    assert other.weighted_f1 == pytest.approx(one.weighted_f1)
    np.testing.assert_allclose(other.f1, one.f1[order])
    assert one.num_cases == counts.sum()


@pytest.mark.parametrize("counts", [[[1, 2]], [[1, -1], [0, 1]], [[0, 0], [0, 0]]])
def test_what_is_no_confusion_matrix_is_refused(counts: list[list[int]]) -> None:
    with pytest.raises(InputRejected):
        class_scores(counts)


def test_shares_fit_the_classes() -> None:
    with pytest.raises(InputRejected, match="2 shares for 3"):
        class_scores(LSTM_ATT2, shares=(0.5, 0.5))


def test_a_class_that_is_never_found_has_an_f1_of_nothing_and_not_none() -> None:
    """As scikit-learn has it, and as the interval beneath a paper's row has it."""
    never_called = class_scores([[90, 10, 0], [10, 90, 0], [20, 20, 0]], shares=PAPER_SHARES)
    never_right = class_scores([[90, 0, 10], [0, 100, 0], [20, 20, 0]])
    for scores in (never_called, never_right):
        assert scores.f1[2] == 0.0
    assert never_called.weighted_f1 == pytest.approx(0.45 * 180 / 220 + 0.35 * 180 / 220)
    assert np.isnan(never_called.precision[2])
