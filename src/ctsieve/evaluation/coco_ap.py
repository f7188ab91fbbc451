"""Average precision of lesion masks by COCO's definition, with an interval over patients.

Source   Lin et al. 2014, ECCV (MS COCO): per class over all images together, 101 recall levels, at
         most 100 detections of a class an image, mean over classes.  The tests compare with
         faster-coco-eval and pycocotools.  The One Shot papers' AP is another number: see
         `per_image_ap`.

Which detection finds which lesion is settled inside an image, so it is the same in every draw of
patients: it is done once, and a draw only weighs the images of each detection and lesion.

Shapes   D draws, I images, M detections, T true masks, U IoU thresholds, R recall levels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.intervals import DRAWS, Weights, patient_draws, percentile_interval
from ctsieve.evaluation.per_image_ap import MaskSet
from ctsieve.evaluation.sample import Bools, Floats
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Figure

MOST_DETECTIONS = 100
THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
NAMES = ("map", "ap50", "ap75")
"""AP at IoU .50:.05:.95, at .50 and at .75: the first three of COCO's summary."""
CHUNK = 100
"""Draws that are computed at a time: 10,000 detections take 8 MB a threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMasks:
    """Predicted and true lesion instances of one image.

    Raises:
        InputRejected: a prediction has no score, or the masks are of two grids.
    """

    patient: str
    found: MaskSet
    truth: MaskSet

    def __post_init__(self) -> None:
        masks, true, scores = self.found.masks, self.truth.masks, self.found.scores
        if len(masks) != len(scores):
            raise InputRejected(f"{len(masks)} predicted masks have {len(scores)} scores")
        if masks.shape[1:] != true.shape[1:]:
            raise InputRejected(f"masks of {masks.shape[1:]} and {true.shape[1:]} are of two grids")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ranking:
    """All detections of a class, the highest score first, and its true lesions."""

    image: npt.NDArray[np.intp]  # (M,)
    hit: Bools  # (U, M)
    num_true: Floats  # (I,)


def coco_ap(
    images: Sequence[ImageMasks], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Figure]:
    """AP by COCO's definition: `map`, `ap50` and `ap75`, each with n and a 95 % interval.

    Raises:
        InputRejected: no image has a true lesion, so that nothing can be found.
    """
    num_true = sum(len(image.truth.masks) for image in images)
    if num_true == 0:
        raise InputRejected(
            f"{len(images)} images hold 0 true lesions",
            hint="average precision needs a lesion; without any, count false alarms instead",
        )
    kinds = sorted({int(label) for image in images for label in image.truth.labels})
    rankings = [_ranking(images, kind) for kind in kinds]
    patient = np.array([image.patient for image in images])
    value = _summaries(rankings, np.ones((1, len(images)), np.float32))[0]
    weight = patient_draws(patient, draws=draws, seed=seed)
    parts = [_summaries(rankings, weight[i : i + CHUNK]) for i in range(0, draws, CHUNK)]
    drawn = np.concatenate([np.empty((0, len(NAMES))), *parts])
    return {
        name: _figure(float(value[i]), drawn[:, i], len(images), np.unique(patient).size)
        for i, name in enumerate(NAMES)
    }


def _figure(value: float, drawn: Floats, cases: int, patients: int) -> Figure:
    low, high = percentile_interval(drawn) if drawn.size else (value, value)
    return Figure(value=value, low=low, high=high, num_cases=cases, num_patients=patients)


def _ranking(images: Sequence[ImageMasks], kind: int) -> _Ranking:
    scores, hits, owner = [], [], []
    for number, image in enumerate(images):
        own = np.flatnonzero(image.found.labels == kind)
        order = own[np.argsort(-image.found.scores[own], kind="stable")][:MOST_DETECTIONS]
        scores.append(image.found.scores[order])
        hits.append(_hits(image.found.masks[order], image.truth.masks[image.truth.labels == kind]))
        owner.append(np.full(order.size, number))
    ranked = np.argsort(-np.concatenate(scores), kind="stable")
    return _Ranking(
        image=np.concatenate(owner)[ranked],
        hit=np.concatenate(hits, axis=1)[:, ranked],
        num_true=np.array([float((i.truth.labels == kind).sum()) for i in images]),
    )


def _hits(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> Bools:
    """Which detections (M, H, W), best first, find a true mask (T, H, W) at each threshold (U, M).

    Each takes the free true mask of the largest IoU that reaches the threshold, the last of equals.
    """
    overlap = _overlaps(found, true)
    hit = np.zeros((THRESHOLDS.size, len(found)), np.bool_)
    for row, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(true), np.bool_)
        for number, own in enumerate(overlap):
            candidates = np.flatnonzero(free & (own >= min(threshold, 1 - 1e-10)))
            if candidates.size:
                best = candidates[::-1][np.argmax(own[candidates][::-1])]
                free[best], hit[row, number] = False, True
    return hit


def _overlaps(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> Floats:
    """IoU (M, T) of masks."""
    pixels = int(np.prod(found.shape[1:]))
    first, second = (m.reshape(len(m), pixels).astype(np.float32) for m in (found, true))
    both = (first @ second.T).astype(np.float64)
    either = first.sum(axis=1, dtype=np.float64)[:, None] + second.sum(axis=1, dtype=np.float64)
    either = either - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0))


def _summaries(rankings: Sequence[_Ranking], weight: Weights) -> Floats:
    """The numbers `NAMES` (D, 3) under weightings of the images (D, I); NaN without any lesion."""
    table = np.stack([_precisions(ranking, weight) for ranking in rankings])
    known = np.isfinite(table)
    count = known.sum(axis=0)
    total = np.where(known, table, 0.0).sum(axis=0)
    by_threshold = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    columns = (by_threshold.mean(axis=1), by_threshold[:, 0], by_threshold[:, 5])
    return np.stack(columns, axis=1)


def _precisions(ranking: _Ranking, weight: Weights) -> Floats:
    """AP of a class (D, U); NaN where a draw holds none of its lesions."""
    lesions = weight @ ranking.num_true
    found = np.full((len(weight), THRESHOLDS.size), np.nan)
    own = weight[:, ranking.image].astype(np.float64)
    total = own.cumsum(axis=1)
    for column, hit in enumerate(ranking.hit):
        up = (own * hit).cumsum(axis=1)
        precision = np.divide(up, total, out=np.zeros_like(up), where=total > 0)
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        for row in np.flatnonzero(lesions > 0):
            at = np.searchsorted(up[row] / lesions[row], RECALLS, side="left")
            reached = at < up.shape[1]
            found[row, column] = envelope[row, at[reached]].sum() / RECALLS.size
    return found
