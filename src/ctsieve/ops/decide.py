"""From the network's numbers and a recipe to an answer, which may be an abstention."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from ctsieve.ops.slices import scan_logit
from ctsieve.types.recipe import Calibration, Level, Recipe
from ctsieve.types.results import LesionFlag, Prediction, SliceScores

Logits = npt.NDArray[np.floating]


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


def score_slices(
    output: Mapping[str, npt.NDArray[np.float32]],
    index: npt.NDArray[np.int64],
    recipe: Recipe,
) -> SliceScores:
    """Scores of the judged slices from the graph's `logits` (S, L) and `lesion_logits` (S, K)."""
    logit = output["logits"]
    lesion = output.get("lesion_logits", np.zeros((logit.shape[0], 0), dtype=np.float32))
    _, weight = scan_logit(logit, recipe.slice_rule)
    calibrated = probabilities(logit, recipe.picture, multi_label=recipe.multi_label)
    return SliceScores(
        index=index,
        logit=logit.astype(np.float32),
        probability=calibrated.astype(np.float32),
        lesion=sigmoid(lesion).astype(np.float32),
        weight=weight,
    )


def decide(scores: SliceScores, recipe: Recipe, *, level: Literal["picture", "scan"]) -> Prediction:
    """The answer for a picture or a scan; abstains where the recipe says so."""
    rules = recipe.scan if level == "scan" else recipe.picture
    logit, _ = scan_logit(scores.logit, recipe.slice_rule)
    values = probabilities(logit, rules, multi_label=recipe.multi_label)
    return Prediction(
        probability={k: float(p) for k, p in zip(recipe.labels, values, strict=True)},
        threshold=_thresholds(rules),
        logit={k: float(v) for k, v in zip(recipe.labels, logit, strict=True)},
        multi_label=recipe.multi_label,
        calibrated=all(_is_fitted(c) for c in rules.calibration),
        level=level,
        abstained=_abstention(float(values[0]), scores.index.size, recipe, level=level),
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
    if level == "scan" and num_slices < recipe.min_slices:
        return f"only {num_slices} slices show lungs; a scan needs {recipe.min_slices} to be called"
    if rules.uncertain is not None and rules.uncertain[0] < value < rules.uncertain[1]:
        low, high = rules.uncertain
        return f"probability {value:.2f} lies in the uncertain band {low:.2f} to {high:.2f}"
    return None
