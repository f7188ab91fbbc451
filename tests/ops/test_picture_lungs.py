"""Lungs in pictures of unknown window, size, turn and frame."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from tests.ops.chest import (
    LUNG_LUNG,
    SOFT_TISSUE,
    WIDE,
    Chest,
    dice,
    make_abdomen,
    make_chest,
    make_head,
    shown,
)

from ctsieve.ops.picture_lungs import content_box, is_turned, otsu, picture_lungs
from ctsieve.readers import read_study
from ctsieve.types.volume import CTPicture, Window

Values = npt.NDArray[np.float32]
MIDDLE = slice(28, 29)


@pytest.fixture(scope="module")
def chest() -> Chest:
    return make_chest((4.0, 1.2, 1.2))


@pytest.mark.parametrize("window", [LUNG_LUNG, SOFT_TISSUE, WIDE, Window(centre=-400, width=800)])
def test_the_window_does_not_matter(chest: Chest, window: Window) -> None:
    assert dice(picture_lungs(shown(chest.hu[MIDDLE], window)), chest.lungs[MIDDLE]) > 0.93


@pytest.mark.parametrize("pixel", [3.2, 2.0, 0.6, 0.35])
def test_the_size_does_not_matter(pixel: float) -> None:
    chest = make_chest((80.0, pixel, pixel))
    assert dice(picture_lungs(shown(chest.hu[1:2], LUNG_LUNG)), chest.lungs[1:2]) > 0.93


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_picture_has_turned_lungs(chest: Chest, turns: int) -> None:
    turned = np.rot90(shown(chest.hu[MIDDLE], LUNG_LUNG), turns, axes=(1, 2)).copy()
    found = picture_lungs(turned)
    assert dice(np.rot90(found, -turns, axes=(1, 2)), chest.lungs[MIDDLE]) > 0.93
    assert is_turned(found) == (turns % 2 == 1)


@pytest.mark.parametrize("shade", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("width", [1, 9, 40])
def test_a_frame_does_not_matter(chest: Chest, shade: float, width: int) -> None:
    framed = np.pad(
        shown(chest.hu[MIDDLE], LUNG_LUNG),
        [(0, 0), (width, width), (width, width)],
        constant_values=shade,
    )
    found = picture_lungs(framed)[:, width:-width, width:-width]
    assert dice(found, chest.lungs[MIDDLE]) > 0.93


def test_a_picture_cropped_to_the_lungs_is_understood(chest: Chest) -> None:
    rows, columns = chest.lungs[MIDDLE][0].any(axis=1), chest.lungs[MIDDLE][0].any(axis=0)
    cut = chest.cut(
        rows=slice(int(rows.argmax()) - 2, len(rows) - int(rows[::-1].argmax()) + 2),
        columns=slice(int(columns.argmax()) - 2, len(columns) - int(columns[::-1].argmax()) + 2),
    )
    assert dice(picture_lungs(shown(cut.hu[MIDDLE], LUNG_LUNG)), cut.lungs[MIDDLE]) > 0.93


def test_each_slice_of_a_stack_is_seen_alone(chest: Chest) -> None:
    stack = shown(chest.hu[20:36:5], LUNG_LUNG)
    found = picture_lungs(stack)
    for number in range(len(stack)):
        np.testing.assert_array_equal(found[number], picture_lungs(stack[number : number + 1])[0])


@pytest.mark.parametrize("make", [make_abdomen, make_head])
@pytest.mark.parametrize("window", [LUNG_LUNG, WIDE])
def test_belly_and_head_have_no_lungs(make: Callable[[], Chest], window: Window) -> None:
    assert not picture_lungs(shown(make().hu[30:31], window)).any()


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 2), st.integers(1, 40), st.integers(1, 40)),
        elements=st.floats(0, 1, width=32),
    )
)
def test_any_picture_gets_a_mask_of_its_shape(values: Values) -> None:
    assert picture_lungs(values).shape == values.shape


@pytest.mark.parametrize("shade", [0.0, 0.4, 1.0])
def test_a_picture_of_one_shade_has_no_lungs(shade: float) -> None:
    assert not picture_lungs(np.full((1, 64, 64), shade, np.float32)).any()


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_the_content_is_what_the_frame_leaves(top: int, bottom: int, left: int, right: int) -> None:
    checks = (np.indices((50, 50)).sum(axis=0) % 2).astype(np.float32)
    framed = np.pad(checks, [(top, bottom), (left, right)], constant_values=1.0)
    assert content_box(framed) == (top, top + 50, left, left + 50)


@given(st.floats(0.0, 0.4), st.floats(0.6, 1.0), st.integers(5, 90))
def test_otsu_parts_two_shades(dark: float, bright: float, num_dark: int) -> None:
    values = np.array([dark] * num_dark + [bright] * (100 - num_dark))
    assert dark <= otsu(values) <= bright


def test_real_slices_agree_with_their_masks(data: Path) -> None:
    overlaps = []
    for path in sorted((data / "lungsegdb22" / "images").iterdir()):
        picture = read_study(path)
        assert isinstance(picture, CTPicture)
        with Image.open(data / "lungsegdb22" / "masks" / path.name) as opened:
            mask = np.asarray(opened.convert("L")) > 0
        overlaps.append(dice(picture_lungs(picture.values)[0], mask))
    # One of the 22 shows the bases in a soft-tissue window: as black as gas, it is left out.
    assert np.median(overlaps) > 0.95
    assert sorted(overlaps)[1] > 0.85
