"""What a detector's lesions are worth: AP by two definitions, Dice and volume error, with n.

Intervals draw whole patients; where all images are of one patient there is none.

Source   see `coco_ap`, `per_image_ap` and `volumes`, whose numbers these are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.coco_ap import NAMES, coco_ap_by_kind
from ctsieve.evaluation.intervals import DRAWS, patient_draws, percentile_interval, share_interval
from ctsieve.evaluation.lesion_images import ANY, Compared, Counted
from ctsieve.evaluation.per_image_ap import Overlaps, ap_of
from ctsieve.evaluation.sample import Floats
from ctsieve.evaluation.volumes import BlandAltman, bland_altman
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Absent, Figure, Measured

AP_TITLES = {"map": "AP .50:.05:.95", "ap50": "AP .50", "ap75": "AP .75"}
COCO, PER_IMAGE = "coco", "per_image"
DICE, VOLUME = "dice", "volume_error_ml"
TITLES = {f"{COCO}_{name}": f"{AP_TITLES[name]}, COCO" for name in NAMES}
TITLES |= {f"{PER_IMAGE}_{name}": f"{AP_TITLES[name]}, per image" for name in NAMES}
TITLES |= {DICE: "Dice", VOLUME: "Volume error, ml (found - true)"}
NO_MILLIMETRES = "no image has millimetres, so no volume is known"
AT_50, AT_75 = 0, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionMeasure:
    """One number of one kind of lesion, or of all of them."""

    name: str
    """A key of `TITLES`."""
    kind: str
    """Of `Kinds.names`; empty: the mean over kinds (COCO), or all kinds together."""
    value: Measured
    num_lesions: int
    """True ones that the number is about."""


def lesion_measures(of: Compared, *, draws: int = DRAWS) -> tuple[LesionMeasure, ...]:
    """Every measure of all kinds and, where there are several, of each.

    Raises:
        InputRejected: there is no image.
    """
    if not of.images:
        raise InputRejected("no case with a mask could be measured")
    names = of.kinds.names
    numbers = [ANY, *range(1, len(names) + 1)] if len(names) > 1 else [ANY]
    return tuple(
        LesionMeasure(
            name=name,
            kind="" if number == ANY else names[number - 1],
            value=value,
            num_lesions=num_lesions(of.images, number),
        )
        for measure in (_coco, _per_image, _dice, _volume)
        for name, number, value in measure(of, numbers, draws)
    )


def num_lesions(images: Sequence[Overlaps], number: int = ANY) -> int:
    """True lesions of a kind, or of all."""
    return sum(
        int(image.true_labels.size if number == ANY else (image.true_labels == number).sum())
        for image in images
    )


def volume_agreement(cases: Sequence[Counted]) -> BlandAltman | Absent:
    """Found and true ml of all kinds, one pair a patient (the mean of a patient's scans)."""
    known = [case for case in cases if case.voxel_ml is not None]
    if not known:
        return Absent(reason=NO_MILLIMETRES)
    patient = np.array([case.patient for case in known])
    ml = np.array([_ml(case, ANY) for case in known])
    each = np.array([ml[patient == one].mean(axis=0) for one in np.unique(patient)])
    try:
        return bland_altman(each[:, 0], each[:, 1])
    except InputRejected as error:
        return Absent(reason=str(error))


def per_image_figures(images: Sequence[Overlaps], *, draws: int = DRAWS) -> dict[str, Figure]:
    """`map`, `ap50` and `ap75` by the authors' per-image definition, by the names of `NAMES`."""
    by_image = np.stack([ap_of(image) for image in images]).astype(np.float64)
    patient = [image.patient for image in images]
    columns = {"map": by_image.mean(axis=1), "ap50": by_image[:, AT_50], "ap75": by_image[:, AT_75]}
    return {name: _mean(column, patient, draws, is_share=True) for name, column in columns.items()}


Rows = list[tuple[str, int, Measured]]
Measure = Callable[[Compared, list[int], int], Rows]


def _coco(of: Compared, numbers: list[int], draws: int) -> Rows:
    try:
        found = coco_ap_by_kind(of.images, draws=draws)
    except InputRejected as error:
        return [(f"{COCO}_{n}", k, Absent(reason=str(error))) for n in NAMES for k in numbers]
    none = Absent(reason="0 true lesions of this kind")
    return [
        (f"{COCO}_{name}", number, found[number][name] if number in found else none)
        for name in NAMES
        for number in numbers
    ]


def _per_image(of: Compared, numbers: list[int], draws: int) -> Rows:
    found = {}
    for number in numbers:
        own = of.images if number == ANY else [image.of_kind(number) for image in of.images]
        if num_lesions(own):
            found[number] = per_image_figures(own, draws=draws)
    none = Absent(reason="0 true lesions")
    return [
        (f"{PER_IMAGE}_{name}", number, found[number][name] if number in found else none)
        for name in NAMES
        for number in numbers
    ]


def _dice(of: Compared, numbers: list[int], draws: int) -> Rows:
    """Mean over cases that have the kind: elsewhere Dice is 0 or 1 whatever was found."""
    rows: Rows = []
    for number in numbers:
        own = [case for case in of.cases if case.pixels[number, 1]]
        found, true, both = np.array([case.pixels[number] for case in own]).reshape(-1, 3).T
        value: Measured = Absent(reason="0 true lesions")
        if own:
            dice = 2.0 * both / (found + true)
            value = _mean(dice, [case.patient for case in own], draws, is_share=True)
        rows.append((DICE, number, value))
    return rows


def _volume(of: Compared, numbers: list[int], draws: int) -> Rows:
    known = [case for case in of.cases if case.voxel_ml is not None]
    if not known:
        return [(VOLUME, ANY, Absent(reason=NO_MILLIMETRES))]
    patient = [case.patient for case in known]
    rows: Rows = []
    for number in numbers:
        error = np.array([found - true for found, true in (_ml(c, number) for c in known)])
        rows.append((VOLUME, number, _mean(error, patient, draws)))
    return rows


def _ml(case: Counted, number: int) -> tuple[float, float]:
    """Found and true volume of a case with millimetres."""
    voxel = case.voxel_ml or 0.0
    return float(case.pixels[number, 0]) * voxel, float(case.pixels[number, 1]) * voxel


def _mean(values: Floats, patient: Sequence[str], draws: int, *, is_share: bool = False) -> Figure:
    """Mean of cases with an interval over patients; shares lie between 0 and 1."""
    names = np.array(patient)
    weight = patient_draws(names, draws=draws).astype(np.float64)
    value, patients = float(values.mean()), int(np.unique(names).size)
    drawn = (weight @ values) / weight.sum(axis=1)
    low, high = share_interval(drawn, value, patients) if is_share else percentile_interval(drawn)
    return Figure(value=value, low=low, high=high, num_cases=values.size, num_patients=patients)
