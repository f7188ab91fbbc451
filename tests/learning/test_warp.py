"""Training and screening see a slice at one scale, whatever is cut out of it."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from ctsieve.learning.warp import Bytes, Warp, plain
from ctsieve.ops.prepare import prepare
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.presets import preset
from ctsieve.types.recipe import InputSpec

SIZE = 32
CHEST = 72
"""Pixels of a phantom whose vessels are as fine, beside a pixel, as those of a CT."""


@pytest.fixture(scope="module")
def chest() -> Bytes:
    """Slices (2, N, N) of a phantom as screening prepares them."""
    volume = make_phantom(preset("normal", seed=3, num_slices=8, matrix=96)).volume
    keep = np.isin(np.arange(8), (3, 4))
    x = prepare(volume, InputSpec(size=(CHEST, CHEST)), keep=keep, box=None).x[:, 0]
    return np.asarray(np.rint(x * 255.0), dtype=np.uint8)


def test_training_without_changes_is_evaluation(chest: Bytes) -> None:
    """Bit for bit: there is no second preparation."""
    shown = Warp()(chest, (CHEST, CHEST), np.random.default_rng(0))
    assert torch.equal(shown, plain(chest))


def test_a_mirror_is_the_slice_mirrored(chest: Bytes) -> None:
    """Bit for bit, both ways."""
    shown = Warp(mirror=1.0, upside_down=1.0)(chest, (CHEST, CHEST), np.random.default_rng(0))
    assert torch.equal(shown, plain(chest).flip(2, 3))


def test_a_cut_is_copied(chest: Bytes) -> None:
    """Every cut is a part of the slice, pixel for pixel, and over many draws all parts occur."""
    random = np.random.default_rng(0)
    small, places = round(0.875 * CHEST), set()
    parts = plain(chest).unfold(2, small, 1).unfold(3, small, 1)
    for _ in range(200):
        shown = Warp(cut=0.875)(chest, (CHEST, CHEST), random)
        same = (parts == shown[:, :, None, None]).all(dim=(0, 1, 4, 5)).nonzero()
        assert len(same) == 1
        places.add(tuple(same[0].tolist()))
    assert {row for row, _ in places} == set(range(CHEST - small + 1))


@pytest.mark.parametrize(
    "warp",
    [Warp(degrees=10.0), Warp(degrees=30.0, mirror=0.5), Warp(shear=20.0), Warp(shift=0.1)],
)
def test_what_is_changed_is_as_sharp_as_what_is_screened(warp: Warp, chest: Bytes) -> None:
    """Linear interpolation would leave 0.77 of the fine detail: another kind of image."""
    random = np.random.default_rng(1)
    kept = [_detail(warp(chest, (CHEST, CHEST), random)) for _ in range(20)]
    assert np.mean(kept) == pytest.approx(_detail(plain(chest)), rel=0.08)


def _detail(x: torch.Tensor) -> float:
    """What stands out of the mean of 3 x 3 pixels, in the middle of the slices."""
    inner = (x - functional.avg_pool2d(x, 3, 1, 1))[:, :, 18:-18, 18:-18]
    return float(inner.std())


@pytest.mark.parametrize("cut", [1.0, 0.875, 0.5])
def test_a_cut_shows_less_and_not_larger(cut: float) -> None:
    """On a ramp of one grey level a column, neighbours differ by one level, cut or not."""
    ramp = np.broadcast_to(np.arange(SIZE, dtype=np.uint8) + 100, (2, SIZE, SIZE))
    shown = Warp(cut=cut)(ramp, (SIZE, SIZE), np.random.default_rng(0))
    assert shown.shape == (2, 1, round(cut * SIZE), round(cut * SIZE))
    step = plain(ramp).diff(dim=3)[0, 0, 0, 0].item()
    inner = shown[0, 0, 1:-1, 1:-1].diff(dim=1)
    assert inner.numpy() == pytest.approx(step, abs=1e-5)
