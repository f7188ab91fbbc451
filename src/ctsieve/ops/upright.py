"""Turn a picture that is known to lie on its side."""

import numpy as np

from ctsieve.types.geometry import Geometry
from ctsieve.types.volume import CTPicture, CTVolume


def upright(image: CTVolume | CTPicture, quarter_turns: int) -> CTVolume | CTPicture:
    """A picture turned clockwise by quarter turns; volumes are upright by their geometry."""
    if isinstance(image, CTVolume) or quarter_turns % 4 == 0:
        return image
    turned = np.ascontiguousarray(np.rot90(image.values, -quarter_turns, axes=(1, 2)))
    shape = (turned.shape[0], turned.shape[1], turned.shape[2])
    return CTPicture(
        values=turned,
        geometry=Geometry.of_picture(shape, image.provenance.digest),
        provenance=image.provenance,
        window=image.window,
    )
