"""Masks of where attention is high: a threshold for every slice, chosen by Otsu's rule.

Paper    Loconte, Colavito, "Screening CT images for COVID-19 infections and pneumonia", 2021,
         figure 7: the square root of the product of both maps, stretched to 8 bits, thresholded.
         Otsu, IEEE Transactions on Systems, Man, and Cybernetics 9 (1979).
Differs  Maps lie on cells of the prepared grid; the authors pin their corners to the picture's.
         A map that is the same everywhere has no threshold and an empty mask.  Such a mask is no
         segmentation: the rule finds two groups in every map, of sick people and of healthy ones.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from skimage.filters import threshold_otsu

from ctsieve.explain import attention
from ctsieve.ops.prepare import Prepared
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
    masks = np.stack([high(plane.astype(np.float32)) for plane in found.heat])
    return Explanation(
        method="Otsu mask of attention",
        label=label,
        heat=masks.astype(np.float16),
        peak=found.peak,
        geometry=geometry,
    )


def high(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Cells (rows, columns) above Otsu's threshold of the plane stretched to 0..255."""
    low, top = float(plane.min()), float(plane.max())
    if top <= low:
        return np.zeros(plane.shape, dtype=np.bool_)
    levels = ((plane - low) / (top - low) * LEVELS).astype(np.uint8)
    mask: npt.NDArray[np.bool_] = levels > threshold_otsu(levels)  # type: ignore[no-untyped-call]
    return mask


CARD = ExplainerCard(
    title="Otsu masks of attention maps",
    paper="https://github.com/peppocola/Screening-COVID19",
    reads=attention.MAPS,
    explain=explain,
)
