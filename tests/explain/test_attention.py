"""Attention on the image's own grid: it stays where it was, and its scale is one and kept."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctsieve.explain import attention, otsu
from ctsieve.ops.prepare import Prepared
from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import BrokenPromise

Float32 = npt.NDArray[np.float32]
STUDY = Geometry.from_spacing((9, 32, 32), spacing=(5.0, 1.0, 1.0), frame="f")
JUDGED = np.array([2, 3, 5, 6])
GRID = STUDY.window_of((2, 0, 0), (7, 32, 32), (5, 64, 64))
PREPARED = Prepared(x=np.zeros((4, 1, 64, 64), np.float32), index=JUDGED, grid=GRID)


def peaked(rows: int, columns: int, where: tuple[int, int]) -> Float32:
    """The same map in all judged slices: a peak on a floor; it sums to 1."""
    maps = np.full((4, rows, columns), 0.5 / (rows * columns), np.float32)
    maps[:, where[0], where[1]] += 0.5
    return maps


def slices_of(weights: list[float]) -> Float32:
    return np.array(weights, np.float32)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_the_peak_keeps_its_slice_and_its_cell(s: int, r: int, c: int) -> None:
    weights = np.full(4, 0.1, np.float32)
    weights[s] = 0.7
    output = {
        "attention": weights,
        "attention1": peaked(8, 8, (2 * r, 2 * c)),
        "attention2": peaked(4, 4, (r, c)),
    }
    found = attention.explain(output, PREPARED, STUDY, label="covid19")
    assert found is not None
    place = [int(i) for i in np.unravel_index(int(found.heat.argmax()), STUDY.shape)]
    assert [place[0], place[1] // 8, place[2] // 8] == [int(JUDGED[s]), r, c]
    assert found.heat.max() == 1.0
    assert not found.heat[[0, 1, 4, 7, 8]].any(), "slices that were not judged have no heat"


def test_a_batch_of_one_scan_is_that_scan() -> None:
    output = {"attention": slices_of([0.1, 0.2, 0.3, 0.4]), "attention1": peaked(4, 4, (1, 2))}
    batch = {name: array[None] for name, array in output.items()}
    one = attention.explain(output, PREPARED, STUDY, label="covid19")
    other = attention.explain(batch, PREPARED, STUDY, label="covid19")
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.heat, other.heat)
    assert one.peak == other.peak


def test_the_peak_tells_even_attention_from_a_sharp_one() -> None:
    even = attention.explain({"attention": np.full(4, 0.25, np.float32)}, PREPARED, STUDY, label="")
    sharp = attention.explain({"attention": slices_of([0, 0, 1, 0])}, PREPARED, STUDY, label="")
    assert even is not None
    assert sharp is not None
    assert (even.peak, sharp.peak) == pytest.approx((0.25, 1.0))
    assert even.heat[JUDGED].min() == 1.0
    assert sharp.heat[5].min() == 1.0
    assert not sharp.heat[3].any()


def test_figure_6_is_the_root_of_map_times_weight() -> None:
    weights, levels = slices_of([0.1, 0.2, 0.3, 0.4]), slices_of([0.9, 0.5, 0.6, 0.1])
    maps = np.broadcast_to(levels[:, None, None], (4, 4, 4))
    output = {"attention": weights, "attention1": maps}
    found = attention.explain(output, PREPARED, STUDY, label="covid19")
    assert found is not None
    cells = found.heat[JUDGED, 12, 20].astype(np.float64) * found.peak
    np.testing.assert_allclose(cells, np.sqrt(weights * levels), rtol=2e-3)


def test_without_attention_there_is_nothing_to_show() -> None:
    assert attention.explain({"logits": slices_of([0.0])}, PREPARED, STUDY, label="") is None
    assert otsu.explain({"attention": slices_of([1.0])}, PREPARED, STUDY, label="") is None


def test_two_scans_at_once_are_a_defect() -> None:
    with pytest.raises(BrokenPromise, match="one scan"):
        attention.explain({"attention": np.ones((2, 4), np.float32)}, PREPARED, STUDY, label="")


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(1, 6))
def test_top_slices_are_the_heaviest_in_order(weights: list[int], number: int) -> None:
    share = np.array(weights, np.float32)
    top = attention.top_slices(share, np.arange(10, 10 + share.size), number=number)
    assert len(top) == min(number, share.size)
    assert [weight for _, weight in top] == sorted(weights, reverse=True)[:number]
    assert all(share[index - 10] == weight for index, weight in top)


@given(st.integers(0, 1000))
def test_otsu_parts_two_levels_and_nothing_else(seed: int) -> None:
    bright = np.random.default_rng(seed).random((12, 12)) < 0.3
    bright[0, :2] = True, False
    plane = np.where(bright, np.float32(0.9), np.float32(0.2)).astype(np.float32)
    np.testing.assert_array_equal(otsu.high(plane), bright)
    assert not otsu.high(np.full((4, 4), 0.3, np.float32)).any()


def test_otsu_masks_lie_around_the_peak_of_each_judged_slice() -> None:
    output = {"attention1": peaked(8, 8, (2, 6)), "attention2": peaked(4, 4, (1, 3))}
    found = otsu.explain(output, PREPARED, STUDY, label="covid19")
    assert found is not None
    assert set(np.unique(found.heat)) == {0.0, 1.0}
    assert found.heat[JUDGED, 10, 26].all()
    assert not found.heat[:, 20:, :16].any()
    assert not found.heat[[0, 4, 8]].any()


def test_what_was_cropped_away_is_no_group_of_otsu_s() -> None:
    cropped = STUDY.window_of((2, 8, 8), (7, 24, 24), (5, 64, 64))
    prepared = Prepared(x=PREPARED.x, index=JUDGED, grid=cropped)
    output = {"attention1": peaked(8, 8, (2, 6)), "attention2": peaked(4, 4, (1, 3))}
    found = otsu.explain(output, prepared, STUDY, label="covid19")
    assert found is not None
    mask = found.heat[JUDGED[0]] > 0
    assert mask[13, 21]
    assert mask.sum() < 0.3 * 16 * 16, "a part of what was seen, not all of it"
    assert not mask[:8].any()
