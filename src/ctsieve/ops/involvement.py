"""How much of the lungs is denser than aerated lung: an estimate by threshold, no diagnosis.

Source   Own work.  The bound is that of D. Colombi et al., Radiology 296 (2020) E86, who call lung
         between -950 and -700 HU well aerated in COVID-19 pneumonia.
Limits   Counts whatever is dense and thick: atelectasis, fibrosis and scarring as well as
         pneumonia.  Vessels thinner than about 10 mm are taken out by an opening; the large ones at
         the hila stay, so normal lungs measure 0.5 to 2 % (up to 4 % with slices further apart
         than `THICKEST_SLICE_MM`), not 0.  What the lung mask misses, as wholly consolidated
         lobes, is missing here.  Expiration makes all lungs denser.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.ops.coarse import coarse_grid, sample
from ctsieve.ops.morphology import ALL_ROUND, erode, opened
from ctsieve.types.results import Involvement
from ctsieve.types.volume import CTVolume

BoolArray = npt.NDArray[np.bool_]

CELL_MM = 3.2
"""Largest cell of the grid on which density is judged: vessels average out below it."""
DENSE_HU = -700.0
"""Lung denser than this is not normally aerated: ground glass, consolidation, large vessels."""
THICKEST_SLICE_MM = 6.5
"""With slices further apart vessels are told from opacities within each slice only."""
METHOD = (
    f"share of the lungs, without a rim of {CELL_MM:g} mm, above {DENSE_HU:g} HU and thicker than "
    f"about {3 * CELL_MM:.0f} mm"
)


def involvement(volume: CTVolume, lungs: BoolArray) -> Involvement:
    """The dense share of `lungs` (S, R, C), in percent and millilitres; zero where there are none.

    `dense_ml` is `percent` of `lung_ml`, so that the rim, which is not judged, counts as the rest.
    """
    lung_ml = float(sum(np.count_nonzero(one) for one in lungs)) * volume.geometry.voxel_ml
    grid = coarse_grid(volume.hu.shape, volume.geometry.spacing, cell_mm=CELL_MM)
    # The rim is half chest wall by partial volume and would count as dense all around.
    judged = erode(sample(lungs, grid) >= 0.5)
    num_judged = int(np.count_nonzero(judged))
    dense = judged & (sample(volume.hu, grid) > DENSE_HU)
    flat = len(dense) < 3 or grid.spacing[0] > THICKEST_SLICE_MM
    thick = opened(dense) if flat else _opened_all_round(dense)
    share = int(np.count_nonzero(thick)) / max(1, num_judged)
    return Involvement(
        percent=100.0 * share, lung_ml=lung_ml, dense_ml=share * lung_ml, method=METHOD
    )


def _opened_all_round(dense: BoolArray) -> BoolArray:
    """Without what is thinner than three cells; the first and last slice go on beyond the ends."""
    longer = np.pad(dense, ((2, 2), (0, 0), (0, 0)), mode="edge")
    return np.asarray(ndimage.binary_opening(longer, ALL_ROUND)[2:-2])
