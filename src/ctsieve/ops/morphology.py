"""Shapes of masks (slice, row, column): growing, shrinking, closing, filling, each slice alone.

Growing by neighbours is done with shifted views: ten times as fast as the general operation.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

BoolArray = npt.NDArray[np.bool_]

SAME_SLICE = np.zeros((3, 3, 3), np.bool_)
"""The four neighbours within a slice, in the shape `ndimage.label` wants."""
SAME_SLICE[1] = ndimage.generate_binary_structure(2, 1)
ALL_ROUND = ndimage.generate_binary_structure(3, 1)
"""The six face neighbours of a voxel."""


def dilate(mask: BoolArray) -> BoolArray:
    """Each slice grown by its four neighbours; nothing comes in over the edge."""
    grown = mask.copy()
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    grown[:, :, 1:] |= mask[:, :, :-1]
    grown[:, :, :-1] |= mask[:, :, 1:]
    return grown


def erode(mask: BoolArray) -> BoolArray:
    """Each slice shrunk by its four neighbours; beyond the edge the mask is thought to go on."""
    return ~dilate(~mask)


def opened(mask: BoolArray) -> BoolArray:
    """Each slice without what is thinner than three cells."""
    return dilate(erode(mask))


def opened_by_pairs(mask: BoolArray) -> BoolArray:
    """Each slice without what is thinner than two cells: squares of two by two that fit remain."""
    rows = mask[:, 1:] & mask[:, :-1]
    squares = rows[:, :, 1:] & rows[:, :, :-1]
    kept = np.zeros_like(mask)
    for down in (slice(None, -1), slice(1, None)):
        for right in (slice(None, -1), slice(1, None)):
            kept[:, down, right] |= squares
    return kept


def edge(shape: tuple[int, ...]) -> BoolArray:
    """The outermost rows and columns of each slice."""
    outermost = np.zeros(shape, np.bool_)
    outermost[:, [0, -1], :] = True
    outermost[:, :, [0, -1]] = True
    return outermost


def joined_to_edge(mask: BoolArray) -> BoolArray:
    """The regions of each slice that touch its edge."""
    labels, num_labels = ndimage.label(mask, SAME_SLICE)
    touches = np.zeros(num_labels + 1, np.bool_)
    for line in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        touches[line] = True
    touches[0] = False
    return np.asarray(touches[labels])


def fill_slices(mask: BoolArray) -> BoolArray:
    """Each slice with its holes filled.

    Example:
        >>> ring = np.ones((1, 3, 3), bool)
        >>> ring[0, 1, 1] = False
        >>> bool(fill_slices(ring).all())
        True
    """
    return ~joined_to_edge(~mask)


def largest_region(mask: BoolArray) -> BoolArray:
    """The largest of the connected regions; empty where there is none."""
    labels, num_labels = ndimage.label(mask, ALL_ROUND)
    if num_labels == 0:
        return np.zeros_like(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def close(mask: BoolArray, *, radius: float, spacing: tuple[float, ...]) -> BoolArray:
    """Morphological closing by a ball of `radius`, in the unit of `spacing`.

    Beyond the first and the last slice they are thought to go on as they are; around each slice
    is nothing.
    """
    if not mask.any():
        return mask
    pad = [int(radius / mm) + 1 for mm in spacing]
    padded = np.pad(mask, [(n, n) if axis else (0, 0) for axis, n in enumerate(pad)])
    padded = np.pad(padded, [(pad[0], pad[0]), (0, 0), (0, 0)], mode="edge")
    grown = ndimage.distance_transform_edt(~padded, sampling=spacing) <= radius
    closed = ndimage.distance_transform_edt(grown, sampling=spacing) > radius
    inner = tuple(slice(n, n + size) for n, size in zip(pad, mask.shape, strict=True))
    return np.asarray(closed[inner] | mask)
