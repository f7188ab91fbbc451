"""From Hounsfield units to display values, as a radiologist's window does it."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ctsieve.types.geometry import Geometry
from ctsieve.types.volume import CTPicture, CTVolume, Window

LUNG = Window(centre=-600.0, width=1500.0)
"""The usual lung window."""

MEDIASTINUM = Window(centre=40.0, width=400.0)
"""The usual soft-tissue window."""


def apply_window(hu: npt.NDArray[np.int16], window: Window = LUNG) -> npt.NDArray[np.float32]:
    """Map HU linearly to [0, 1]: `window.low` and below is 0, `window.high` and above is 1.

    Any shape; float32.  This is the linear-exact function of DICOM (PS3.3 C.11.2.1.3.2).

    Example:
        >>> apply_window(np.array([-1350, -600, 150], dtype=np.int16)).tolist()
        [0.0, 0.5, 1.0]
    """
    values = hu.astype(np.float32)
    values -= np.float32(window.low)
    values *= np.float32(1.0 / window.width)
    return np.clip(values, 0.0, 1.0, out=values)


def picture_of(volume: CTVolume, index: int, window: Window = LUNG) -> CTPicture:
    """Slice `index` (from the head) of a volume as the picture a workstation would export."""
    values = apply_window(volume.hu[index : index + 1], window)
    source = volume.provenance
    return CTPicture(
        values=values,
        geometry=Geometry.of_picture(values.shape, f"{source.digest}:{index}"),
        provenance=replace(
            source,
            slices=source.slices[index : index + 1],
            acquisition=replace(source.acquisition, intensity="display"),
            steps=(*source.steps, f"slice {index + 1} shown as a picture"),
        ),
        window=window,
    )
