"""Laws of growing, shrinking, closing and filling masks."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from tests.ops.chest import Mask

from ctsieve.ops.morphology import (
    SAME_SLICE,
    close,
    dilate,
    erode,
    fill_slices,
    joined_to_edge,
    largest_region,
    opened,
    opened_by_pairs,
)

MASKS = hnp.arrays(
    np.bool_,
    hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=9),
    elements=st.booleans(),
)


@given(MASKS)
def test_growing_is_the_usual_dilation_by_four_neighbours(mask: Mask) -> None:
    np.testing.assert_array_equal(dilate(mask), ndimage.binary_dilation(mask, SAME_SLICE))


@given(MASKS)
def test_shrinking_is_the_usual_erosion_with_the_mask_going_on_beyond_the_edge(mask: Mask) -> None:
    expected = ndimage.binary_erosion(mask, SAME_SLICE, border_value=1)
    np.testing.assert_array_equal(erode(mask), expected)


@given(MASKS)
def test_opening_only_removes_and_twice_is_once(mask: Mask) -> None:
    once = opened(mask)
    assert not (once & ~mask).any()
    np.testing.assert_array_equal(opened(once), once)


@given(MASKS)
def test_opening_by_pairs_keeps_exactly_the_squares_that_fit(mask: Mask) -> None:
    square = np.ones((1, 2, 2), np.bool_)
    np.testing.assert_array_equal(opened_by_pairs(mask), ndimage.binary_opening(mask, square))


@given(MASKS)
def test_filling_only_adds_leaves_no_hole_and_twice_is_once(mask: Mask) -> None:
    once = fill_slices(mask)
    assert not (mask & ~once).any()
    np.testing.assert_array_equal(joined_to_edge(~once), ~once)
    np.testing.assert_array_equal(fill_slices(once), once)


def test_a_bay_open_to_the_edge_is_no_hole() -> None:
    mask = np.ones((1, 5, 5), np.bool_)
    mask[0, 2, 2:] = False
    np.testing.assert_array_equal(fill_slices(mask), mask)


@settings(max_examples=50)
@given(MASKS, st.floats(0.5, 4.0))
def test_closing_only_adds_and_keeps_to_the_box_of_the_mask(mask: Mask, radius: float) -> None:
    closed = close(mask, radius=radius, spacing=(1.0, 1.0, 1.0))
    assert not (mask & ~closed).any()
    if mask.any():
        for axis in ((0, 1), (0, 2)):
            rows = np.flatnonzero(mask.any(axis=axis))
            grown = np.flatnonzero(closed.any(axis=axis))
            assert rows[0] <= grown[0]
            assert grown[-1] <= rows[-1]


def test_closing_fills_a_gap_below_twice_the_radius_and_no_wider_one() -> None:
    mask = np.ones((1, 40, 40), np.bool_)
    mask[:, :, 10:16] = False
    assert close(mask, radius=4.0, spacing=(1.0, 1.0, 1.0))[0, 20, 12]
    assert not close(mask, radius=2.0, spacing=(1.0, 1.0, 1.0))[0, 20, 12]


def test_the_largest_region_is_one_and_largest() -> None:
    mask = np.zeros((2, 6, 8), np.bool_)
    mask[0, :2, :2] = True
    mask[:, 3:6, 3:8] = True
    expected = mask.copy()
    expected[0, :2, :2] = False
    np.testing.assert_array_equal(largest_region(mask), expected)
    assert not largest_region(np.zeros((1, 3, 3), np.bool_)).any()
