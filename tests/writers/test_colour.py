"""Heat's colours are even, ordered and honest."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from ctsieve.writers._colour import FAINTEST, heat_colours, heat_cover, heat_levels, paint

FROM_RGB = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""The way back, from the same source, so that the two ways check each other."""


def oklab() -> npt.NDArray[np.float64]:
    encoded = heat_colours() / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ FROM_RGB.T) @ TO_LAB.T)


def test_hotter_is_always_lighter() -> None:
    assert (np.diff(oklab()[::4, 0]) > 0).all()


def test_equal_steps_look_equally_large() -> None:
    steps = np.linalg.norm(np.diff(oklab()[::16], axis=0), axis=1)
    assert steps.max() / steps.min() < 1.8


def test_nothing_is_painted_below_the_faintest_and_anatomy_shows_through_the_hottest() -> None:
    cover = heat_cover()
    assert not cover[: int(FAINTEST * 255)].any()
    assert (np.diff(cover.astype(int)) >= 0).all()
    assert 0.4 < cover[-1] / 255 < 0.7


@given(st.floats(0.0, 1.0, width=16))
def test_levels_are_exact_to_half_a_level(heat: float) -> None:
    level = heat_levels(np.array([heat], dtype=np.float16))[0]
    assert abs(int(level) - heat * 255) <= 0.5 + 1e-6


def test_minus_zero_is_cold() -> None:
    assert heat_levels(np.array([-0.0], dtype=np.float16))[0] == 0


def test_paint_leaves_the_cold_grey() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    painted = paint(grey, np.zeros_like(grey))
    assert (painted == grey[..., None]).all()
