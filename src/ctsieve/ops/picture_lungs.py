"""Where the lungs are in a picture of a CT slice: dark regions inside a bright body.

A picture has no Hounsfield units and no millimetres, its window is unknown, it may be a figure cut
from a paper, turned by 90 degrees, cropped to the lungs or framed in black or white.  So everything
here is relative: a threshold from the picture itself (Otsu), shares of the picture's area.

Source   Own work; threshold: N. Otsu, IEEE Trans. SMC 9 (1979) 62.
Limits   Dense consolidation is as bright as the chest wall and is found only where it is a dent or
         a hole of aerated lung.  The answer is empty rather than a guess.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.ops.coarse import CoarseGrid, coarse_grid, sample
from ctsieve.ops.morphology import close, edge, erode, fill_slices, opened

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]

WORK_CELLS = 160
"""Lungs are sought on a grid with about this many cells along the longer side."""
FRAME_SHADES = 0.06
"""Lines whose middle 90 % of values differ by less are of one shade."""
FRAME_BRIGHT = 0.3
"""Lines of one shade brighter than this around the picture are a frame, not outside air."""
LEAST_LUNG_SHARE = 0.008
"""A region smaller than this share of the picture is no lung."""
MOST_LUNGS_SHARE = 0.85
"""Regions larger than this are background."""
LEAST_OF_LARGEST = 0.06
"""A lung smaller than this share of the larger one is gas, airway or noise."""
LEAST_SHADE = 0.02
"""A lung is brighter than the air around the body by this, unless the window clips both."""
LEAST_BLACK_LUNG_SHARE = 0.05
"""A region as black as air is a lung only if it takes this share of the picture."""
MOST_EDGE_SHARE = 0.30
"""A dark region with more of its outline on the picture's edge is outside air."""
MOST_CORNER_EDGE_SHARE = 0.10
"""The same for a region that holds a corner of the picture: lungs are round and seldom do."""
TURNED_DEPTH = 0.1
"""How much deeper the valley between two lungs must be along the rows to call them turned."""
TURNED_BALANCE = 0.4
"""Least share of the smaller half in the larger one, of two lungs that lie above each other."""
TURNED_OVERLAP = 0.6
"""Least share of columns that both halves stand over."""
BAND_SHARE = 0.28
"""A dark region from side to side that is lower than this share of the other side is a band."""
CLOSING_SHARE = 0.06
"""Dents narrower than twice this share of the longer side are filled."""


def picture_lungs(values: FloatArray) -> BoolArray:
    """The lungs in each slice of a picture (S, R, C) with values in [0, 1]; empty where unsure."""
    lungs = np.zeros(values.shape, np.bool_)
    for index, picture in enumerate(values):
        top, bottom, left, right = content_box(picture)
        lungs[index, top:bottom, left:right] = _lungs_of(picture[top:bottom, left:right])
    return lungs


def content_box(picture: FloatArray) -> tuple[int, int, int, int]:
    """The box (top, bottom, left, right; half-open) without a bright frame around the picture.

    A bright frame would wall off the air around the body from the edge.  A dark one joins it and
    is left.  The whole picture where nothing would be left.
    """
    top, bottom = _between_bright_lines(picture)
    left, right = _between_bright_lines(picture[top:bottom].T)
    return top, bottom, left, right


def _between_bright_lines(picture: FloatArray) -> tuple[int, int]:
    step = max(1, picture.shape[1] // 200)
    low, high = np.quantile(picture[:, ::step], (0.05, 0.95), axis=1)
    uniform = high - low <= FRAME_SHADES
    content = np.flatnonzero(~uniform)
    if len(content) < max(2, picture.shape[0] // 8):
        return 0, picture.shape[0]
    frame = np.flatnonzero(uniform & (low > FRAME_BRIGHT))
    before, after = frame[frame < content[0]], frame[frame > content[-1]]
    first = int(before[-1]) + 1 if before.size else 0
    last = int(after[0]) if after.size else picture.shape[0]
    return first, last


def dark_inside(picture: FloatArray) -> tuple[FloatArray, BoolArray]:
    """A picture (R, C) in coarse cells (1, r, c), and which of them are dark and inside a body."""
    small = sample(picture[None], _grid(picture))
    found = np.zeros_like(small, np.bool_)
    for attempt in _attempts(small):
        if not found.any():
            found = _dark_regions(small, attempt)
    return small, found


def _grid(picture: FloatArray) -> CoarseGrid:
    cell = max(1.0, max(picture.shape) / WORK_CELLS)
    return coarse_grid((1, *picture.shape), (1.0, 1.0, 1.0), cell_mm=cell)


def _lungs_of(picture: FloatArray) -> BoolArray:
    grid = _grid(picture)
    _, found = dark_inside(picture)
    if found.any():
        found = _close_sides(found)
    if found.mean() > MOST_LUNGS_SHARE:
        found = np.zeros_like(found)
    rows = np.arange(picture.shape[0]) // grid.step[1]
    columns = np.arange(picture.shape[1]) // grid.step[2]
    return np.asarray(found[0][np.ix_(rows, columns)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """A threshold to try, and how clear its outcome must be."""

    threshold: float
    least_contrast: float
    """Least difference of the mean values on both sides of the threshold."""
    least_bright: float
    """Less of the picture above the threshold is bone or contrast agent, not the body."""
    least_share: float
    """Lungs smaller than this share of the picture are too little to judge."""


def _attempts(picture: FloatArray) -> Iterator[_Attempt]:
    """Otsu's threshold, then those of its two classes with more caution.

    Contrast agent, bone or a white legend may take the upper class, outside air the lower one.
    """
    first = otsu(picture)
    yield _Attempt(threshold=first, least_contrast=0.2, least_bright=0.05, least_share=0.02)
    low, high = picture[picture < first], picture[picture >= first]
    if low.size:
        yield _Attempt(
            threshold=otsu(low), least_contrast=0.12, least_bright=0.15, least_share=0.10
        )
    if high.size:
        yield _Attempt(
            threshold=otsu(high), least_contrast=0.2, least_bright=0.15, least_share=0.08
        )


def otsu(values: npt.NDArray[np.floating]) -> float:
    """The threshold in [0, 1] that parts `values` into two classes with least spread inside.

    Example:
        >>> 0.2 < otsu(np.array([0.1, 0.12, 0.2, 0.8, 0.85, 0.9])) < 0.8
        True
    """
    counts, edges = np.histogram(values, bins=128, range=(0.0, 1.0))
    moments = np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    below = np.cumsum(counts)
    above = below[-1] - below
    apart = moments / np.maximum(below, 1) - (moments[-1] - moments) / np.maximum(above, 1)
    between = below * above * apart**2
    best = np.flatnonzero(between == between.max())
    return float(edges[best[len(best) // 2] + 1])


def _dark_regions(picture: FloatArray, attempt: _Attempt) -> BoolArray:
    """Dark regions (1, r, c) of the size of lungs that are neither outside air nor gas."""
    dark = picture < attempt.threshold
    nothing = np.zeros_like(dark)
    if not dark.any() or (~dark).mean() < attempt.least_bright:
        return nothing
    if picture[~dark].mean() - picture[dark].mean() < attempt.least_contrast:
        return nothing
    labels, num_labels = ndimage.label(opened(dark))
    share = np.bincount(labels.ravel(), minlength=num_labels + 1) / dark.size
    large = share >= LEAST_LUNG_SHARE
    large[0] = False
    outside = np.zeros_like(large)
    for number in np.flatnonzero(large):
        outside[number] = _is_outside(labels == number)
    around = picture[outside[labels]]
    air = float(np.median(around)) if around.size else float(picture.min())
    inside = large & ~outside
    keep = inside & ~_empty(picture, labels, inside, air)
    keep &= share >= LEAST_OF_LARGEST * (share * keep).max()
    lungs = np.asarray(keep[labels])
    return lungs if attempt.least_share <= lungs.mean() <= MOST_LUNGS_SHARE else nothing


def _empty(
    picture: FloatArray, labels: npt.NDArray[np.integer], inside: BoolArray, air: float
) -> BoolArray:
    """Which of the `inside` regions are as dark as `air` and small or at the edge: gas, background.

    None, where a large region away from the edge is as dark: it is a lung and the window clips.
    """
    dark = np.zeros_like(inside)
    doubtful = np.zeros_like(inside)
    for number in np.flatnonzero(inside):
        region = labels == number
        at_edge = bool((region & edge(region.shape)).any())
        doubtful[number] = at_edge or region.mean() < LEAST_BLACK_LUNG_SHARE
        dark[number] = np.median(picture[region]) < air + LEAST_SHADE
    clipped = bool((dark & ~doubtful).any())
    return np.zeros_like(inside) if clipped else dark & doubtful


def _is_outside(region: BoolArray) -> bool:
    """Whether the region (1, r, c) is air around the body.

    Much of its outline lies on the picture's edge, or some and a corner; or it is a low band from
    side to side, as between two shells of a table.
    """
    at_edge = region & edge(region.shape)
    outline = at_edge | (region & ~erode(region))
    share = float(at_edge.sum()) / max(1.0, float(outline.sum()))
    corner = bool(region[0][[0, 0, -1, -1], [0, -1, 0, -1]].any())
    if share > (MOST_CORNER_EDGE_SHARE if corner else MOST_EDGE_SHARE):
        return True
    rows, columns = region[0].any(axis=1), region[0].any(axis=0)
    low, narrow = rows.mean() < BAND_SHARE, columns.mean() < BAND_SHARE
    return bool((low and columns[0] and columns[-1]) or (narrow and rows[0] and rows[-1]))


def _close_sides(lungs: BoolArray) -> BoolArray:
    """Dents and holes of each lung filled, the heart between both lungs left alone."""
    radius = CLOSING_SHARE * max(lungs.shape)
    spacing = (2.0 * radius, 1.0, 1.0)
    turned = is_turned(lungs)
    upright = lungs.transpose(0, 2, 1) if turned else lungs
    middle = valley(upright.sum(axis=(0, 1)))
    closed = np.zeros_like(upright)
    for side in (np.s_[:, :, :middle], np.s_[:, :, middle:]):
        closed[side] = fill_slices(close(upright[side], radius=radius, spacing=spacing))
    return closed.transpose(0, 2, 1) if turned else closed


def is_turned(lungs: BoolArray) -> bool:
    """Whether the lungs (slice, row, column) lie one above the other: a quarter turn.

    Then they are parted more clearly along the rows than along the columns, into two halves of
    like size that stand over the same columns.  At the lung bases only the first is often true.
    """
    across, along = lungs.sum(axis=(0, 1)), lungs.sum(axis=(0, 2))
    if _valley_depth(along) < _valley_depth(across) + TURNED_DEPTH:
        return False
    middle = valley(along)
    upper, lower = (half.sum(axis=(0, 1)) for half in (lungs[:, :middle], lungs[:, middle:]))
    balanced = min(upper.sum(), lower.sum()) >= TURNED_BALANCE * max(upper.sum(), lower.sum())
    both = np.count_nonzero((upper > 0) & (lower > 0))
    either = np.count_nonzero((upper > 0) | (lower > 0))
    return bool(balanced and both >= TURNED_OVERLAP * either)


def valley(counts: npt.NDArray[np.int64]) -> int:
    """Index of the least count between the 25th and the 75th percentile of the mass."""
    so_far = np.cumsum(counts)
    low, high = (int(np.searchsorted(so_far, share * so_far[-1])) for share in (0.25, 0.75))
    between = counts[low : high + 1]
    least = np.flatnonzero(between == between.min())
    return low + int(least[len(least) // 2])


def _valley_depth(counts: npt.NDArray[np.int64]) -> float:
    place = valley(counts)
    shoulders = min(counts[: place + 1].max(), counts[place:].max())
    return 1.0 - float(counts[place]) / max(1.0, float(shoulders))
