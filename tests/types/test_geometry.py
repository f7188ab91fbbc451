"""Laws of `Geometry`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctsieve.types.errors import UnreadableStudy
from ctsieve.types.geometry import Geometry

positive = st.floats(0.1, 10.0)
coordinate = st.floats(-500.0, 500.0)


@given(
    st.tuples(positive, positive, positive),
    st.tuples(coordinate, coordinate, coordinate),
    st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=1, max_size=5),
)
def test_there_and_back(
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    points: list[tuple[float, float, float]],
) -> None:
    grid = Geometry.from_spacing((4, 5, 6), spacing=spacing, frame="f", origin=origin)
    np.testing.assert_allclose(grid.to_world(grid.to_index(points)), points, atol=1e-8)


def test_a_canonical_grid_runs_from_head_to_feet_front_to_back_right_to_left() -> None:
    grid = Geometry.from_spacing((2, 2, 2), spacing=(5.0, 0.7, 0.8), frame="f")
    np.testing.assert_allclose(grid.to_world([[1, 0, 0]]), [[0, 0, -5.0]])
    np.testing.assert_allclose(grid.to_world([[0, 1, 0]]), [[0, 0.7, 0]])
    np.testing.assert_allclose(grid.to_world([[0, 0, 1]]), [[0.8, 0, 0]])
    assert np.linalg.det(grid.affine) > 0
    assert grid.is_canonical
    assert grid.voxel_ml == pytest.approx(5.0 * 0.7 * 0.8 / 1000)


def test_a_whole_window_is_the_grid_itself() -> None:
    grid = Geometry.from_spacing((4, 5, 6), spacing=(5.0, 0.7, 0.8), frame="f", origin=(1, 2, 3))
    assert grid.window_of((0, 0, 0), grid.shape, grid.shape).matches(grid)


def test_a_window_covers_exactly_its_box() -> None:
    grid = Geometry.from_spacing((4, 10, 10), spacing=(5.0, 1.0, 1.0), frame="f")
    part = grid.window_of((1, 2, 3), (3, 6, 9), (2, 2, 3))
    # Corners of the first cell: half a cell before its centre.
    np.testing.assert_allclose(
        part.to_world([[-0.5, -0.5, -0.5]]), grid.to_world([[0.5, 1.5, 2.5]])
    )
    np.testing.assert_allclose(part.to_world([[1.5, 1.5, 2.5]]), grid.to_world([[2.5, 5.5, 8.5]]))


def test_the_affine_is_read_only_and_the_callers_stays_writable() -> None:
    affine = np.eye(4)
    grid = Geometry((1, 1, 1), affine, "f")
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 2.0
    affine[0, 0] = 2.0


@pytest.mark.parametrize(
    "affine",
    [np.full((4, 4), np.nan), np.zeros((4, 4)), np.diag([1.0, 1.0, 0.0, 1.0]), np.eye(3)],
)
def test_axes_that_span_no_space_are_refused(affine: np.ndarray) -> None:
    with pytest.raises(UnreadableStudy):
        Geometry((2, 2, 2), affine, "f")


def test_a_picture_has_no_volume() -> None:
    with pytest.raises(UnreadableStudy, match="no millimetres"):
        _ = Geometry.of_picture((1, 4, 4), "d").voxel_ml
