"""Objects that a network found in slices become lesions on the image's own grid.

The graph gives boxes (x1, y1, x2, y2) in pixels of its input and masks cell by cell of each box.
A mask is put where its box is, on the grid of the input, and goes to the image's grid by the same
`resample` as everything else.  What touches from slice to slice is one lesion.

Paper    He et al., "Mask R-CNN", ICCV 2017: masks are resized to their boxes; the rules of rounding
         are torchvision's, which the authors of all detectors here use.

Shapes   S judged slices, D places for objects, M side of a mask, H W rows and columns of the input.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.ops.prepare import Prepared
from ctsieve.ops.resample import resample
from ctsieve.types.geometry import Geometry
from ctsieve.types.recipe import ObjectRule
from ctsieve.types.results import Lesion, LesionTotal

Output = Mapping[str, npt.NDArray[np.float32]]
Float32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

BORDER = 1
"""Zeros around a mask, so that it fades out beyond its box."""
TOUCHING = np.ones((3, 3, 3), dtype=np.bool_)
"""Voxels that share a corner are of one lesion."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """One object in one slice: box (x1, y1, x2, y2) in pixels of the input, mask (M, M)."""

    kind: str
    slice: int
    """Which of the judged slices, from 0."""
    score: float
    box: Float32
    mask: Float32


def objects(output: Output, rule: ObjectRule) -> Iterator[Found]:
    """The objects that count, slice by slice, the surest of a slice first.

    Reads `labels`, `scores` (S, D), `boxes` (S, D, 4) and `roi_masks` (S, D, M, M).
    """
    counts = (output["labels"] > 0) & (output["scores"] >= rule.score)
    for s, d in np.argwhere(counts):
        yield Found(
            kind=rule.kinds[int(output["labels"][s, d]) - 1],
            slice=int(s),
            score=float(output["scores"][s, d]),
            box=output["boxes"][s, d],
            mask=output["roi_masks"][s, d],
        )


def lesion_pixels(output: Output, rule: ObjectRule) -> Float32:
    """About how many pixels of the input lie in lesions, slice by slice (S,)."""
    pixels = np.zeros(len(output["labels"]), dtype=np.float32)
    for one in objects(output, rule):
        if one.kind not in rule.organs:
            width, height = one.box[2:] - one.box[:2]
            pixels[one.slice] += width * height * (one.mask >= rule.mask).mean()
    return pixels


def find_lesions(
    output: Output, prepared: Prepared, geometry: Geometry, rule: ObjectRule | None
) -> tuple[Lesion, ...]:
    """Lesions on `geometry`, the image's own grid, the largest first; organs are left out.

    Without a `rule` the network finds no objects, and there are none.
    """
    if rule is None:
        return ()
    found = [one for one in objects(output, rule) if one.kind not in rule.organs]
    lesions: list[Lesion] = []
    for kind in dict.fromkeys(one.kind for one in found):
        own = [one for one in found if one.kind == kind]
        lesions += _connected(own, _marked(own, prepared, geometry, rule), prepared, geometry)
    return tuple(sorted(lesions, key=lambda one: (-int(one.mask.sum()), one.start)))


def total_lesions(
    lesions: tuple[Lesion, ...], rule: ObjectRule | None, lungs: Mask | None
) -> tuple[LesionTotal, ...]:
    """One row for each kind of lesion; `lungs` (slices, rows, columns) of a volume, else None."""
    if rule is None:
        return ()
    num_lung = 0 if lungs is None else int(sum(np.count_nonzero(one) for one in lungs))
    rows = []
    for kind in (kind for kind in rule.kinds if kind not in rule.organs):
        own = [one for one in lesions if one.kind == kind]
        inside = 0 if lungs is None else sum(_voxels_in(one, lungs) for one in own)
        rows.append(
            LesionTotal(
                kind=kind,
                count=len(own),
                ml=None if lungs is None else sum(one.volume_ml for one in own),
                percent_of_lungs=None if lungs is None else 100.0 * inside / max(1, num_lung),
            )
        )
    return tuple(rows)


def _voxels_in(lesion: Lesion, lungs: Mask) -> int:
    place = tuple(slice(a, b) for a, b in zip(lesion.start, lesion.stop, strict=True))
    return int(np.count_nonzero(lesion.mask & lungs[place]))


def _marked(found: list[Found], prepared: Prepared, geometry: Geometry, rule: ObjectRule) -> Mask:
    """Which voxels of `geometry` lie in any of the objects, one slice at a time."""
    marked = np.zeros(geometry.shape, dtype=np.bool_)
    for index, plane in planes(found, prepared, geometry):
        marked[index] = plane >= rule.mask
    return marked


def planes(
    found: Sequence[Found], prepared: Prepared, geometry: Geometry
) -> Iterator[tuple[int, Float32]]:
    """Of each slice with objects: its number in the image, and their masks there.

    The masks (R, C) are on `geometry`; where objects overlap the largest value counts.
    """
    for s in sorted({one.slice for one in found}):
        plane = np.zeros(prepared.grid.shape[1:], dtype=np.float32)
        for one in (one for one in found if one.slice == s):
            np.maximum(plane, pasted(one.mask, one.box, plane.shape), out=plane)
        index = int(prepared.index[s])
        source = _one_slice(prepared.grid, index - int(prepared.index[0]))
        target = _one_slice(geometry, index)
        moved: Float32 = resample(plane[None], source=source, target=target, outside=0.0)
        yield index, moved[0]


def _one_slice(grid: Geometry, index: int) -> Geometry:
    _, rows, columns = grid.shape
    return grid.window_of((index, 0, 0), (index + 1, rows, columns), (1, rows, columns))


def _connected(
    found: list[Found], marked: Mask, prepared: Prepared, geometry: Geometry
) -> Iterator[Lesion]:
    """The connected parts of `marked`, each with the best score of the objects in it."""
    if not marked.any():
        return
    least = min(one.score for one in found)
    (around,) = ndimage.find_objects(marked.astype(np.uint8))
    labels, _ = ndimage.label(marked[around], TOUCHING)
    offset = tuple(part.start for part in around)
    scores = _best_scores(found, labels, offset, prepared, geometry)
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        start = tuple(int(part.start + o) for part, o in zip(place, offset, strict=True))
        stop = tuple(int(part.stop + o) for part, o in zip(place, offset, strict=True))
        yield Lesion(
            kind=found[0].kind,
            score=scores.get(number, least),
            start=start,  # type: ignore[arg-type]  # three axes
            stop=stop,  # type: ignore[arg-type]  # three axes
            mask=np.ascontiguousarray(labels[place] == number),
            geometry=geometry,
        )


def _best_scores(
    found: list[Found],
    labels: npt.NDArray[np.integer],
    offset: tuple[int, ...],
    prepared: Prepared,
    geometry: Geometry,
) -> dict[int, float]:
    """By label of a part: the best score of the objects whose box meets it."""
    scores: dict[int, float] = {}
    for one in found:
        index = int(prepared.index[one.slice])
        corners = [(index - int(prepared.index[0]), y, x) for x, y in one.box.reshape(2, 2)]
        (_, top, left), (_, bottom, right) = geometry.to_index(prepared.grid.to_world(corners))
        rows = slice(max(0, int(top) - offset[1]), max(0, int(bottom) + 2 - offset[1]))
        columns = slice(max(0, int(left) - offset[2]), max(0, int(right) + 2 - offset[2]))
        for number in np.unique(labels[index - offset[0], rows, columns]):
            scores[int(number)] = max(scores.get(int(number), 0.0), one.score)
    return scores


def pasted(mask: Float32, box: Float32, shape: tuple[int, ...]) -> Float32:
    """A mask (M, M) on the input's grid (H, W): bilinear inside its box, 0 outside."""
    side = mask.shape[0]
    framed = np.pad(mask, BORDER)
    half = (box[2:] - box[:2]) * np.float32(0.5 * ((side + 2 * BORDER) / side))
    centre = (box[2:] + box[:2]) * np.float32(0.5)
    first, last = (centre - half).astype(np.int64), (centre + half).astype(np.int64)
    rows = _taps(int(first[1]), int(last[1]), shape[0], side + 2 * BORDER)
    columns = _taps(int(first[0]), int(last[0]), shape[1], side + 2 * BORDER)
    return np.asarray(rows @ framed @ columns.T, dtype=np.float32)


def _taps(first: int, last: int, length: int, side: int) -> Float32:
    """Weights (length, side) that resample a mask's side to the pixels `first` to `last`."""
    extent = max(1, last - first + 1)
    pixel = np.arange(length)
    place = np.maximum(side / extent * (pixel - first + 0.5) - 0.5, 0.0)
    low = np.minimum(np.floor(place), side - 1)
    share = place - low
    tap = np.arange(side)
    weight = (tap == low[:, None]) * (1.0 - share)[:, None]
    weight = weight + (tap == np.minimum(low + 1, side - 1)[:, None]) * share[:, None]
    inside = (pixel >= first) & (pixel < first + extent)
    return np.asarray(weight * inside[:, None], dtype=np.float32)
