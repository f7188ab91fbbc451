"""An image and a recipe become the network's input, with the grid that says where it came from.

The same function runs in production and in training, so there is no second preprocessing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.ops.parallel import each
from ctsieve.ops.resample import resample
from ctsieve.ops.window import apply_window
from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import promise
from ctsieve.types.recipe import InputSpec
from ctsieve.types.volume import CTPicture, CTVolume, Window

Box = tuple[tuple[float, float], tuple[float, float]]
"""(first row, first column), (end row, end column): half-open, in pixels, may be fractional."""

LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """The network's input and where it lies.

    `x` is float32 (S, 1, H, W) in [0, 1]; `index` (S,) are the image's slices, counted from the
    head; `grid` has one slice for each of `first..last` kept slice and (H, W) cells that tile the
    crop box.
    """

    x: npt.NDArray[np.float32]
    index: npt.NDArray[np.int64]
    grid: Geometry

    def spread(self, maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Per-slice maps (S, h, w) laid onto all slices of `grid`; zero where none was judged."""
        promise(maps.shape[0] == self.index.size, "one map per judged slice")
        full = np.zeros((self.grid.shape[0], *maps.shape[1:]), dtype=np.float32)
        full[self.index - self.index[0]] = maps
        return full


def prepare(
    image: CTVolume | CTPicture,
    spec: InputSpec,
    *,
    keep: npt.NDArray[np.bool_],
    box: Box | None,
) -> Prepared:
    """Window, crop and resize the slices marked in `keep` (S,).

    `box` is what the crop rule found, or None for the whole slice; `spec.margin` widens it.
    """
    index = np.flatnonzero(keep).astype(np.int64)
    promise(index.size > 0, "at least one slice is judged")
    start, stop = _widened(box, image.geometry.shape, spec.margin)
    first, last = int(index[0]), int(index[-1])
    grid = image.geometry.window_of(
        (first, *start), (last + 1, *stop), (last + 1 - first, *spec.size)
    )
    x = np.empty((index.size, 1, *spec.size), dtype=np.float32)

    def fill(position: int) -> None:
        x[position, 0] = _slice_input(image, int(index[position]), spec, (start, stop))

    each(fill, range(index.size))
    return Prepared(x=x, index=index, grid=grid)


def slice_values(
    image: CTVolume | CTPicture, index: int, window: Window
) -> npt.NDArray[np.float32]:
    """One slice (rows, columns) as display values in [0, 1]; a picture is taken as it is."""
    if isinstance(image, CTPicture):
        return np.asarray(image.values[index])
    return apply_window(image.hu[index], window)


def _slice_input(
    image: CTVolume | CTPicture, index: int, spec: InputSpec, box: Box
) -> npt.NDArray[np.float32]:
    window = Window(centre=spec.window.centre, width=spec.window.width)
    values = slice_values(image, index, window)
    (top, left), (bottom, right) = box
    flat = Geometry.of_picture((1, *values.shape), "slice")
    target = flat.window_of((0, top, left), (1, bottom, right), (1, *spec.size))
    resized: npt.NDArray[np.float32] = resample(values[None], source=flat, target=target)[0]
    if spec.normalise == "percentile":
        return _stretched(resized)
    return resized


def _stretched(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Stretch the central percentiles to [0, 1]; a flat slice stays as it is."""
    low, high = np.percentile(values, (LOW_PERCENTILE, HIGH_PERCENTILE))
    if high - low < 1e-3:
        return values
    return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0), dtype=np.float32)


def _widened(
    box: Box | None, shape: tuple[int, int, int], margin: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    _, rows, columns = shape
    if box is None:
        return (0.0, 0.0), (float(rows), float(columns))
    (top, left), (bottom, right) = box
    down, across = margin * (bottom - top), margin * (right - left)
    start = (max(0.0, top - down), max(0.0, left - across))
    stop = (min(float(rows), bottom + down), min(float(columns), right + across))
    promise(start[0] < stop[0] and start[1] < stop[1], "the crop box holds pixels")
    return start, stop
