"""Where the lungs are in a CT volume: thresholds and morphology on a coarse grid.

Source   Own work; the order (body, air inside it, big enough, closed) is the classical one.
Limits   A lobe that is wholly consolidated looks like chest wall to a threshold; only what
         `ctsieve.ops.lung_gaps` closes is kept.  A chest wall thinner than about two coarse cells
         all around loses its lung.  Main bronchi below the carina stay inside.

Everything is decided on a grid of about `COARSE_MM`; only the edge is drawn on the volume's own.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.ops.coarse import CoarseGrid, coarse_grid, sample
from ctsieve.ops.lung_gaps import close_gaps
from ctsieve.ops.morphology import (
    ALL_ROUND,
    SAME_SLICE,
    dilate,
    edge,
    erode,
    fill_slices,
    joined_to_edge,
    largest_region,
    opened,
    opened_by_pairs,
)
from ctsieve.ops.parallel import each
from ctsieve.types.volume import CTVolume

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]

COARSE_MM = 3.2
"""Largest cell of the grid on which lungs are sought."""
TISSUE_HU = -320
"""Halfway between aerated lung (about -850) and muscle (+50), moved up to keep ground glass."""
PURE_AIR_HU = -930
"""Below: outside air, trachea, gas.  Aerated lung has blood in it and is denser on average."""
GAS_MEDIAN_HU = -960
"""A region whose median is below this is gas in bowel or between arm and chest, not lung."""
WALL_CELLS = 8
"""How far thin chest wall grows back after the table was cut off: it must not gape over a lung."""
LEAST_REGION_CM2 = 2.0
"""Regions with a smaller largest section are noise, gas bubbles or airways."""
LEAST_SHARE = 0.04
"""Regions smaller than this share of the largest are dropped."""
LEAST_LUNGS_CM2 = 12.0
"""Largest section of both lungs together below this: there are no lungs to speak of."""
AIRWAY_CM2 = 9.0
"""A disc of pure air in a slice below this area is trachea or gas, whatever it joins elsewhere."""
AIRWAY_EMPTY_SHARE = 0.3
"""Share of pure air from which such a disc is one; its rim is always half tissue."""


def segment_lungs(volume: CTVolume) -> BoolArray:
    """The lungs (S, R, C) of a CT volume, vessels and opacities included; empty if there are none.

    Works for one slice, for lungs cut by the field of view, with padding circles, tables and arms.
    The trachea above the carina, bowel gas and the air around the body are left out.
    """
    grid = coarse_grid(volume.hu.shape, volume.geometry.spacing, cell_mm=COARSE_MM)
    aerated = find_aerated(sample(volume.hu, grid), grid)
    if not aerated.any():
        return np.zeros(volume.hu.shape, np.bool_)
    return _draw(volume.hu, aerated, grid)


def find_aerated(hu: FloatArray, grid: CoarseGrid) -> BoolArray:
    """Air inside the body that is lung, from coarse Hounsfield units (s, r, c)."""
    air = (hu < TISSUE_HU) & _body(hu)
    air &= ~_airways(air, hu, grid)
    regions, num_regions = ndimage.label(opened(air), ALL_ROUND)
    kept = np.zeros(num_regions + 1, np.bool_)
    kept[1:] = _which_are_lung(regions, num_regions, hu, grid)
    # What the opening cut off, or septa part from the rest, comes back two cells far.
    lungs = dilate(dilate(kept[regions])) & air
    return lungs if _largest_section_cm2(lungs, grid) >= LEAST_LUNGS_CM2 else np.zeros_like(lungs)


def _body(hu: FloatArray) -> BoolArray:
    """The body's tissue with all it encloses; lungs cut by the field of view count as enclosed.

    Table, tubes and blankets are thin and go with the opening, and with them what they enclose.
    Outside air is sought in each slice alone: along the axis it runs through the mouth into the
    lungs.  Lungs cut by the field of view touch the edge like outside air, but are not pure air.
    """
    tissue = hu > TISSUE_HU
    pure = hu < PURE_AIR_HU
    at_edge = edge(hu.shape)
    outside = joined_to_edge(opened(pure) | (pure & at_edge))
    body = largest_region(opened_by_pairs(tissue))
    for _ in range(WALL_CELLS):
        body = dilate(body) & tissue
    if not body.any():
        return body
    return fill_slices(body | (at_edge & ~outside)) & ~outside


def _airways(air: BoolArray, hu: FloatArray, grid: CoarseGrid) -> BoolArray:
    """Discs of air that stand alone in a slice, small and empty: trachea, main bronchi, gas."""
    labels, num_labels = ndimage.label(air, SAME_SLICE)
    cells = np.bincount(labels.ravel(), minlength=num_labels + 1)
    empty = np.bincount(labels[air & (hu < PURE_AIR_HU)], minlength=num_labels + 1)
    disc = (cells * grid.cell_cm2 < AIRWAY_CM2) & (empty > AIRWAY_EMPTY_SHARE * cells)
    disc[0] = False
    return np.asarray(disc[labels])


def _which_are_lung(
    regions: npt.NDArray[np.integer], num_regions: int, hu: FloatArray, grid: CoarseGrid
) -> BoolArray:
    """Which of the regions 1..n are lung: (n,)."""
    cells = np.bincount(regions.ravel(), minlength=num_regions + 1)[1:]
    keep = np.zeros(num_regions, np.bool_)
    if num_regions == 0:
        return keep
    boxes = ndimage.find_objects(regions)
    for place in np.flatnonzero(cells >= LEAST_SHARE * cells.max()):
        box = boxes[place]
        here = regions[box] == place + 1
        wide = _largest_section_cm2(here, grid) >= LEAST_REGION_CM2
        keep[place] = wide and np.median(hu[box][here]) > GAS_MEDIAN_HU
    return np.asarray(keep & (cells >= LEAST_SHARE * (cells * keep).max()))


def _largest_section_cm2(mask: BoolArray, grid: CoarseGrid) -> float:
    return float(np.count_nonzero(mask, axis=(1, 2)).max()) * grid.cell_cm2


def _draw(hu: npt.NDArray[np.int16], aerated: BoolArray, grid: CoarseGrid) -> BoolArray:
    """Coarse lungs on the volume's grid: inside as they are, at the edge where the HU say so.

    Dents of the costal side count as inside: an opacity at the pleura has no air to be drawn by.
    """
    lungs, costal_gaps = close_gaps(aerated, grid)
    core, reach = erode(lungs) | costal_gaps, dilate(lungs)
    # Only the part of the slices that any lung reaches is looked at.
    rows, row_cells = _span(np.asarray(reach.any(axis=(0, 2))), grid.step[1], hu.shape[1])
    columns, column_cells = _span(np.asarray(reach.any(axis=(0, 1))), grid.step[2], hu.shape[2])
    mask = np.zeros(hu.shape, np.bool_)

    def draw(cell: int) -> None:
        here = (slice(cell * grid.step[0], (cell + 1) * grid.step[0]), rows, columns)
        part = mask[here]
        np.less(hu[here], TISSUE_HU, out=part)
        part &= reach[cell].take(row_cells, axis=0).take(column_cells, axis=1)
        part |= core[cell].take(row_cells, axis=0).take(column_cells, axis=1)

    each(draw, [int(cell) for cell in np.flatnonzero(reach.any(axis=(1, 2)))])
    return mask


def _span(used: BoolArray, step: int, size: int) -> tuple[slice, npt.NDArray[np.int64]]:
    """Where the coarse cells marked in `used` lie on the fine axis, and each place's cell."""
    cells = np.flatnonzero(used)
    if cells.size == 0:
        return slice(0, 0), np.zeros(0, np.int64)
    here = slice(int(cells[0]) * step, min((int(cells[-1]) + 1) * step, size))
    return here, np.arange(here.start, here.stop) // step


def lung_slices(
    lungs: BoolArray, *, least_of_largest: float = 0.2, least_of_slice: float = 0.01
) -> BoolArray:
    """Which slices (S,) show enough lung to be judged, from the mask (S, R, C).

    Those whose lung section is at least `least_of_largest` of the largest section of the scan and
    `least_of_slice` of the slice: the tips of apices and recesses are left out, where a slice is
    mostly shoulder or liver.
    """
    cells = sections(lungs)
    least = max(least_of_largest * cells.max(), least_of_slice * lungs[0].size, 1.0)
    return np.asarray(cells >= least)


def lung_box(lungs: BoolArray) -> tuple[int, int, int, int]:
    """The box (row, column, row, column; half-open) that holds the lungs of all slices (S, R, C).

    The whole slice where there are no lungs, so that a crop is never empty.

    Example:
        >>> lungs = np.zeros((1, 4, 6), bool)
        >>> lungs[0, 1:3, 2:5] = True
        >>> lung_box(lungs)
        (1, 2, 3, 5)
    """
    flat = np.asarray(lungs.any(axis=0))
    rows, columns = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    if len(rows) == 0:
        return 0, 0, flat.shape[0], flat.shape[1]
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def sections(lungs: BoolArray) -> npt.NDArray[np.int64]:
    """Number of lung pixels in each slice (S,)."""
    return np.array([np.count_nonzero(one) for one in lungs], dtype=np.int64)


def edge_contact(lungs: BoolArray, spacing: tuple[float, float]) -> float:
    """The greatest length over which the lungs of a slice touch its edges, all four together.

    In the unit of `spacing` along (row, column).
    """
    row_length, column_length = spacing
    along_columns = np.count_nonzero(lungs[:, [0, -1], :], axis=(1, 2)) * column_length
    along_rows = np.count_nonzero(lungs[:, :, [0, -1]], axis=(1, 2)) * row_length
    return float((along_columns + along_rows).max())
