"""Lesions that a detector found: their masks, as sure as they are, laid onto the image's own grid.

Paper    Ter-Sarkisov, One Shot + LSTM + attention and its baselines: the masks of figures there are
         thresholded; here heat is the score of an object times the probability of its mask.
Differs  Lungs, which the One Shot models find as objects too, are no lesions: `counting` leaves
         them out.  Where objects overlap the surer one is shown.

Shapes   S judged slices, D places for objects, M rows and columns of a mask; boxes are
         (x1, y1, x2, y2) in cells of the prepared grid.
"""

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from ctsieve.ops.prepare import Prepared
from ctsieve.ops.resample import resample
from ctsieve.types.cards import ExplainerCard
from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import promise
from ctsieve.types.results import Explanation

Float32 = npt.NDArray[np.float32]

BOXES, LABELS, SCORES, MASKS = "boxes", "labels", "scores", "roi_masks"
"""The graph outputs (S, D, 4), (S, D), (S, D) and (S, D, M, M); label 0 is an empty place."""


def explain(
    output: Mapping[str, Float32],
    prepared: Prepared,
    geometry: Geometry,
    *,
    label: str,
) -> Explanation | None:
    """The objects of all judged slices, or None where the graph finds none ever.

    Every object counts; see `counting`.  Where there is none the heat is 0 everywhere and so is
    the peak.
    """
    if MASKS not in output:
        return None
    labels, scores = output[LABELS], output[SCORES]
    promise(len(labels) == prepared.index.size, "there are objects for each judged slice")
    heat = np.zeros(geometry.shape, dtype=np.float32)
    for position, place in np.argwhere(labels > 0):
        box, mask = output[BOXES][position, place], output[MASKS][position, place]
        index = int(prepared.index[position])
        shown = _pasted(mask, box, prepared, geometry, index) * scores[position, place]
        np.maximum(heat[index], shown, out=heat[index])
    peak = float(heat.max())
    scaled = heat / np.float32(peak) if peak > 0.0 else heat
    return Explanation(
        method="Lesion masks",
        label=label,
        heat=scaled.astype(np.float16),
        peak=peak,
        geometry=geometry,
    )


def counting(
    output: Mapping[str, Float32], *, kinds: Collection[int], score: float = 0.0
) -> Mapping[str, Float32]:
    """The outputs without objects of other labels than `kinds`, or below `score`."""
    if LABELS not in output:
        return output
    labels = output[LABELS]
    counts = np.isin(labels, list(kinds)) & (output[SCORES] >= np.float32(score))
    return {**output, LABELS: np.where(counts, labels, np.float32(0.0))}


def _pasted(
    mask: Float32, box: Float32, prepared: Prepared, geometry: Geometry, index: int
) -> Float32:
    """A mask (M, M) of a box on slice `index` of the image; (R, C), 0 outside the box."""
    _, rows, columns = geometry.shape
    target = geometry.window_of((index, 0, 0), (index + 1, rows, columns), (1, rows, columns))
    left, top, right, bottom = (float(v) for v in box)
    if right <= left or bottom <= top:
        return np.zeros((rows, columns), dtype=np.float32)
    first = index - int(prepared.index[0])
    source = prepared.grid.window_of(
        (first, top, left), (first + 1, bottom, right), (1, *mask.shape)
    )
    pasted: Float32 = resample(mask[None], source=source, target=target, outside=0.0)[0]
    return pasted


CARD = ExplainerCard(
    title="Lesion masks of a detector (from the graph)",
    paper="https://doi.org/10.1101/2021.02.16.21251754",
    reads=(MASKS,),
    explain=explain,
)
