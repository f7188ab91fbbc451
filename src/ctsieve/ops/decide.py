"""From the network's numbers and a recipe to an answer, which may be an abstention."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from ctsieve.ops.objects import lesion_pixels
from ctsieve.ops.slices import scan_logit, slice_weights
from ctsieve.types.recipe import Calibration, Level, Recipe, SliceRule
from ctsieve.types.results import LesionFlag, Prediction, SliceScores

Logits = npt.NDArray[np.floating]
Output = Mapping[str, npt.NDArray[np.float32]]
"""What a bundle's graphs returned."""

NO_CLASS = "this network finds lesions and gives no class of the image"


def sigmoid(logit: Logits) -> npt.NDArray[np.float64]:
    """The logistic function, without overflow."""
    clipped = np.clip(np.asarray(logit, dtype=np.float64), -60.0, 60.0)
    return np.asarray(1.0 / (1.0 + np.exp(-clipped)))


def probabilities(logit: Logits, level: Level, *, multi_label: bool) -> npt.NDArray[np.float64]:
    """Calibrated probabilities (..., L) from logits (..., L)."""
    slope = np.array([c.slope for c in level.calibration])
    intercept = np.array([c.intercept for c in level.calibration])
    scaled = np.asarray(logit, dtype=np.float64) * slope + intercept
    if multi_label:
        return sigmoid(scaled)
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def score_slices(output: Output, index: npt.NDArray[np.int64], recipe: Recipe) -> SliceScores:
    """What the graphs say of the judged slices `index` (S,); see `SliceScores`.

    Reads `logits` (S, L), or `slice_logits` (1, S, L) of a scan; `lesion_logits` (S, K);
    `attention` (1, S) of a scan; objects where there is nothing else.
    """
    logit = _slice_logits(output, index.size, recipe)
    lesion = output.get("lesion_logits", np.zeros((index.size, 0), dtype=np.float32))
    calibrated = logit.astype(np.float64)
    if logit.shape[1] > 0:
        calibrated = probabilities(logit, recipe.picture, multi_label=recipe.multi_label)
    return SliceScores(
        index=index,
        logit=logit.astype(np.float32),
        probability=calibrated.astype(np.float32),
        lesion=sigmoid(lesion).astype(np.float32),
        weight=_weights(output, logit, recipe),
    )


def _slice_logits(output: Output, num_slices: int, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Logits of single slices (S, L), or (S, 0) where there are none."""
    if recipe.kind == "scan" and "slice_logits" in output:
        return np.asarray(output["slice_logits"][0])
    if recipe.kind == "scan" or not recipe.labels:
        return np.zeros((num_slices, 0), dtype=np.float32)
    return output["logits"]


def _weights(
    output: Output, logit: npt.NDArray[np.float32], recipe: Recipe
) -> npt.NDArray[np.float32]:
    """Each slice's share (S,) in the answer, as the network has it; even where it has none."""
    if recipe.kind != "scan" and recipe.labels:
        _, weight = scan_logit(logit, recipe.slice_rule)
        return weight
    if "attention" in output:
        share = output["attention"][0]
    elif logit.shape[1] > 0:
        return slice_weights(logit[:, 0], SliceRule(kind="max"))
    elif recipe.objects is not None:
        share = lesion_pixels(output, recipe.objects)
    else:
        share = np.zeros(len(logit), dtype=np.float32)
    total = float(share.sum())
    even = np.full(len(logit), 1.0 / len(logit), dtype=np.float32)
    return (share / total).astype(np.float32) if total > 0.0 else even


def image_logit(output: Output, recipe: Recipe) -> npt.NDArray[np.float64]:
    """Logits (L,) of the whole image: the network's for a scan, else by the slice rule."""
    if recipe.kind == "scan":
        return np.asarray(output["logits"][0], dtype=np.float64)
    logit, _ = scan_logit(output["logits"], recipe.slice_rule)
    return logit


def decide(
    output: Output, recipe: Recipe, *, num_slices: int, level: Literal["picture", "scan"]
) -> Prediction:
    """The answer for a picture or a scan; abstains where the recipe says so.

    `num_slices` were judged.
    """
    if not recipe.labels:
        return no_answer(recipe, level=level, reason=NO_CLASS)
    rules = recipe.scan if level == "scan" else recipe.picture
    logit = image_logit(output, recipe)
    values = probabilities(logit, rules, multi_label=recipe.multi_label)
    return Prediction(
        probability={k: float(p) for k, p in zip(recipe.labels, values, strict=True)},
        threshold=_thresholds(rules),
        logit={k: float(v) for k, v in zip(recipe.labels, logit, strict=True)},
        multi_label=recipe.multi_label,
        calibrated=all(_is_fitted(c) for c in rules.calibration),
        level=level,
        abstained=_abstention(float(values[0]), num_slices, recipe, level=level),
    )


def no_answer(recipe: Recipe, *, level: Literal["picture", "scan"], reason: str) -> Prediction:
    """The prediction of an image that must not be judged: thresholds and a reason, no number."""
    rules = recipe.scan if level == "scan" else recipe.picture
    return Prediction(
        probability={},
        threshold=_thresholds(rules),
        multi_label=recipe.multi_label,
        calibrated=False,
        level=level,
        abstained=reason,
    )


def flag_lesions(scores: SliceScores, recipe: Recipe) -> tuple[LesionFlag, ...]:
    """One flag per lesion kind: the mean of its probability over the slices that decided."""
    if not recipe.lesions:
        return ()
    thresholds = recipe.lesion_thresholds or (0.5,) * len(recipe.lesions)
    values = scores.weight.astype(np.float64) @ scores.lesion.astype(np.float64)
    return tuple(
        LesionFlag(kind=kind, probability=float(p), threshold=t, present=bool(p >= t))
        for kind, p, t in zip(recipe.lesions, values, thresholds, strict=True)
    )


def _thresholds(rules: Level) -> dict[str, float]:
    return {t.label: t.value for t in rules.thresholds}


def _is_fitted(calibration: Calibration) -> bool:
    return calibration.fitted is not None


def _abstention(
    value: float, num_slices: int, recipe: Recipe, *, level: Literal["picture", "scan"]
) -> str | None:
    rules = recipe.scan if level == "scan" else recipe.picture
    if level == "picture" and recipe.kind == "scan":
        return "this bundle reads scans; a single slice is none"
    if level == "scan" and num_slices < recipe.min_slices:
        return f"only {num_slices} slices show lungs; a scan needs {recipe.min_slices} to be called"
    if rules.uncertain is not None and rules.uncertain[0] < value < rules.uncertain[1]:
        low, high = rules.uncertain
        return f"probability {value:.2f} lies in the uncertain band {low:.2f} to {high:.2f}"
    return None
