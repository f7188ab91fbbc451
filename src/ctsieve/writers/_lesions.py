"""Lesions that a network found: masks slice by slice, outlined in a colour for each kind."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from ctsieve.types.results import Screening
from ctsieve.writers._pictures import Box, Bytes, Size, picture_uri

Mask = npt.NDArray[np.bool_]
Colour = tuple[int, int, int]

COLOURS: tuple[Colour, ...] = ((86, 204, 242), (255, 176, 0), (120, 220, 130), (240, 120, 200))
"""Sky, amber, green, pink: told apart by those who see no red or no green, and unlike any grey."""


FINE = 480
"""Longest side of a picture of outlines in pixels, at least."""


def kinds(screening: Screening) -> tuple[str, ...]:
    """The kinds of lesion that the network knows; none where it finds no objects."""
    return tuple(total.kind for total in screening.lesion_totals)


def colour_of(screening: Screening, kind: str) -> Colour:
    """The colour of a kind of lesion, the same in every picture of a screening."""
    return COLOURS[kinds(screening).index(kind) % len(COLOURS)]


def lesion_slice(screening: Screening, kind: str, index: int) -> Mask:
    """Where lesions of `kind` lie in one slice (rows, columns)."""
    plane = np.zeros(screening.image.geometry.shape[1:], dtype=np.bool_)
    for lesion in screening.lesion_instances:
        first, top, left = lesion.start
        last, bottom, right = lesion.stop
        if lesion.kind == kind and first <= index < last:
            plane[top:bottom, left:right] |= lesion.mask[index - first]
    return plane


def outlines(screening: Screening, index: int, box: Box, size: Size) -> Bytes | None:
    """Red, green, blue and cover (height, width, 4) of all outlines in a slice; None for none.

    `size` is what the part of the slice in `box` is shown with.
    """
    painted = np.zeros((size[1], size[0], 4), dtype=np.uint8)
    for kind in kinds(screening):
        plane = lesion_slice(screening, kind, index)[box.top : box.bottom, box.left : box.right]
        if plane.any():
            shown = Image.fromarray(plane).resize(size, Image.Resampling.NEAREST)
            painted[_edge(np.asarray(shown, dtype=np.bool_))] = (*colour_of(screening, kind), 255)
    return painted if painted.any() else None


def outline_uri(screening: Screening, index: int, box: Box, size: Size) -> str:
    """The same as a `data:` address of a picture, finer where the slice is shown small.

    Empty where there is nothing to outline.
    """
    finer = -(-FINE // max(size))
    painted = outlines(screening, index, box, (size[0] * finer, size[1] * finer))
    if painted is None:
        return ""
    with io.BytesIO() as buffer:
        Image.fromarray(painted, mode="RGBA").save(buffer, "PNG", compress_level=6)
        return picture_uri("image/png", buffer.getvalue())


def _edge(plane: Mask) -> Mask:
    """Two pixels along the border of a mask, outside it: a small lesion stays visible."""
    wider = ndimage.binary_dilation(plane, np.ones((3, 3), dtype=np.bool_), iterations=2)
    return np.asarray(wider & ~plane)
