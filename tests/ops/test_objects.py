"""Objects of slices become lesions where the image is, with the volume they have."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ctsieve.models._detector.paste import paste
from ctsieve.ops.objects import find_lesions, lesion_pixels, objects, pasted, total_lesions
from ctsieve.ops.prepare import Prepared
from ctsieve.types.geometry import Geometry
from ctsieve.types.recipe import ObjectRule

RULE = ObjectRule(kinds=("lungs", "ggo", "consolidation"), organs=("lungs",))
GRID = Geometry.from_spacing((6, 40, 60), spacing=(5.0, 2.0, 1.0), frame="1.2")
"""A grid whose slices the network sees enlarged: 80 x 60 pixels for 40 x 60."""
BOX = (10.0, 20.0, 29.0, 59.0)
FULL = np.ones((28, 28), dtype=np.float32)

Spot = tuple[int, int, float, tuple[float, float, float, float]]
"""Judged slice, label, score and box of an object."""


def prepared(index: tuple[int, ...] = (1, 2, 3, 4), grid: Geometry = GRID) -> Prepared:
    """Judged slices of `grid`, whole, 80 rows and 60 columns each."""
    first, last = index[0], index[-1]
    _, rows, columns = grid.shape
    return Prepared(
        x=np.zeros((len(index), 1, 80, 60), dtype=np.float32),
        index=np.array(index, dtype=np.int64),
        grid=grid.window_of((first, 0, 0), (last + 1, rows, columns), (last + 1 - first, 80, 60)),
    )


def output(*spots: Spot, num_slices: int = 4) -> dict[str, np.ndarray]:
    """What a graph returns that found `spots`, their boxes full, two places in every slice."""
    found = {
        "labels": np.zeros((num_slices, 2), dtype=np.float32),
        "scores": np.zeros((num_slices, 2), dtype=np.float32),
        "boxes": np.zeros((num_slices, 2, 4), dtype=np.float32),
        "roi_masks": np.zeros((num_slices, 2, 28, 28), dtype=np.float32),
    }
    for s, label, score, box in spots:
        place = int((found["labels"][s] > 0).sum())
        found["labels"][s, place], found["scores"][s, place] = label, score
        found["boxes"][s, place], found["roi_masks"][s, place] = box, FULL
    return found


boxes = st.tuples(
    *(st.floats(-3.0, 60.0, width=32) for _ in range(2)),
    *(st.floats(0.0, 40.0, width=32) for _ in range(2)),
)


@given(boxes, st.integers(0, 2**16))
def test_a_mask_is_put_where_the_authors_put_it(
    box: tuple[float, float, float, float], seed: int
) -> None:
    left, top, width, height = box
    corners = np.array([left, top, left + width, top + height], dtype=np.float32)
    mask = np.random.default_rng(seed).random((28, 28), dtype=np.float32)
    want = paste(torch.from_numpy(mask)[None], torch.from_numpy(corners)[None], (70, 90))
    np.testing.assert_allclose(pasted(mask, corners, (70, 90)), want[0].numpy(), atol=1e-5)


def test_what_touches_from_slice_to_slice_is_one_lesion_with_its_millilitres() -> None:
    elsewhere = (40.0, 20.0, 49.0, 39.0)
    found = output((0, 2, 0.8, BOX), (1, 2, 0.9, BOX), (3, 2, 0.7, elsewhere))
    first, second = find_lesions(found, prepared(), GRID, RULE)
    assert (first.kind, second.kind) == ("ggo", "ggo")
    assert (first.score, second.score) == pytest.approx((0.9, 0.7))
    # 20 columns of 1 mm, 40 pixels of 1 mm along rows, two slices of 5 mm: 8 ml; a pixel at most
    # is gained at each side, since masks reach to the next whole pixel
    assert first.volume_ml == pytest.approx(8.0, rel=0.12)
    assert (first.start[0], first.stop[0]) == (1, 3)
    assert first.start[1] in (9, 10)
    assert first.start[2] in (9, 10)
    assert (second.start[0], second.stop[0]) == (4, 5)
    assert first.geometry is GRID


def test_objects_count_by_score_kind_and_mask() -> None:
    found = output((0, 2, 0.49, BOX), (1, 1, 0.9, BOX), (2, 3, 0.5, BOX))
    assert [(one.kind, one.slice) for one in objects(found, RULE)] == [
        ("lungs", 1),
        ("consolidation", 2),
    ]
    assert [one.kind for one in find_lesions(found, prepared(), GRID, RULE)] == ["consolidation"]
    pixels = lesion_pixels(found, RULE)
    assert pixels.tolist() == [0.0, 0.0, pytest.approx(19 * 39), 0.0]
    faint = {**found, "roi_masks": found["roi_masks"] * np.float32(0.4)}
    assert find_lesions(faint, prepared(), GRID, RULE) == ()
    assert not lesion_pixels(faint, RULE).any()


def test_totals_have_a_row_for_every_kind_and_count_what_lies_in_the_lungs() -> None:
    lesions = find_lesions(output((0, 2, 0.8, BOX)), prepared(), GRID, RULE)
    lungs = np.zeros(GRID.shape, dtype=np.bool_)
    lungs[:, :, :20] = True  # half of the lesion's columns and a third of the grid
    ggo, consolidation = total_lesions(lesions, RULE, lungs)
    (lesion,) = lesions
    inside = lesion.mask[:, :, : 20 - lesion.start[2]].sum()
    assert ggo.count == 1
    assert ggo.ml == pytest.approx(lesion.volume_ml)
    assert ggo.percent_of_lungs == pytest.approx(100.0 * inside / lungs.sum())
    assert (consolidation.count, consolidation.ml, consolidation.percent_of_lungs) == (0, 0.0, 0.0)
    (picture, _) = total_lesions(lesions, RULE, None)
    assert (picture.count, picture.ml, picture.percent_of_lungs) == (1, None, None)


def test_without_a_rule_there_are_no_lesions() -> None:
    assert find_lesions({}, prepared(), GRID, None) == ()
    assert total_lesions((), None, None) == ()


def test_a_lesion_keeps_its_millimetres_on_a_tilted_grid() -> None:
    affine = GRID.affine.copy()
    affine[:3, 0] += affine[:3, 1] * 0.8  # slices slide along the rows, as with a tilted gantry
    tilted = Geometry(GRID.shape, affine, GRID.frame)
    straight, sheared = (
        find_lesions(output((1, 2, 0.8, BOX)), prepared(grid=grid), grid, RULE)[0]
        for grid in (GRID, tilted)
    )
    assert sheared.start == straight.start
    assert (sheared.mask == straight.mask).all()
    assert sheared.volume_ml == pytest.approx(straight.volume_ml)


def test_only_judged_slices_hold_lesions() -> None:
    some = prepared((1, 4))
    found = output((0, 2, 0.8, BOX), (1, 2, 0.8, BOX), num_slices=2)
    lesions = find_lesions(found, replace(some), GRID, RULE)
    assert sorted(lesion.start[0] for lesion in lesions) == [1, 4]
