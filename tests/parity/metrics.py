"""Per-image average precision and weighted F1 beside the authors' functions."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.class_f1 import PAPER_SHARES, class_scores
from ctsieve.evaluation.per_image_ap import MaskSet, image_ap, mask_ious, per_image_ap
from tests.parity import Arrays, Fill, Gold, Row, close, equal

AP = "per-image AP"
F1 = "weighted F1"


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Compare each case, the data set of all cases but the hand-made last, and each matrix."""
    atol, thresholds = gold["recommended_atol"], gold["iou_thresholds"]
    cases = []
    for number, case in enumerate(gold["cases"]):
        found, truth = _case(number, case, gold, arrays)
        cases.append((found, truth))
        yield from _masks(number, case, found, truth, atol["iou"])
        got = image_ap(found, truth, thresholds=thresholds)
        yield close(AP, f"case {number}, {len(got)} IoUs", got, case["ap_at_each_iou"], atol["ap"])
        yield close(AP, f"case {number}, mean", got.mean(), case["mean_over_ious"], atol["ap"])
    yield from _data_set(cases, gold)
    for number, matrix in enumerate(gold["confusion_matrices"]):
        yield from _matrix(number, matrix, atol["f1"])


def _case(
    number: int, case: Mapping[str, Any], gold: Gold, arrays: Arrays
) -> tuple[MaskSet, MaskSet]:
    rows, columns = gold["mask_shape"]

    def masks(side: str) -> npt.NDArray[np.bool_]:
        bits = np.unpackbits(arrays[f"case{number}_{side}"], axis=1)
        return bits[:, : rows * columns].reshape(-1, rows, columns).astype(np.bool_)

    scores = np.asarray(case["prediction_scores"], dtype=np.float32)
    labels = np.asarray(case["prediction_labels"], dtype=np.int64)
    found = MaskSet(masks=masks("pred"), labels=labels, scores=scores)
    return found, MaskSet(masks=masks("gt"), labels=np.asarray(case["gt_labels"], dtype=np.int64))


def _masks(
    number: int, case: Mapping[str, Any], found: MaskSet, truth: MaskSet, atol: float
) -> Iterator[Row]:
    for side, masks in (("gt", truth.masks), ("prediction", found.masks)):
        yield equal(AP, f"case {number}, {side} areas", masks.sum((1, 2)), case[f"{side}_areas"])
    want = np.reshape(case["iou_matrix_pred_x_gt"], (len(found.masks), len(truth.masks)))
    yield close(AP, f"case {number}, IoU matrix", mask_ious(found.masks, truth.masks), want, atol)


def _data_set(cases: list[tuple[MaskSet, MaskSet]], gold: Gold) -> Iterator[Row]:
    want, atol = gold["data_set_result"], gold["recommended_atol"]["ap"]
    (name,) = (key for key in want if key.startswith("ap_per_iou_mean_over_"))
    num_images = int(name.removeprefix("ap_per_iou_mean_over_").removesuffix("_images"))
    result = per_image_ap(cases[:num_images], thresholds=gold["iou_thresholds"])
    yield close(AP, f"mean over {num_images} images", result.by_threshold, want[name], atol)
    yield close(AP, "mAP", result.mean, want["map"], atol)


def _matrix(number: int, matrix: Mapping[str, Any], atol: float) -> Iterator[Row]:
    got = class_scores(matrix["confusion_matrix"], shares=PAPER_SHARES)
    values: dict[str, npt.ArrayLike] = {
        "sensitivity": got.sensitivity,
        "precision": got.precision,
        "f1_per_class": got.f1,
        "accuracy": got.accuracy,
        "f1_weighted_045_035_020": got.weighted_f1,
        "f1_float64": got.weighted_f1,
    }
    for name, value in values.items():
        yield close(F1, f"matrix {number}, {name}", value, matrix[name], atol)
