"""Maps of judged slices, laid onto the image's own grid with one scale for the whole image."""

import numpy as np
import numpy.typing as npt

from ctsieve.ops.prepare import Prepared
from ctsieve.ops.resample import resample
from ctsieve.types.geometry import Geometry
from ctsieve.types.results import Explanation

Float32 = npt.NDArray[np.float32]


def coarse_grid(prepared: Prepared, rows: int, columns: int) -> Geometry:
    """The prepared grid with `rows` and `columns` cells to a slice."""
    shape = (prepared.grid.shape[0], rows, columns)
    return prepared.grid.window_of((0, 0, 0), prepared.grid.shape, shape)


def laid_out(
    maps: Float32, prepared: Prepared, geometry: Geometry, *, method: str, label: str
) -> Explanation:
    """The explanation that maps (S, rows, columns) of the judged slices give.

    Values below 0 count as 0; slices that were not judged have no heat.
    """
    shown = np.maximum(maps, np.float32(0.0)).astype(np.float32)
    peak = float(shown.max(initial=0.0))
    scaled: Float32 = (shown / np.float32(peak)).astype(np.float32) if peak > 0.0 else shown
    source = coarse_grid(prepared, *maps.shape[1:])
    heat = resample(
        prepared.spread(scaled), source=source, target=geometry, outside=0.0, dtype=np.float16
    )
    return Explanation(method=method, label=label, heat=heat, peak=peak, geometry=geometry)
