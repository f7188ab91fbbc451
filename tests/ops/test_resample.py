"""Laws of `resample`: places are kept, means are kept, and both directions are one function."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ctsieve.ops.resample import axis_weights, resample
from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import BrokenPromise

places = st.floats(0.0, 1.0)


def turned(grid: Geometry, degrees: float) -> Geometry:
    """The same grid turned about the patient's long axis."""
    angle = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return Geometry(grid.shape, turn @ grid.affine, grid.frame)


def blob(grid: Geometry, centre: npt.NDArray[np.float64], width: float) -> npt.NDArray[np.float32]:
    """A Gaussian ball at LPS millimetres `centre`."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), -1)
    distance = np.linalg.norm(grid.to_world(index.reshape(-1, 3)) - centre, axis=1)
    values: npt.NDArray[np.float32] = np.exp(-0.5 * (distance / width) ** 2).astype(np.float32)
    return values.reshape(grid.shape)


def centre_of(values: npt.NDArray[np.float32], grid: Geometry) -> npt.NDArray[np.float64]:
    """Centre of mass in LPS millimetres."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), -1)
    weight = values.reshape(-1).astype(np.float64)
    moment: npt.NDArray[np.float64] = weight @ grid.to_world(index.reshape(-1, 3))
    return np.asarray(moment / weight.sum())


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(places, places, places),
    st.tuples(st.floats(1.0, 3.0), st.floats(0.6, 1.5), st.floats(0.6, 1.5)),
    st.sampled_from([0.0, 0.0, 17.0, -40.0]),
)
def test_a_marked_place_keeps_its_millimetres(
    where: tuple[float, float, float], spacing: tuple[float, float, float], degrees: float
) -> None:
    study = Geometry.from_spacing((24, 40, 40), spacing=(2.0, 1.0, 1.0), frame="f")
    centre = study.to_world([[6 + 12 * where[0], 13 + 14 * where[1], 13 + 14 * where[2]]])[0]
    # As many cells as are needed to cover the study, and room for the turn.
    deep, high, wide = (int(np.ceil(90 / s)) for s in spacing)
    cover = (deep, high, wide)
    middle = study.to_world([[11.5, 19.5, 19.5]])[0]
    network = turned(Geometry.from_spacing(cover, spacing=spacing, frame="f"), degrees)
    shift = middle - network.to_world([[(n - 1) / 2 for n in cover]])[0]
    affine = network.affine.copy()
    affine[:3, 3] += shift
    network = Geometry(cover, affine, "f")

    there = resample(blob(study, centre, 3.0), source=study, target=network)
    back = resample(there, source=network, target=study)

    assert np.abs(centre_of(there, network) - centre).max() < 0.15
    assert np.abs(centre_of(back, study) - centre).max() < 0.15


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.05, 5.0), st.floats(-3.0, 3.0))
def test_weights_of_covered_targets_sum_to_one(
    source: int, target: int, step: float, start: float
) -> None:
    weights = axis_weights(source, target, step=step, start=start)
    sums = np.asarray(weights.matrix.sum(axis=1)).ravel()
    assert sums.size == weights.covered.stop - weights.covered.start
    np.testing.assert_allclose(sums, 1.0, atol=1e-5)


@given(st.integers(2, 40), st.integers(2, 40), st.booleans())
def test_a_constant_stays_constant(rows: int, columns: int, flip: bool) -> None:
    source = Geometry.of_picture((1, rows, columns), "d")
    start, stop = ((0, 0, columns), (1, rows, 0)) if flip else ((0, 0, 0), (1, rows, columns))
    target = source.window_of(start, stop, (1, 17, 23))
    moved = resample(np.full(source.shape, 0.7, np.float32), source=source, target=target)
    np.testing.assert_allclose(moved, 0.7, atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(20, 90), st.integers(20, 90))
def test_agrees_with_pillows_antialiased_bilinear(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random((1, rows, columns), dtype=np.float32)
    grid = Geometry.of_picture(values.shape, "d")
    top, left = rng.uniform(0, rows / 3), rng.uniform(0, columns / 3)
    bottom, right = rows - rng.uniform(0, rows / 3), columns - rng.uniform(0, columns / 3)
    target = grid.window_of((0, top, left), (1, bottom, right), (1, 32, 32))
    ours = resample(values, source=grid, target=target)[0]
    peer = Image.fromarray(values[0]).resize(
        (32, 32), Image.Resampling.BILINEAR, box=(left, top, right, bottom)
    )
    np.testing.assert_allclose(ours, np.asarray(peer), atol=2e-4)


def test_the_identity_changes_no_bit() -> None:
    values = np.random.default_rng(0).random((3, 5, 7), dtype=np.float32)
    grid = Geometry.from_spacing(values.shape, spacing=(5.0, 0.7, 0.8), frame="f")
    np.testing.assert_array_equal(resample(values, source=grid, target=grid), values)


def test_beyond_the_border_is_outside() -> None:
    grid = Geometry.of_picture((1, 4, 4), "d")
    target = grid.window_of((0, -4, -4), (1, 8, 8), (1, 12, 12))
    moved = resample(np.ones((1, 4, 4), np.float32), source=grid, target=target, outside=-1.0)
    assert (moved[0, 4:8, 4:8] == 1.0).all()
    assert (moved == -1.0).sum() == 12 * 12 - 16


def test_grids_of_different_frames_are_refused() -> None:
    one = Geometry.from_spacing((1, 2, 2), spacing=(1.0, 1.0, 1.0), frame="a")
    other = Geometry.from_spacing((1, 2, 2), spacing=(1.0, 1.0, 1.0), frame="b")
    with pytest.raises(BrokenPromise, match="one frame"):
        resample(np.zeros((1, 2, 2), np.float32), source=one, target=other)
