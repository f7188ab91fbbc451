"""The contract that every explanation signs; a new file under `explain/` is held to it.

One slice and one cell of the network's input are made to matter in every output there is, and in a
network that can be asked; each method must find that slice, and that cell if it knows cells.
"""

from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctsieve.explain import EXPLAINERS
from ctsieve.ops.prepare import Prepared
from ctsieve.types.geometry import Geometry
from ctsieve.types.results import Explanation

Float32 = npt.NDArray[np.float32]
STUDY = Geometry.from_spacing((9, 48, 48), spacing=(5.0, 1.0, 1.0), frame="f")
JUDGED = np.array([1, 2, 4, 5, 7])
CROP = ((1, 8, 8), (8, 40, 40))
SIDE = 64
GRID = STUDY.window_of(*CROP, (7, SIDE, SIDE))
CELLS = 8
"""Rows and columns of the cells; each is 4 pixels of the study wide."""


def prepared(slice_: int, row: int, column: int) -> Prepared:
    """Grey slices of which one has a bright cell."""
    x = np.full((JUDGED.size, 1, SIDE, SIDE), 0.25, np.float32)
    x[slice_, 0, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = 1.0
    return Prepared(x=x, index=JUDGED, grid=GRID)


def outputs(slice_: int, row: int, column: int) -> dict[str, Float32]:
    """Everything that a graph may return, pointing at one cell of one slice."""
    number = JUDGED.size
    maps = np.full((number, CELLS, CELLS), 0.001, np.float32)
    maps[slice_, row, column] = 0.5
    weights = np.full(number, 0.05, np.float32)
    weights[slice_] = 0.8
    boxes = np.array([8 * column, 8 * row, 8 * column + 8, 8 * row + 8], np.float32)
    labels = np.zeros((number, 2), np.float32)
    labels[slice_, 0] = 1.0
    return {
        "heat": maps,
        "attention1": maps,
        "attention2": maps,
        "attention": weights,
        "slice_logits": (10.0 * weights - 5.0)[:, None],
        "boxes": np.broadcast_to(boxes, (number, 2, 4)),
        "labels": labels,
        "scores": np.full((number, 2), 0.9, np.float32),
        "roi_masks": np.ones((number, 2, 28, 28), np.float32),
    }


def brightness(x: Float32) -> Float32:
    """A network whose score of a slice is how bright its brightest cell is."""
    cells = x.reshape(len(x), CELLS, 8, CELLS, 8).mean(axis=(2, 4))
    return cast("Float32", cells.max(axis=(1, 2)))


def explained(name: str, given: tuple[int, int, int]) -> Explanation:
    card = EXPLAINERS[name]
    asked = outputs(*given) if card.reads else brightness
    found = card.explain(asked, prepared(*given), STUDY, label="covid19")
    assert found is not None
    return found


@pytest.mark.parametrize("name", EXPLAINERS)
@settings(deadline=None, max_examples=8)
@given(st.tuples(st.integers(0, 4), st.integers(0, 7), st.integers(0, 7)))
def test_heat_lies_on_the_image_s_own_grid_where_it_matters(
    name: str, place: tuple[int, int, int]
) -> None:
    found = explained(name, place)
    heat = found.heat.astype(np.float32)
    assert found.label == "covid19"
    assert found.method
    assert found.geometry is STUDY
    assert found.heat.dtype == np.float16
    assert ((heat >= 0.0) & (heat <= 1.0)).all()
    assert found.peak > 0.0
    assert heat.max() > 0.75, "only the top of a single cell is lost between pixels"

    slice_, row, column = place
    assert heat[JUDGED[slice_]].max() == heat.max()
    others = np.setdiff1d(np.arange(STUDY.shape[0]), JUDGED)
    assert not heat[others].any(), "slices that were not judged have no heat"
    cell = heat[JUDGED[slice_], 8 + 4 * row : 12 + 4 * row, 8 + 4 * column : 12 + 4 * column]
    assert cell.max() == heat.max()
    border = heat[:, [0, 6, 41, 47]]
    assert not border.any(), "what was cropped away has no heat"


@pytest.mark.parametrize("name", [n for n in EXPLAINERS if EXPLAINERS[n].reads])
def test_a_graph_without_what_it_reads_has_no_such_explanation(name: str) -> None:
    card = EXPLAINERS[name]
    kept = {k: v for k, v in outputs(0, 1, 2).items() if k not in card.reads}
    assert card.explain(kept, prepared(0, 1, 2), STUDY, label="covid19") is None


@pytest.mark.parametrize("name", EXPLAINERS)
def test_asking_twice_gives_the_same_and_changes_nothing(name: str) -> None:
    card, given, asked = EXPLAINERS[name], prepared(2, 3, 4), outputs(2, 3, 4)
    x, copies = given.x.copy(), {k: v.copy() for k, v in asked.items()}
    first, second = (
        card.explain(asked if card.reads else brightness, given, STUDY, label="covid19")
        for _ in range(2)
    )
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.heat, second.heat)
    np.testing.assert_array_equal(given.x, x)
    for key, value in asked.items():
        np.testing.assert_array_equal(value, copies[key])


@pytest.mark.parametrize("name", EXPLAINERS)
def test_a_card_says_what_it_is_and_what_it_reads(name: str) -> None:
    card = EXPLAINERS[name]
    assert card.title
    assert card.paper
    assert set(card.reads) <= set(outputs(0, 0, 0))
