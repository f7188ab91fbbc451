"""Move an array from one grid to another: the only interpolation in the house.

The same function brings an image to the network's grid and the network's heat back to the
image's, with the grids swapped, so there is no inverse transform anywhere.

Grids that share axis directions (every pair on the main path) are handled one axis at a time with
a sparse weight matrix (no BLAS: its threads cost more than such small products, and its sums
depend on their number): linear interpolation when the target is finer, a triangle filter as wide as
a target cell when it is coarser, so that shrinking averages instead of skipping (what image
libraries call antialiased bilinear).  Other pairs go through a point-wise linear map.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse

from ctsieve.ops.parallel import each
from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import promise

ALIGNED = 1e-6
"""Largest share of a cell that one axis may leak into another and still count as aligned."""

Floats = npt.NDArray[np.float32]


def resample(
    array: npt.NDArray[np.generic],
    *,
    source: Geometry,
    target: Geometry,
    outside: float = 0.0,
    dtype: npt.DTypeLike = np.float32,
) -> npt.NDArray[Any]:
    """Values of `array` (on `source`) at the cell centres of `target`, in floating `dtype`.

    Centres beyond the half-cell border of the source get `outside`; within it the edge value
    holds.  Shapes: `source.shape` in, `target.shape` out.  Sums run in float32 whatever `dtype`
    is; float16 halves the memory of a heat map on a large study.
    """
    promise(array.shape == source.shape, f"array {array.shape} lies on grid {source.shape}")
    promise(source.frame == target.frame, "only grids of one frame can be compared")
    mapping = np.linalg.inv(source.affine) @ target.affine
    matrix, offset = mapping[:3, :3], mapping[:3, 3]
    if np.abs(matrix - np.diag(np.diag(matrix))).max() > ALIGNED:
        return _pointwise(array, matrix, offset, target.shape, outside).astype(dtype)
    weights = [
        axis_weights(
            source.shape[k], target.shape[k], step=float(matrix[k, k]), start=float(offset[k])
        )
        for k in range(3)
    ]
    # Zeros cost nothing until they are written to; most of a heat map never is.
    out = np.zeros(target.shape, dtype=dtype)
    if outside != 0.0:
        out.fill(outside)
    _separable(array, weights, out)
    return out


class AxisWeights:
    """Weights of one axis: a sparse matrix (covered targets, source) and the covered range.

    `covered` is the half-open range of targets whose centres lie inside the source: it is one
    range because centres are equally spaced.
    """

    __slots__ = ("covered", "matrix", "selected")

    def __init__(self, matrix: sparse.csr_array, covered: slice) -> None:
        self.matrix = matrix
        self.covered = covered
        single = matrix.nnz == matrix.shape[0] and bool((matrix.data == 1.0).all())
        self.selected: npt.NDArray[np.int32] | None = matrix.indices if single else None

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes along this axis."""
        rows, columns = self.matrix.shape
        return rows == columns and self.selected is not None and _counts_up(self.selected)


def _counts_up(index: npt.NDArray[np.int32]) -> bool:
    return bool((index == np.arange(index.size)).all())


@lru_cache(maxsize=64)
def axis_weights(source: int, target: int, *, step: float, start: float) -> AxisWeights:
    """Weights for target centres `start + step * i`, in source index units.

    A target is covered when its centre lies in the source, border half-cells included; its weights
    sum to 1.
    """
    centres = start + step * np.arange(target)
    inside = (centres >= -0.5 - ALIGNED) & (centres <= source - 0.5 + ALIGNED)
    reach = max(abs(step), 1.0)
    taps = np.arange(int(np.ceil(2 * reach)) + 1)
    first = np.ceil(centres - reach - ALIGNED).astype(np.int64)
    index = first[:, None] + taps[None, :]
    weight = np.maximum(0.0, 1.0 - np.abs(index - centres[:, None]) / reach)
    weight *= inside[:, None]
    if reach > 1.0:
        # A filter that hangs over the edge is cut there, as imaging libraries do.
        weight *= (index >= 0) & (index < source)
    index = np.clip(index, 0, source - 1)
    total = weight.sum(axis=1, keepdims=True)
    weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    keep = np.flatnonzero(inside)
    covered = slice(int(keep[0]), int(keep[-1]) + 1) if keep.size else slice(0, 0)
    rows = np.repeat(np.arange(keep.size), taps.size)
    values = weight[covered].ravel().astype(np.float32)
    matrix = sparse.csr_array((values, (rows, index[covered].ravel())), shape=(keep.size, source))
    matrix.eliminate_zeros()
    return AxisWeights(matrix, covered)


def _separable(
    array: npt.NDArray[np.generic], weights: list[AxisWeights], out: npt.NDArray[Any]
) -> None:
    """Fill the covered region of `out`, one slice at a time."""
    slices, rows, columns = weights
    region = out[slices.covered, rows.covered, columns.covered]

    def fill(t: int) -> None:
        plane = _blend(array, slices, t)
        if not rows.is_identity:
            plane = rows.matrix @ plane
        if not columns.is_identity:
            plane = (columns.matrix @ np.ascontiguousarray(plane.T)).T
        region[t] = plane

    each(fill, range(region.shape[0]))


def _blend(array: npt.NDArray[np.generic], slices: AxisWeights, target: int) -> Floats:
    """The source plane at one target slice, blended from its neighbours."""
    if slices.selected is not None:
        return np.asarray(array[slices.selected[target]], dtype=np.float32)
    matrix = slices.matrix
    plane = np.zeros(array.shape[1:], dtype=np.float32)
    for k in range(matrix.indptr[target], matrix.indptr[target + 1]):
        plane += matrix.data[k] * np.asarray(array[matrix.indices[k]], dtype=np.float32)
    return plane


def _pointwise(
    array: npt.NDArray[np.generic],
    matrix: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
    shape: tuple[int, int, int],
    outside: float,
) -> Floats:
    """Linear interpolation between grids whose axes differ in direction."""
    source = np.asarray(array, dtype=np.float32)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=0)
    places = np.tensordot(matrix, index, axes=1) + offset[:, None, None, None]
    limits = np.asarray(array.shape).reshape(3, 1, 1, 1)
    inside = ((places >= -0.5) & (places <= limits - 0.5)).all(axis=0)
    places = np.clip(places, 0, limits - 1)
    moved = ndimage.map_coordinates(source, places, order=1, mode="nearest")
    return np.where(inside, moved, np.float32(outside)).astype(np.float32)
