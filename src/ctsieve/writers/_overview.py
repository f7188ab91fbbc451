"""The whole image at a glance: a sheet of small slices, and the scan from the front."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.ops.window import LUNG, apply_window
from ctsieve.types.geometry import Geometry
from ctsieve.types.results import Explanation, Screening
from ctsieve.types.volume import CTPicture, CTVolume
from ctsieve.writers._colour import heat_levels
from ctsieve.writers._pictures import (
    Box,
    Bytes,
    Size,
    grey_slice,
    heat_slice,
    resized,
    to_bytes,
    true_size,
    whole,
)

NUM_TILES = 36
TILE = 360
"""Longest side of a tile in pixels."""
CORONAL = 420
"""Longest side of the coronal view in pixels."""
STRIDE = 4
"""Step at which a mask or a projection is sampled where a voxel more or less changes nothing."""
MARGIN = 0.04
"""Border around the lungs, as a share of the slice."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """Small slices in one picture, row by row; `heat` has half the resolution."""

    indices: tuple[int, ...]
    num_columns: int
    tile: Size
    box: Box
    grey: Bytes
    heat: Bytes | None

    def corner(self, position: int) -> tuple[int, int]:
        """Left and top pixel of the tile at `position`."""
        row, column = divmod(position, self.num_columns)
        return column * self.tile[0], row * self.tile[1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coronal:
    """The scan from the front: mean of the anatomy, maximum of the heat, in true proportions."""

    grey: Bytes
    heat: Bytes | None
    size: Size
    width_mm: float
    height_mm: float


def sheet(screening: Screening, *, number: int = NUM_TILES, longest: int = TILE) -> Sheet:
    """At most `number` evenly spaced slices, cropped to the lungs where they are known.

    `longest` is the longer side of a tile in pixels.
    """
    image = screening.image
    box = _box_of_lungs(screening.lungs, image.geometry)
    indices = _evenly(_candidates(screening), number, always=screening.top_slices)
    num_columns = min(len(indices), 6)
    tile = true_size(image.geometry, box, longest=longest)
    tile = (tile[0] + tile[0] % 2, tile[1] + tile[1] % 2)
    grey = [resized(grey_slice(image, i, box), tile) for i in indices]
    heat = None
    if screening.explanation is not None:
        half = (tile[0] // 2, tile[1] // 2)
        shown = screening.explanation
        heat = _tiled([resized(heat_slice(shown, i, box), half) for i in indices], num_columns)
    return Sheet(
        indices=indices,
        num_columns=num_columns,
        tile=tile,
        box=box,
        grey=_tiled(grey, num_columns),
        heat=heat,
    )


def coronal(image: CTVolume, explanation: Explanation | None) -> Coronal:
    """Project the volume on the plane of slices and columns; head up, patient's right on the left.

    Along a tilted gantry the projection follows the slices' own rows.
    """
    slice_step, _, column_step = image.geometry.spacing
    num_slices, _, num_columns = image.geometry.shape
    width_mm, height_mm = num_columns * column_step, num_slices * slice_step
    scale = CORONAL / max(width_mm, height_mm)
    size = (max(1, round(width_mm * scale)), max(1, round(height_mm * scale)))
    thin = image.hu[:, ::STRIDE, :: max(1, num_columns // 256)]
    anatomy = thin.mean(axis=1, dtype=np.float32)
    heat = None
    if explanation is not None:
        heat = resized(heat_levels(_maximum_over_rows(explanation.heat)), size)
    return Coronal(
        grey=resized(_stretched(anatomy), size),
        heat=heat,
        size=size,
        width_mm=width_mm,
        height_mm=height_mm,
    )


def _maximum_over_rows(heat: npt.NDArray[np.float16]) -> npt.NDArray[np.float16]:
    # Non-negative floats are ordered like the whole numbers of their bits (and -0.0 is the least
    # of them), and processors compare whole numbers much faster than half floats.
    return np.asarray(heat.view(np.int16).max(axis=1)).view(np.float16)


def _stretched(anatomy: npt.NDArray[np.float32]) -> Bytes:
    """A projection has less contrast than a slice: show its 1st to 99th percentile."""
    low, high = (float(v) for v in np.percentile(anatomy, (1.0, 99.0)))
    if high - low < 1.0:
        return to_bytes(apply_window(np.round(anatomy).astype(np.int16), LUNG))
    return to_bytes(np.clip((anatomy - low) / np.float32(high - low), 0.0, 1.0))


def _candidates(screening: Screening) -> tuple[int, ...]:
    """Judged slices; without them slices that show lungs; without them all."""
    if screening.slices is not None and screening.slices.index.size:
        return tuple(int(i) for i in screening.slices.index)
    every = tuple(range(screening.image.geometry.shape[0]))
    if screening.lungs is None:
        return every
    shows = screening.lungs[:, ::STRIDE, ::STRIDE].any(axis=(1, 2))
    return tuple(int(i) for i in np.flatnonzero(shows)) or every


def _evenly(indices: tuple[int, ...], number: int, *, always: tuple[int, ...]) -> tuple[int, ...]:
    """At most `number` of `indices`, evenly spaced; `always` are among them."""
    if len(indices) <= number:
        return indices
    places = np.round(np.linspace(0, len(indices) - 1, number - len(always))).astype(np.int64)
    return tuple(sorted({*always, *(indices[int(p)] for p in places)}))


def _box_of_lungs(lungs: npt.NDArray[np.bool_] | None, geometry: Geometry) -> Box:
    """The lungs in all slices with a margin; the whole slice where there are none."""
    full = whole(geometry)
    if lungs is None:
        return full
    flat = np.asarray(lungs[:, ::STRIDE, ::STRIDE].any(axis=0))
    rows, columns = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    if rows.size == 0:
        return full
    high, wide = round(full.rows * MARGIN), round(full.columns * MARGIN)
    return Box(
        top=max(0, int(rows[0]) * STRIDE - high),
        bottom=min(full.rows, (int(rows[-1]) + 1) * STRIDE + high),
        left=max(0, int(columns[0]) * STRIDE - wide),
        right=min(full.columns, (int(columns[-1]) + 1) * STRIDE + wide),
    )


def _tiled(tiles: list[Bytes], num_columns: int) -> Bytes:
    rows, columns = tiles[0].shape
    num_rows = -(-len(tiles) // num_columns)
    out = np.zeros((num_rows * rows, num_columns * columns), dtype=np.uint8)
    for position, tile in enumerate(tiles):
        row, column = divmod(position, num_columns)
        out[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns] = tile
    return out


def is_seen_from_front(image: CTVolume | CTPicture) -> bool:
    """Whether a coronal view can be made: patient space, and more than one slice."""
    return isinstance(image, CTVolume) and image.geometry.shape[0] > 1
