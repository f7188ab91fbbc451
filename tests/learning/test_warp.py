"""Training and screening see a slice at one scale, whatever is cut out of it."""

import numpy as np
import pytest

from ctsieve.learning.warp import Warp, plain

SIZE = 32


@pytest.mark.parametrize("cut", [1.0, 0.875, 0.5])
def test_a_cut_shows_less_and_not_larger(cut: float) -> None:
    """On a ramp of one grey level a column, neighbours differ by one level, cut or not."""
    ramp = np.broadcast_to(np.arange(SIZE, dtype=np.uint8) + 100, (2, SIZE, SIZE))
    shown = Warp(cut=cut)(ramp, (SIZE, SIZE), np.random.default_rng(0))
    assert shown.shape == (2, 1, round(cut * SIZE), round(cut * SIZE))
    step = plain(ramp).diff(dim=3)[0, 0, 0, 0].item()
    inner = shown[0, 0, 1:-1, 1:-1].diff(dim=1)
    assert inner.numpy() == pytest.approx(step, abs=1e-5)
