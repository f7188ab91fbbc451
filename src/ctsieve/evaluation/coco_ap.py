"""Average precision of lesion masks by COCO's definition, with an interval over patients.

Source   Lin et al. 2014, ECCV (MS COCO): per class over all images together, 101 recall levels, at
         most 100 detections of a class an image, mean over classes.  The tests compare with
         faster-coco-eval and pycocotools.  The One Shot papers' AP is another number: see
         `per_image_ap`.

Which detection finds which lesion is settled inside an image, so it is the same in every draw of
patients: it is done once, and a draw only weighs the images of each detection and lesion.

Shapes   D draws, I images, K classes, M detections, T true masks, U IoU thresholds, R recall
         levels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.intervals import DRAWS, Weights, patient_draws, share_interval
from ctsieve.evaluation.per_image_ap import MaskSet, Overlaps, overlaps_of
from ctsieve.evaluation.sample import Bools, Floats
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Figure

MOST_DETECTIONS = 100
THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
NAMES = ("map", "ap50", "ap75")
"""AP at IoU .50:.05:.95, at .50 and at .75: the first three of COCO's summary."""
MEAN = 0
"""Stands for the mean over classes, whose own numbers start at 1."""
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
    compared = [overlaps_of(i.found, i.truth, patient=i.patient) for i in images]
    return coco_ap_by_kind(compared, draws=draws, seed=seed)[MEAN]


def coco_ap_by_kind(
    images: Sequence[Overlaps], *, draws: int = DRAWS, seed: int = 0
) -> dict[int, dict[str, Figure]]:
    """The same of every class that has a true lesion, and of their mean as class `MEAN`.

    Raises:
        InputRejected: as `coco_ap`.
    """
    if sum(len(image.true_labels) for image in images) == 0:
        raise InputRejected(
            f"{len(images)} images hold 0 true lesions",
            hint="average precision needs a lesion; without any, count false alarms instead",
        )
    kinds = sorted({int(label) for image in images for label in image.true_labels})
    rankings = [_ranking(images, kind) for kind in kinds]
    patient = np.array([image.patient for image in images])
    weight = patient_draws(patient, draws=draws, seed=seed)
    weights = [np.ones((1, len(images)), np.float32)]
    weights += [weight[i : i + CHUNK] for i in range(0, draws, CHUNK)]
    table = np.concatenate([_tables(rankings, one) for one in weights], axis=1)
    people = np.unique(patient).size
    summaries = {MEAN: _mean_of(table)}
    summaries |= {kind: _mean_of(table[[i]]) for i, kind in enumerate(kinds)}
    return {
        kind: {
            name: _figure(float(summary[0, i]), summary[1:, i], len(images), people)
            for i, name in enumerate(NAMES)
        }
        for kind, summary in summaries.items()
    }


def _figure(value: float, drawn: Floats, cases: int, patients: int) -> Figure:
    low, high = share_interval(drawn, value, patients) if drawn.size else (value, value)
    return Figure(value=value, low=low, high=high, num_cases=cases, num_patients=patients)


def _ranking(images: Sequence[Overlaps], kind: int) -> _Ranking:
    scores, hits, owner = [], [], []
    for number, image in enumerate(images):
        own = np.flatnonzero(image.labels == kind)
        order = own[np.argsort(-image.scores[own], kind="stable")][:MOST_DETECTIONS]
        scores.append(image.scores[order])
        hits.append(_hits(image.iou[np.ix_(order, image.true_labels == kind)]))
        owner.append(np.full(order.size, number))
    ranked = np.argsort(-np.concatenate(scores), kind="stable")
    return _Ranking(
        image=np.concatenate(owner)[ranked],
        hit=np.concatenate(hits, axis=1)[:, ranked],
        num_true=np.array([float((i.true_labels == kind).sum()) for i in images]),
    )


def _hits(overlap: Floats) -> Bools:
    """Which detections, best first, find a true mask at each threshold (U, M).

    `overlap` (M, T) are the IoUs of an image's detections and true masks.  Each detection takes the
    free true mask of the largest IoU that reaches the threshold, the last of equals.
    """
    hit = np.zeros((THRESHOLDS.size, len(overlap)), np.bool_)
    for row, threshold in enumerate(THRESHOLDS):
        free = np.ones(overlap.shape[1], np.bool_)
        for number, own in enumerate(overlap):
            candidates = np.flatnonzero(free & (own >= min(threshold, 1 - 1e-10)))
            if candidates.size:
                best = candidates[::-1][np.argmax(own[candidates][::-1])]
                free[best], hit[row, number] = False, True
    return hit


def _tables(rankings: Sequence[_Ranking], weight: Weights) -> Floats:
    """AP of every class (K, D, U) under weightings of the images (D, I)."""
    return np.stack([_precisions(ranking, weight) for ranking in rankings])


def _mean_of(table: Floats) -> Floats:
    """The numbers `NAMES` (D, 3) of classes' AP (K, D, U); NaN without any lesion."""
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
