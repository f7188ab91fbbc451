"""What the network sees, and that its grid says where it came from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctsieve.ops.judge import prepare_judged
from ctsieve.ops.prepare import prepare
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Provenance
from ctsieve.types.recipe import InputSpec
from ctsieve.types.volume import CTPicture, CTVolume

NOWHERE = Provenance(reader="test", reader_version="0", digest="d", slices=())


def volume(hu: np.ndarray) -> CTVolume:
    grid = Geometry.from_spacing(hu.shape, spacing=(5.0, 0.7, 0.7), frame="1.2")
    return CTVolume(hu=hu.astype(np.int16), geometry=grid, provenance=NOWHERE)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 9),
    st.floats(8, 24),
    st.floats(8, 24),
    st.floats(0, 0.3),
)
def test_a_bright_spot_keeps_its_millimetres_on_the_networks_grid(
    s: int, row: float, column: float, margin: float
) -> None:
    hu = np.full((10, 48, 48), -1000)
    r, c = round(row) + 8, round(column) + 8
    hu[s, r - 1 : r + 2, c - 1 : c + 2] = 100
    image = volume(hu)
    keep = np.zeros(10, dtype=bool)
    keep[max(0, s - 1) : s + 2] = True
    spec = InputSpec(size=(64, 64), crop="lungs", margin=margin)
    made = prepare(image, spec, keep=keep, box=((9.0, 9.0), (40.0, 40.0)))
    place = int(np.flatnonzero(made.index == s)[0])
    spot = made.x[place, 0] > 0.8 * made.x[place, 0].max()
    centre = np.argwhere(spot).mean(axis=0)
    world = made.grid.to_world([[s - made.index[0], *centre]])[0]
    assert np.abs(world - image.geometry.to_world([[s, r, c]])[0]).max() < 0.36


def test_values_are_windowed_into_zero_to_one() -> None:
    made = prepare(
        volume(np.full((2, 16, 16), -600)), InputSpec(size=(8, 8)), keep=np.ones(2, bool), box=None
    )
    assert made.x.dtype == np.float32
    assert made.x.shape == (2, 1, 8, 8)
    np.testing.assert_allclose(made.x, 0.5, atol=1e-6)


def test_only_kept_slices_are_prepared_and_maps_find_their_place() -> None:
    keep = np.array([False, True, False, True, False])
    made = prepare(volume(np.zeros((5, 16, 16))), InputSpec(size=(8, 8)), keep=keep, box=None)
    assert made.index.tolist() == [1, 3]
    assert made.grid.shape == (3, 8, 8)
    spread = made.spread(np.ones((2, 2, 2), np.float32))
    assert spread[:, 0, 0].tolist() == [1.0, 0.0, 1.0]


def test_percentile_stretch_makes_pictures_of_any_window_alike() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((1, 32, 32), dtype=np.float32)
    spec = InputSpec(size=(16, 16), normalise="percentile")

    def prepared(shown: np.ndarray) -> np.ndarray:
        grid = Geometry.of_picture(shown.shape, "d")
        image = CTPicture(values=shown.astype(np.float32), geometry=grid, provenance=NOWHERE)
        return prepare(image, spec, keep=np.ones(1, bool), box=None).x

    np.testing.assert_allclose(prepared(values), prepared(0.2 + 0.3 * values), atol=1e-4)


def test_a_flat_slice_stays_finite() -> None:
    grid = Geometry.of_picture((1, 8, 8), "d")
    image = CTPicture(values=np.zeros((1, 8, 8), np.float32), geometry=grid, provenance=NOWHERE)
    spec = InputSpec(size=(8, 8), normalise="percentile")
    assert np.isfinite(prepare(image, spec, keep=np.ones(1, bool), box=None).x).all()


def test_a_sequence_is_so_many_evenly_spaced_slices_in_the_box_of_all() -> None:
    image = volume(np.full((20, 64, 64), -1000))
    lungs = np.zeros((20, 64, 64), dtype=np.bool_)
    lungs[2:18, 20:40, 16:48] = True
    lungs[9, 10:50, 8:56] = True
    every, some = (
        prepare_judged(image, lungs, InputSpec(size=(32, 32), crop="lungs", num_slices=number))
        for number in (None, 4)
    )
    assert some.index.tolist() == [int(every.index[k]) for k in (0, 5, 10, 15)]
    assert every.grid.matches(some.grid)
    more = InputSpec(size=(32, 32), crop="lungs", num_slices=99)
    assert prepare_judged(image, lungs, more).index.tolist() == every.index.tolist()


def test_nothing_kept_is_a_broken_promise() -> None:
    with pytest.raises(AssertionError, match="at least one slice"):
        prepare(volume(np.zeros((2, 8, 8))), InputSpec(), keep=np.zeros(2, bool), box=None)
