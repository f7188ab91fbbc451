"""Average precision of lesion masks by COCO's definition, with an interval over patients.

Source   Lin et al. 2014, ECCV (MS COCO), evaluated by faster-coco-eval (the same numbers as
         pycocotools): per class over all images together, 101 recall levels, at most 100
         detections an image, mean over classes.  The One Shot papers' AP is another number: see
         `per_image_ap`.

Needs the train extra.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from faster_coco_eval.core import mask as run_lengths

from ctsieve.evaluation.intervals import percentile_interval
from ctsieve.evaluation.per_image_ap import MaskSet
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Figure

DRAWS = 200
"""Each is a whole COCO evaluation, so there are fewer than of other numbers."""

MOST_DETECTIONS = 100
NAMES = ("map", "ap50", "ap75")
"""AP at IoU .50:.05:.95, at .50 and at .75: the first three of COCO's summary."""

Annotation = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMasks:
    """Predicted and true lesion instances of one image."""

    patient: str
    found: MaskSet
    truth: MaskSet


@dataclass(frozen=True, slots=True, kw_only=True)
class _Encoded:
    """The same as COCO's annotations, without ids."""

    size: tuple[int, int]
    found: tuple[Annotation, ...]
    truth: tuple[Annotation, ...]


def coco_ap(
    images: Sequence[ImageMasks], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Figure]:
    """AP by COCO's definition: `map`, `ap50` and `ap75`.

    Raises:
        InputRejected: no image has a true lesion, so that nothing can be found.
    """
    num_true = sum(len(image.truth.masks) for image in images)
    if num_true == 0:
        raise InputRejected(
            f"{len(images)} images hold 0 true lesions",
            hint="average precision needs a lesion; without any, count false alarms instead",
        )
    encoded = [_encoded(image) for image in images]
    value = _evaluated(encoded)
    names, index = np.unique([image.patient for image in images], return_inverse=True)
    own = [[encoded[i] for i in np.flatnonzero(index == k)] for k in range(names.size)]
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws):
        chosen = [e for k in random.integers(0, names.size, names.size) for e in own[k]]
        if any(e.truth for e in chosen):
            drawn.append(_evaluated(chosen))
    table = np.array(drawn).reshape(-1, len(NAMES))
    return {
        name: _figure(value[i], np.asarray(table[:, i]), len(images), int(names.size))
        for i, name in enumerate(NAMES)
    }


def _figure(
    value: float, drawn: np.ndarray[tuple[int], np.dtype[np.float64]], cases: int, patients: int
) -> Figure:
    low, high = percentile_interval(drawn) if drawn.size else (value, value)
    return Figure(value=value, low=low, high=high, num_cases=cases, num_patients=patients)


def _encoded(image: ImageMasks) -> _Encoded:
    scores = [float(s) for s in image.found.scores]
    found = [{**a, "score": s} for a, s in zip(_annotations(image.found), scores, strict=True)]
    rows, columns = image.truth.masks.shape[1:]
    truth = tuple(_annotations(image.truth))
    return _Encoded(size=(rows, columns), found=tuple(found), truth=truth)


def _annotations(masks: MaskSet) -> list[Annotation]:
    annotations: list[Annotation] = []
    for mask, label in zip(masks.masks, masks.labels, strict=True):
        code = run_lengths.encode(np.asfortranarray(mask.astype(np.uint8)))
        annotations.append(
            {
                "category_id": int(label),
                "segmentation": code,
                "area": float(mask.sum()),
                "bbox": [float(v) for v in run_lengths.toBbox(code)],
                "iscrowd": 0,
            }
        )
    return annotations


def _evaluated(images: Sequence[_Encoded]) -> tuple[float, ...]:
    """COCO's first three numbers."""
    truth, found = _numbered(images, "truth"), _numbered(images, "found")
    kinds = sorted({int(str(a["category_id"])) for a in truth})
    pictures = [
        {"id": i, "height": image.size[0], "width": image.size[1]}
        for i, image in enumerate(images, start=1)
    ]
    known = COCO(
        {
            "images": pictures,
            "annotations": truth,
            "categories": [{"id": kind, "name": str(kind)} for kind in kinds],
        }
    )
    wanted = [a for a in found if a["category_id"] in kinds]
    if not wanted:
        return (0.0,) * len(NAMES)
    judge = COCOeval_faster(known, known.loadRes(wanted), "segm")
    judge.params.maxDets = [1, 10, MOST_DETECTIONS]
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return tuple(float(v) for v in judge.stats[: len(NAMES)])


def _numbered(images: Sequence[_Encoded], side: str) -> list[Annotation]:
    rows = [
        {**annotation, "image_id": i}
        for i, image in enumerate(images, start=1)
        for annotation in (image.truth if side == "truth" else image.found)
    ]
    return [{**row, "id": number} for number, row in enumerate(rows, start=1)]
