"""Average precision of lesion masks per image, as the One Shot papers' code computes it.

Paper    Ter-Sarkisov, COVID-CT-Mask-Net and its successors (the same function in three of the
         authors' repositories); it is not COCO's average precision and gives other numbers.
Differs  Predictions of equal score keep their order (the authors' sort is not stable), and the
         value of every image is returned beside the means.

The rules, image by image: the ranking holds the predictions of all classes together; each true
mask in turn claims, among predictions whose IoU is *strictly* greater than the threshold, the one
of largest IoU that has its class; a prediction may be claimed twice and counts once.  An image
without truth and without predictions counts 1, an image with only one of them 0.

Shapes   P predictions, T true masks, H W rows and columns, I images, U IoU thresholds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ctsieve.types.errors import InputRejected

Float32 = npt.NDArray[np.float32]

IOU_THRESHOLDS: tuple[float, ...] = tuple(float(v) for v in np.arange(10, 20).astype("f4") / 20)
"""0.50 to 0.95 in steps of 0.05, as float32 like the IoUs they are compared with."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskSet:
    """Masks of one image with their classes; `scores` are needed for predictions only."""

    masks: npt.NDArray[np.bool_] = field(repr=False)  # (P, H, W)
    labels: npt.NDArray[np.int64]  # (P,)
    scores: Float32 = field(default_factory=lambda: np.zeros(0, np.float32))  # (P,)

    def __post_init__(self) -> None:
        if self.masks.ndim != 3 or len(self.labels) != len(self.masks):
            raise InputRejected(
                f"{len(self.labels)} labels do not fit masks of shape {self.masks.shape}",
                hint="give one mask (H, W) for each label",
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlaps:
    """What average precision needs of one image once its masks are compared."""

    patient: str
    labels: npt.NDArray[np.int64]  # (P,)
    scores: Float32  # (P,)
    true_labels: npt.NDArray[np.int64]  # (T,)
    iou: npt.NDArray[np.float64]  # (P, T)

    def of_kind(self, kind: int) -> "Overlaps":
        """The same with the predictions and true masks of one class only."""
        own, true = self.labels == kind, self.true_labels == kind
        return Overlaps(
            patient=self.patient,
            labels=self.labels[own],
            scores=self.scores[own],
            true_labels=self.true_labels[true],
            iou=self.iou[np.ix_(own, true)],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PerImageAp:
    """Average precision of images at IoU thresholds."""

    by_image: Float32 = field(repr=False)  # (I, U)
    thresholds: tuple[float, ...]

    @property
    def num_images(self) -> int:
        """How many images the means are over."""
        return len(self.by_image)

    @property
    def by_threshold(self) -> npt.NDArray[np.float64]:
        """Mean over images at each threshold, (U,)."""
        mean: npt.NDArray[np.float64] = self.by_image.mean(axis=0, dtype=np.float64)
        return mean

    @property
    def mean(self) -> float:
        """The papers' mAP: mean over thresholds of the mean over images."""
        return float(self.by_threshold.mean())


def binarised(
    probability: Float32, labels: npt.NDArray[np.int64], scores: Float32, *, above: float = 0.5
) -> MaskSet:
    """Predictions whose mask values (P, H, W) are strictly greater than `above`.

    The authors use 0.5 always: for COVID-CT-Mask-Net, whose mask values are logits, that is a
    probability of 0.62.
    """
    return MaskSet(masks=probability > above, labels=labels, scores=scores)


def confident(predictions: MaskSet, *, above: float) -> MaskSet:
    """The predictions whose score is strictly greater than `above` (the authors take 0.75)."""
    kept = predictions.scores > above
    return MaskSet(
        masks=predictions.masks[kept],
        labels=predictions.labels[kept],
        scores=predictions.scores[kept],
    )


def per_image_ap(
    images: Iterable[tuple[MaskSet, MaskSet]], *, thresholds: Sequence[float] = IOU_THRESHOLDS
) -> PerImageAp:
    """Average precision of (predictions, truth) for each image at each IoU threshold.

    Raises:
        InputRejected: there is no image, or a prediction has no score.
    """
    values = [image_ap(found, truth, thresholds=thresholds) for found, truth in images]
    if not values:
        raise InputRejected("average precision of no image", hint="give at least one image")
    return PerImageAp(by_image=np.stack(values), thresholds=tuple(thresholds))


def image_ap(found: MaskSet, truth: MaskSet, *, thresholds: Sequence[float]) -> Float32:
    """Average precision of one image at each threshold, (U,).

    Raises:
        InputRejected: a prediction has no score.
    """
    return ap_of(overlaps_of(found, truth), thresholds=thresholds)


def ap_of(image: Overlaps, *, thresholds: Sequence[float] = IOU_THRESHOLDS) -> Float32:
    """The same of masks that are compared already."""
    num_true = len(image.true_labels)
    if len(image.labels) == 0 or num_true == 0:
        nothing_on_both = len(image.labels) == num_true
        return np.full(len(thresholds), float(nothing_on_both), np.float32)
    order = np.argsort(-image.scores, kind="stable")
    iou = image.iou[order].astype(np.float32)
    same_class = image.labels[order][:, None] == image.true_labels[None, :]
    values = [_area(_claimed(iou, same_class, t), num_true) for t in thresholds]
    return np.array(values, dtype=np.float32)


def overlaps_of(found: MaskSet, truth: MaskSet, *, patient: str = "") -> Overlaps:
    """Compare every prediction of an image with every true mask.

    Raises:
        InputRejected: a prediction has no score.
    """
    if len(found.scores) != len(found.masks):
        raise InputRejected(f"{len(found.masks)} predictions have {len(found.scores)} scores")
    return Overlaps(
        patient=patient,
        labels=found.labels,
        scores=found.scores,
        true_labels=truth.labels,
        iou=exact_ious(found.masks, truth.masks),
    )


def mask_ious(
    first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Pixels of both over pixels of either, for each pair; (P, T).  Two empty masks give 0."""
    return exact_ious(first, second).astype(np.float32)


def exact_ious(
    first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """The same in double precision, as COCO's definition has them."""
    pixels = int(np.prod(first.shape[1:]))
    # Counts of pixels are whole numbers that float32 holds exactly.
    one, other = (m.reshape(len(m), pixels).astype(np.float32) for m in (first, second))
    both = (one @ other.T).astype(np.float64)
    sums = [m.sum(axis=1, dtype=np.float64) for m in (one, other)]
    either = sums[0][:, None] + sums[1][None, :] - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0))


def _claimed(
    iou: Float32, same_class: npt.NDArray[np.bool_], threshold: float
) -> npt.NDArray[np.bool_]:
    """Which predictions (P,) some true mask claims; the other arguments are (P, T)."""
    eligible = np.where(same_class & (iou > np.float32(threshold)), iou, -1.0)
    best, columns = eligible.argmax(axis=0), np.arange(iou.shape[1])
    claimed = np.zeros(len(iou), dtype=np.bool_)
    claimed[best[eligible[best, columns] > 0.0]] = True
    return claimed


def _area(hit: npt.NDArray[np.bool_], num_true: int) -> float:
    """Area under the precision-recall steps, precision made monotone from the right."""
    hits = np.cumsum(hit)
    precision = np.concatenate([[0.0], hits / np.arange(1, len(hits) + 1), [0.0]])
    recall = np.concatenate([[0.0], hits / num_true, [1.0]])
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope[1:]))
