"""Move an array from one grid to another: the only interpolation in the house.

The same function brings an image to the network's grid and the network's heat back to the
image's, with the grids swapped, so there is no inverse transform anywhere.

Grids that share axis directions (every pair on the main path) are handled one axis at a time with
a sparse weight matrix: linear interpolation when the target is finer, a triangle filter as wide as
a target cell when it is coarser, so that shrinking averages instead of skipping (what image
libraries call antialiased bilinear).  Other pairs go through a point-wise linear map.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse

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
) -> Floats:
    """Values of `array` (on `source`) at the cell centres of `target`, as float32.

    Centres beyond the half-cell border of the source get `outside`; within it the edge value
    holds.  Shapes: `source.shape` in, `target.shape` out.
    """
    promise(array.shape == source.shape, f"array {array.shape} lies on grid {source.shape}")
    promise(source.frame == target.frame, "only grids of one frame can be compared")
    mapping = np.linalg.inv(source.affine) @ target.affine
    matrix, offset = mapping[:3, :3], mapping[:3, 3]
    if np.abs(matrix - np.diag(np.diag(matrix))).max() > ALIGNED:
        return _pointwise(array, matrix, offset, target.shape, outside)
    weights = [
        axis_weights(source.shape[k], target.shape[k], step=matrix[k, k], start=offset[k])
        for k in range(3)
    ]
    return _separable(array, weights, outside)


class AxisWeights:
    """Weights of one axis: a sparse matrix (target, source) and which targets lie inside."""

    __slots__ = ("inside", "is_identity", "matrix")

    def __init__(self, matrix: sparse.csr_array, inside: npt.NDArray[np.bool_]) -> None:
        self.matrix = matrix
        self.inside = inside
        rows, columns = matrix.shape
        self.is_identity = rows == columns and bool(
            inside.all() and matrix.nnz == rows and (matrix.diagonal() == 1.0).all()
        )


def axis_weights(source: int, target: int, *, step: float, start: float) -> AxisWeights:
    """Weights for target centres `start + step * i`, in source index units.

    Rows sum to 1 for centres inside the source (within half a cell of its first or last centre)
    and are empty outside.
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
    rows = np.repeat(np.arange(target), taps.size)
    matrix = sparse.csr_array(
        (weight.ravel().astype(np.float32), (rows, index.ravel())), shape=(target, source)
    )
    matrix.eliminate_zeros()
    return AxisWeights(matrix, inside)


def _separable(
    array: npt.NDArray[np.generic], weights: list[AxisWeights], outside: float
) -> Floats:
    slices, rows, columns = weights
    if not slices.is_identity:
        array = _along_slices(array, slices)
    shape = (array.shape[0], rows.matrix.shape[0], columns.matrix.shape[0])
    out = np.full(shape, outside, dtype=np.float32)
    within = rows.inside[:, None] & columns.inside[None, :]
    columns_transposed = columns.matrix.T.tocsr()
    for s in np.flatnonzero(slices.inside):
        plane = np.asarray(array[s], dtype=np.float32)
        moved = _plane(plane, rows, columns, columns_transposed)
        if within.all():
            out[s] = moved
        else:
            np.copyto(out[s], moved, where=within)
    return out


def _plane(
    plane: Floats, rows: AxisWeights, columns: AxisWeights, columns_transposed: sparse.csr_array
) -> Floats:
    moved = plane if rows.is_identity else rows.matrix @ plane
    if columns.is_identity:
        return np.asarray(moved)
    if moved.shape[1] <= DENSE_BELOW:
        return np.asarray(moved @ columns_transposed.toarray())
    return np.ascontiguousarray((columns.matrix @ np.ascontiguousarray(moved.T)).T)


DENSE_BELOW = 32
"""Below this many source columns a dense product is faster than a sparse one."""


def _along_slices(array: npt.NDArray[np.generic], weights: AxisWeights) -> Floats:
    """Interpolate along the first axis, one target slice at a time to spare memory."""
    out = np.zeros((weights.matrix.shape[0], *array.shape[1:]), dtype=np.float32)
    matrix = weights.matrix
    for t in range(out.shape[0]):
        for k in range(matrix.indptr[t], matrix.indptr[t + 1]):
            out[t] += matrix.data[k] * np.asarray(array[matrix.indices[k]], dtype=np.float32)
    return out


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
