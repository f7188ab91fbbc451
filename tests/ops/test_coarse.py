"""Laws of the coarse grid."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ctsieve.ops.coarse import coarse_grid, sample

SIZES = st.integers(1, 60)
MILLIMETRES = st.floats(0.2, 12.0)


@given(
    st.tuples(SIZES, SIZES, SIZES),
    st.tuples(MILLIMETRES, MILLIMETRES, MILLIMETRES),
    st.floats(1.0, 8.0),
)
def test_the_cells_cover_the_grid_and_no_cell_lies_beyond_it(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], cell_mm: float
) -> None:
    grid = coarse_grid(shape, spacing, cell_mm=cell_mm)
    for size, step, cells, mm, apart in zip(
        shape, grid.step, grid.shape, spacing, grid.spacing, strict=True
    ):
        assert (cells - 1) * step < size <= cells * step
        assert step == 1 or apart <= cell_mm
        assert apart == step * mm


@given(st.integers(1, 9), st.integers(1, 70), st.integers(1, 70))
def test_a_cell_is_the_mean_of_voxels_that_lie_in_it(num: int, rows: int, columns: int) -> None:
    ramp = np.arange(rows, dtype=np.int16)[None, :, None] + np.zeros((num, 1, columns), np.int16)
    grid = coarse_grid(ramp.shape, (1.0, 1.0, 1.0), cell_mm=3.0)
    first = np.arange(grid.shape[1]) * grid.step[1]
    last = np.minimum(first + grid.step[1] - 1, rows - 1)
    seen = sample(ramp, grid)
    assert seen.shape == grid.shape
    assert (seen >= first[None, :, None]).all()
    assert (seen <= last[None, :, None]).all()
