"""Masks of where attention is high: a threshold for every slice, chosen by Otsu's rule.

Paper    Loconte, Colavito, "Screening CT images for COVID-19 infections and pneumonia", 2021,
         figure 7: the square root of the product of both maps, stretched to 8 bits, thresholded.
         Otsu, IEEE Transactions on Systems, Man, and Cybernetics 9 (1979).
Differs  Maps lie on cells of the prepared grid; the authors pin their corners to the picture's.
         The threshold is of what the network saw, without what was cropped away.
         A map that is the same everywhere has no threshold and an empty mask.  Such a mask is no
         segmentation: the rule finds two groups in every map, of sick people and of healthy ones.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from skimage.filters import threshold_otsu

from ctsieve.explain import attention
from ctsieve.explain._laid_out import coarse_grid
from ctsieve.ops.prepare import Prepared
from ctsieve.ops.resample import resample
from ctsieve.types.cards import ExplainerCard
from ctsieve.types.geometry import Geometry
from ctsieve.types.results import Explanation

LEVELS = 255


def explain(
    output: Mapping[str, npt.NDArray[np.float32]],
    prepared: Prepared,
    geometry: Geometry,
    *,
    label: str,
) -> Explanation | None:
    """A mask (heat 0 or 1) for every slice, or None where the graph has no maps in slices."""
    maps = {name: output[name] for name in attention.MAPS if name in output}
    found = attention.explain(maps, prepared, geometry, label=label)
    if found is None:
        return None
    inside = _judged_part(prepared, geometry)
    masks = np.zeros(geometry.shape, dtype=np.float16)
    for index in prepared.index:
        plane = found.heat[index].astype(np.float32)
        masks[index][inside] = high(plane[inside])
    return Explanation(
        method="Otsu mask of attention",
        label=label,
        heat=masks,
        peak=found.peak,
        geometry=geometry,
    )


def high(values: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which values, of any shape, lie above Otsu's threshold of all of them stretched to 0..255."""
    low, top = float(values.min()), float(values.max())
    if top <= low:
        return np.zeros(values.shape, dtype=np.bool_)
    levels = ((values - low) / (top - low) * LEVELS).astype(np.uint8)
    mask: npt.NDArray[np.bool_] = levels > threshold_otsu(levels)  # type: ignore[no-untyped-call]
    return mask


def _judged_part(prepared: Prepared, geometry: Geometry) -> npt.NDArray[np.bool_]:
    """Pixels (rows, columns) of a judged slice that the network saw.

    What was cropped away must not be a group of the threshold: it would be the lower one.
    """
    first = int(prepared.index[0])
    _, rows, columns = geometry.shape
    target = geometry.window_of((first, 0, 0), (first + 1, rows, columns), (1, rows, columns))
    whole = np.ones((prepared.grid.shape[0], 1, 1), dtype=np.float32)
    seen = resample(whole, source=coarse_grid(prepared, 1, 1), target=target, outside=0.0)
    return np.asarray(seen[0] > 0.5)


CARD = ExplainerCard(
    title="Otsu masks of attention maps",
    paper="https://github.com/peppocola/Screening-COVID19",
    reads=attention.MAPS,
    explain=explain,
)
