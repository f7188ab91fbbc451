"""Where the lungs are in pictures of any window: the box that is cut out before resizing.

Works on display values alone, so that a figure of a paper, an exported JPEG and a windowed DICOM
slice get the same box.  Otsu's threshold parts air and lung from tissue; a dark region is lung when
it has tissue on at least three sides and is not the air around the patient (which holds a corner
of the picture or runs along its edge).  Pockets of air between patient and table fail the first
test, since thin bright lines are no tissue here.  A figure that is cut so close that a lung meets
its edge shows that lung as outside air: one lung alone is no reason to cut the other away.

Shapes   R rows, C columns.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.ops.prepare import Box
from ctsieve.ops.resample import resample
from ctsieve.types.geometry import Geometry

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Found = Literal["lungs", "body", "whole"]

WORKING_SIZE = 256
"""Longer side, in pixels, at which regions are looked for."""
TISSUE_OPENING = 2
"""Bright lines thinner than twice this many working pixels (table, frame, text) are no tissue."""
SMALLEST_TISSUE = 0.05
"""Share of the largest bright region below which a bright region is no wall."""
EDGE_SHARE = 0.25
"""A dark region along more than this share of the picture's outline is outside air."""
WALLED_SHARE = 0.6
"""Share of a lung's pixels with tissue on three sides or four."""
SMALLEST_LUNG = 0.03
"""Share of the picture that the largest lung region covers."""
SECOND_LUNG = 0.15
"""Share of the largest lung region that further ones need."""
LUNGS_IN_BODY = 0.3
"""Lungs whose box is a smaller share of the body's box are too few to crop to."""
LOPSIDED = 0.12
"""Lungs whose middle lies this share of a width off the body's and the picture's are one lung."""
SMALLEST_BODY = 0.15
"""Share of the picture that a body covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A box (half-open pixels of the original slice) and what it is the box of."""

    box: Box
    found: Found


def crop_box(values: Iterable[Floats], rule: Found) -> Box | None:
    """One box for all slices (R, C) of `values`, in [0, 1]; None means the whole slice.

    With "lungs", slices that show no clear pair of lungs have no say, unless no slice shows any:
    then the body's box is taken.

    Example:
        >>> crop_box(np.zeros((1, 8, 8), np.float32), "lungs") is None
        True
    """
    if rule == "whole":
        return None
    frames = [find_frame(plane, rule) for plane in values]
    for found in ("lungs", "body"):
        boxes = [frame.box for frame in frames if frame.found == found]
        if boxes:
            return _union(boxes)
    return None


def find_frame(values: Floats, rule: Found = "lungs") -> Frame:
    """The lungs' box in one slice (R, C), or the body's, or the whole slice."""
    small = _shrunk(values)
    bright = small >= _otsu(small)
    tissue = _tissue(bright)
    body = _body(tissue)
    if rule == "lungs":
        lungs = lung_regions(bright, tissue)
        if lungs.any() and _area(lungs) > LUNGS_IN_BODY * _area(body):
            everything = np.ones_like(body)
            if not (_lopsided(lungs, body) and _lopsided(lungs, everything)):
                return Frame(box=_box(lungs, values.shape), found="lungs")
            if _lopsided(body, everything) or not (lungs <= body).all():
                body = everything
    found: Found = "whole" if _area(body) == body.size else "body"
    return Frame(box=_box(body, values.shape), found=found)


def lung_mask(values: Floats) -> Mask:
    """Aerated lung in one slice (R, C), at working size: at most `WORKING_SIZE` long."""
    small = _shrunk(values)
    bright = small >= _otsu(small)
    return lung_regions(bright, _tissue(bright))


def lung_regions(bright: Mask, tissue: Mask) -> Mask:
    """Dark regions (R, C) that lie inside the chest wall."""
    labels, count = ndimage.label(ndimage.binary_opening(~bright))
    if count == 0:
        return np.zeros_like(bright)
    area = np.bincount(labels.ravel(), minlength=count + 1).astype(np.float64)
    walled = np.bincount(labels.ravel(), weights=_walled(tissue).ravel(), minlength=count + 1)
    outside = _outside(labels, count) | (walled < WALLED_SHARE * area)
    area[outside] = 0.0
    if area.max() < SMALLEST_LUNG * bright.size:
        return np.zeros_like(bright)
    regions: Mask = (area > SECOND_LUNG * area.max())[labels]
    return regions


def _outside(labels: npt.NDArray[np.integer], count: int) -> Mask:
    """Which labels (count + 1,) are air around the patient; label 0 counts as outside."""
    outline = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    touching = np.bincount(outline, minlength=count + 1)
    outside: Mask = touching > EDGE_SHARE * outline.size
    outside[labels[[0, 0, -1, -1], [0, -1, 0, -1]]] = True
    outside[0] = True
    return outside


def _lopsided(part: Mask, whole: Mask) -> bool:
    """Whether the middle of `part` lies far to one side of `whole`."""
    (left, right), (start, stop) = _columns(part), _columns(whole)
    return abs((left + right) - (start + stop)) / 2 > LOPSIDED * (stop - start)


def _columns(mask: Mask) -> tuple[int, int]:
    """First column with a marked pixel, and the one after the last."""
    columns = np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(columns[-1]) + 1


def _walled(tissue: Mask) -> Mask:
    """Pixels that see tissue in at least three of the four directions."""
    seen = np.logical_or.accumulate
    sides = (
        seen(tissue, axis=0).astype(np.int8)
        + seen(tissue[::-1], axis=0)[::-1]
        + seen(tissue, axis=1)
        + seen(tissue[:, ::-1], axis=1)[:, ::-1]
    )
    return np.asarray(sides >= 3)


def _tissue(bright: Mask) -> Mask:
    """Bright regions thick and large enough to be tissue."""
    labels, count = ndimage.label(ndimage.binary_opening(bright, iterations=TISSUE_OPENING))
    if count == 0:
        return np.zeros_like(bright)
    area = np.bincount(labels.ravel())
    area[0] = 0
    large: Mask = (area > SMALLEST_TISSUE * area.max())[labels]
    return large


def _body(tissue: Mask) -> Mask:
    """The largest tissue region with its holes, or everything when it is too small."""
    labels, count = ndimage.label(tissue)
    if count:
        area = np.bincount(labels.ravel())
        area[0] = 0
        body: Mask = ndimage.binary_fill_holes(labels == area.argmax())
        if body.mean() > SMALLEST_BODY:
            return body
    return np.ones_like(tissue)


def _shrunk(values: Floats) -> Floats:
    """The slice at most `WORKING_SIZE` long, smoothed over three pixels."""
    rows, columns = values.shape
    factor = min(1.0, WORKING_SIZE / max(rows, columns))
    shape = (max(1, round(rows * factor)), max(1, round(columns * factor)))
    flat = Geometry.of_picture((1, rows, columns), "slice")
    target = flat.window_of((0, 0, 0), (1, rows, columns), (1, *shape))
    small = resample(values[None], source=flat, target=target)[0]
    return np.asarray(ndimage.uniform_filter(small, 3), dtype=np.float32)


def _otsu(values: Floats) -> float:
    """Otsu's threshold of values in [0, 1], on 64 bins."""
    counts, edges = np.histogram(values, bins=64, range=(0.0, 1.0))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts).astype(np.float64)
    moment = np.cumsum(counts * centres)
    parted = below * (below[-1] - below)
    spread = np.square(moment[-1] * below - moment * below[-1])
    between = np.divide(spread, parted, out=np.zeros_like(spread), where=parted > 0)
    return float(edges[1:][between.argmax()])


def _area(mask: Mask) -> int:
    """Pixels of the smallest box around `mask`."""
    return int(np.ptp(np.flatnonzero(mask.any(axis=1))) + 1) * int(
        np.ptp(np.flatnonzero(mask.any(axis=0))) + 1
    )


def _box(mask: Mask, shape: tuple[int, ...]) -> Box:
    """The smallest box around `mask`, in pixels of a slice of `shape`."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    down, across = shape[0] / mask.shape[0], shape[1] / mask.shape[1]
    return (
        (float(rows[0] * down), float(columns[0] * across)),
        (float((rows[-1] + 1) * down), float((columns[-1] + 1) * across)),
    )


def _union(boxes: list[Box]) -> Box:
    """The smallest box that holds all `boxes`."""
    starts, stops = np.array([b[0] for b in boxes]), np.array([b[1] for b in boxes])
    top, left = (float(v) for v in starts.min(axis=0))
    bottom, right = (float(v) for v in stops.max(axis=0))
    return (top, left), (bottom, right)
