"""Laws of the per-image average precision; its numbers beside the authors' are in tests/parity."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctsieve.evaluation.per_image_ap import (
    IOU_THRESHOLDS,
    MaskSet,
    binarised,
    confident,
    image_ap,
    mask_ious,
    per_image_ap,
)
from ctsieve.types.errors import InputRejected


def columns(*spans: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Masks of 1 x 40 pixels, one for each half-open span."""
    masks = np.zeros((len(spans), 1, 40), dtype=np.bool_)
    for mask, (start, stop) in zip(masks, spans, strict=True):
        mask[0, start:stop] = True
    return masks


def found(masks: npt.NDArray[np.bool_], labels: list[int], scores: list[float]) -> MaskSet:
    return MaskSet(masks=masks, labels=np.array(labels), scores=np.array(scores, np.float32))


TRUTH = MaskSet(masks=columns((0, 10), (20, 30)), labels=np.array([1, 2]))
HALF = (0.5,)


@pytest.mark.parametrize(
    ("spans", "labels", "scores", "want"),
    [
        ([(0, 10), (20, 30)], [1, 2], [0.9, 0.8], 1.0),
        ([(32, 36), (0, 10), (20, 30)], [1, 1, 2], [0.9, 0.8, 0.7], 0.6667),
        ([(0, 10)], [1], [0.9], 0.5),
        ([(0, 8), (0, 10), (20, 30)], [1, 1, 2], [0.9, 0.8, 0.7], 0.6667),
        ([(0, 10), (20, 30)], [1, 1], [0.9, 0.8], 0.5),
        ([(0, 5), (25, 30)], [1, 2], [0.9, 0.8], 0.0),
    ],
    ids=["perfect", "a wrong one first", "one of two", "a worse twin first", "wrong class", "0.5"],
)
def test_the_cases_of_the_specification(
    spans: list[tuple[int, int]], labels: list[int], scores: list[float], want: float
) -> None:
    value = image_ap(found(columns(*spans), labels, scores), TRUTH, thresholds=HALF)
    assert value[0] == pytest.approx(want, abs=1e-4)


def test_a_prediction_over_two_truths_counts_once() -> None:
    truth = MaskSet(masks=columns((0, 10), (0, 9)), labels=np.array([1, 1]))
    value = image_ap(found(columns((0, 10)), [1], [0.9]), truth, thresholds=HALF)
    assert value[0] == 0.5


def test_empty_images() -> None:
    nothing, something = found(columns(), [], []), found(columns((0, 9)), [1], [0.9])
    result = per_image_ap([(nothing, nothing), (something, nothing), (nothing, TRUTH)])
    np.testing.assert_array_equal(result.by_image[:, 0], [1.0, 0.0, 0.0])
    assert result.num_images == 3
    assert result.mean == pytest.approx(1 / 3)


@given(st.permutations(range(5)), st.integers(0, 100))
def test_the_order_of_predictions_does_not_matter(order: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    masks = random.random((5, 4, 8)) < 0.5
    truth = MaskSet(masks=masks[:3] ^ (random.random((3, 4, 8)) < 0.1), labels=np.array([1, 2, 1]))
    labels, scores = random.integers(1, 3, 5), random.permutation(5).astype(np.float32)
    one = MaskSet(masks=masks, labels=labels, scores=scores)
    other = MaskSet(masks=masks[order], labels=labels[order], scores=scores[order])
    np.testing.assert_array_equal(
        image_ap(one, truth, thresholds=IOU_THRESHOLDS),
        image_ap(other, truth, thresholds=IOU_THRESHOLDS),
    )


@given(st.integers(0, 100))
def test_a_stricter_threshold_never_gives_more(seed: int) -> None:
    random = np.random.default_rng(seed)
    masks = random.random((6, 4, 8)) < 0.5
    noisy = masks[:4] ^ (random.random((4, 4, 8)) < 0.15)
    predictions = MaskSet(
        masks=masks, labels=np.ones(6, np.int64), scores=random.permutation(6).astype(np.float32)
    )
    truth = MaskSet(masks=noisy, labels=np.ones(4, np.int64))
    values = image_ap(predictions, truth, thresholds=IOU_THRESHOLDS)
    assert (np.diff(values) <= 1e-6).all()


def test_ious() -> None:
    got = mask_ious(columns((0, 10), (5, 5)), columns((5, 15), (0, 10)))
    np.testing.assert_allclose(got, [[1 / 3, 1.0], [0.0, 0.0]], rtol=1e-6)


def test_both_thresholds_are_strict() -> None:
    scores = np.array([0.75, 0.76], np.float32)
    probability = np.full((2, 1, 2), 0.5, np.float32)
    probability[1, 0, 0] = 0.51
    masks = binarised(probability, np.array([1, 1]), scores)
    assert masks.masks.sum() == 1
    assert len(confident(masks, above=0.75).masks) == 1


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(InputRejected, match="no image"):
        per_image_ap([])
    with pytest.raises(InputRejected, match="have 0 scores"):
        image_ap(MaskSet(masks=columns((0, 1)), labels=np.array([1])), TRUTH, thresholds=HALF)
    with pytest.raises(InputRejected, match="2 labels"):
        MaskSet(masks=columns((0, 1)), labels=np.array([1, 2]))
