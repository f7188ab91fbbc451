"""Which slices of an image are judged, and which box is cut out of them.

Lungs of a volume are known from Hounsfield units, lungs of a picture from its display values; on
the same slice both rules give the same box to within two pixels (measured on every chest CT at
hand that shows lungs), so that a network trained on pictures meets what it knows in a volume.  The
body's box comes from display values in both.
"""

import numpy as np
import numpy.typing as npt

from ctsieve.ops.crop import crop_box
from ctsieve.ops.lungs import lung_box, lung_slices
from ctsieve.ops.prepare import Box, Prepared, prepare, slice_values
from ctsieve.types.recipe import InputSpec
from ctsieve.types.results import evenly_spaced
from ctsieve.types.volume import CTPicture, CTVolume, Window

Mask = npt.NDArray[np.bool_]


def prepare_judged(image: CTVolume | CTPicture, lungs: Mask, spec: InputSpec) -> Prepared:
    """The network's input from the slices of `image` that show `lungs` (S, R, C).

    Where no slice does and the gate let it pass all the same, every slice is judged.  The box is
    that of all of them, also where the recipe takes `num_slices` only.
    """
    keep = lung_slices(lungs) if lungs.any() else np.ones(len(lungs), dtype=np.bool_)
    box = judged_box(image, lungs, keep, spec)
    return prepare(image, spec, keep=_sampled(keep, spec.num_slices), box=box)


def _sampled(keep: Mask, number: int | None) -> Mask:
    """`number` of the kept slices, evenly spaced; all of them where there are no more."""
    kept = np.flatnonzero(keep)
    if number is None or number >= kept.size:
        return keep
    sampled = np.zeros_like(keep)
    sampled[kept[evenly_spaced(kept.size, number)]] = True
    return sampled


def judged_box(image: CTVolume | CTPicture, lungs: Mask, keep: Mask, spec: InputSpec) -> Box | None:
    """The box around what the slices marked in `keep` (S,) show; None for the whole slice."""
    if isinstance(image, CTPicture):
        return crop_box(image.values[keep], spec.crop)
    if spec.crop == "body":
        window = Window(centre=spec.window.centre, width=spec.window.width)
        shown = (slice_values(image, int(number), window) for number in np.flatnonzero(keep))
        return crop_box(shown, "body")
    if spec.crop == "whole" or not lungs.any():
        return None
    judged = np.flatnonzero(keep)
    # A range of slices is a view; picking slices one by one would copy the mask.
    top, left, bottom, right = lung_box(lungs[judged[0] : judged[-1] + 1])
    return (top, left), (bottom, right)
