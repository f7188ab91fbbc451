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

from ctsieve.ops.objects import Found, planes
from ctsieve.ops.prepare import Prepared
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
    found = [
        Found(
            kind=label,
            slice=int(s),
            score=float(scores[s, d]),
            box=output[BOXES][s, d],
            mask=output[MASKS][s, d] * scores[s, d],
        )
        for s, d in np.argwhere(labels > 0)
    ]
    heat = np.zeros(geometry.shape, dtype=np.float32)
    for index, plane in planes(found, prepared, geometry):
        heat[index] = plane
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


CARD = ExplainerCard(
    title="Lesion masks of a detector (from the graph)",
    paper="https://doi.org/10.1101/2021.02.16.21251754",
    reads=(MASKS,),
    explain=explain,
)
