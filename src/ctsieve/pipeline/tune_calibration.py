"""Calibration and thresholds of a recipe from scores of tune cases, wherever those suffice.

A label of its own gets Platt scaling; labels that share a softmax get one temperature.  A level
whose tune cases do not hold every label stays as it is, and a sentence says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.measures import figure
from ctsieve.evaluation.operating_point import choose
from ctsieve.evaluation.recalibration import fit_platt, fit_shared_slope
from ctsieve.evaluation.tune import TuneSample
from ctsieve.ops.decide import probabilities
from ctsieve.types.cases import Split
from ctsieve.types.errors import InputRejected
from ctsieve.types.recipe import Calibration, Level, Recipe, Threshold
from ctsieve.types.report import Measured
from ctsieve.types.scores import CaseScore, ScoredLevel, ScoreTable

LEVELS: dict[ScoredLevel, str] = {"slice": "picture", "scan": "scan"}
"""Levels of scores, and where a recipe keeps what is fitted on them."""
ALIKE = "every patient counting alike within a label, and labels alike"
OTHER = "non_covid19"
"""What a label that the network does not know counts as: not the one it knows."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelResult:
    """One label at one level, on the tune cases that calibration and threshold come from."""

    level: ScoredLevel
    label: str
    num_positive: int
    num_negative: int
    num_patients: int
    auc: Measured
    threshold: Threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneCalibration:
    """A recipe with what could be fitted, the results behind it, and why the rest was not."""

    recipe: Recipe
    results: tuple[LabelResult, ...]
    reasons: tuple[str, ...]


def calibrated_on_tune(recipe: Recipe, table: ScoreTable, split: Split) -> TuneCalibration:
    """Fit every level of `recipe` for which `table`, scores of the tune side of `split`, suffices.

    Raises:
        InputRejected: a row is not from the tune side.
    """
    if not recipe.labels:
        reason = "The network finds objects and gives no class: there is nothing to calibrate."
        return TuneCalibration(recipe=recipe, results=(), reasons=(reason,))
    levels: dict[str, Level] = {}
    results: list[LabelResult] = []
    reasons: list[str] = []
    for level, kept in LEVELS.items():
        rows = tuple(known(row, recipe) for row in table.judged if row.level == level)
        lacking = labels_without_both(rows, recipe.labels)
        if not rows or lacking:
            reasons.append(_reason(level, len(rows), lacking))
            continue
        levels[kept], found = _fitted(recipe, table.of(rows), split, level)
        results += found
    dumped = {kept: level.model_dump() for kept, level in levels.items()}
    fitted = Recipe.model_validate(recipe.model_dump() | dumped)
    return TuneCalibration(recipe=fitted, results=tuple(results), reasons=tuple(reasons))


def known(row: CaseScore, recipe: Recipe) -> CaseScore:
    """The row with a label that can be judged, as in training.

    Raises:
        InputRejected: labels share a softmax, and this one is none of them.
    """
    if row.label in recipe.labels:
        return row
    if not recipe.multi_label:
        raise InputRejected(
            f"case {row.case!r} has the label {row.label!r}, which the network cannot answer",
            hint=f"it knows: {', '.join(recipe.labels)}",
        )
    return replace(row, label=OTHER)


def labels_without_both(rows: tuple[CaseScore, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    """Labels that all rows have, or none."""
    shares = {label: sum(row.label == label for row in rows) for label in labels}
    return tuple(label for label, number in shares.items() if not 0 < number < len(rows))


def _reason(level: ScoredLevel, num_rows: int, lacking: tuple[str, ...]) -> str:
    words = {"slice": "Single slices", "scan": "Scans"}[level]
    if not num_rows:
        return f"{words} are not calibrated: the tune side has none that could be judged."
    return (
        f"{words} are not calibrated: the {num_rows} of the tune side do not hold both cases with "
        f"and cases without {' and '.join(lacking)}."
    )


def _fitted(
    recipe: Recipe, table: ScoreTable, split: Split, level: ScoredLevel
) -> tuple[Level, list[LabelResult]]:
    samples = {
        label: TuneSample.from_scores(table, label, level, negative=(OTHER,))
        for label in sorted(recipe.labels)
    }
    slopes = _platt(samples) if recipe.multi_label else _temperature(recipe, samples)
    how = "Platt scaling" if recipe.multi_label else "one temperature of all labels"
    origin = {"digest": split.digest, "leakage": split.leakage}
    logits = np.stack([samples[label].logit for label in recipe.labels], axis=1)
    parts = [
        Calibration(
            slope=slopes[label][0],
            intercept=slopes[label][1],
            fitted=samples[label].fitted(f"{how}; {ALIKE}").model_copy(update=origin),
        )
        for label in recipe.labels
    ]
    before: Level = getattr(recipe, LEVELS[level])
    scaled = before.model_copy(update={"calibration": tuple(parts)})
    values = probabilities(logits, scaled, multi_label=recipe.multi_label)
    results = [
        _result(samples[label], values[:, number], label, level, origin)
        for number, label in enumerate(recipe.labels)
    ]
    cuts = tuple(result.threshold for result in results)
    return scaled.model_copy(update={"thresholds": cuts}), results


def _platt(samples: dict[str, TuneSample]) -> dict[str, tuple[float, float]]:
    fitted = {label: fit_platt(sample) for label, sample in samples.items()}
    return {label: (one.slope, one.intercept) for label, one in fitted.items()}


def _temperature(recipe: Recipe, samples: dict[str, TuneSample]) -> dict[str, tuple[float, float]]:
    logits = np.stack([samples[label].logit for label in recipe.labels], axis=1)
    true = np.stack([samples[label].positive for label in recipe.labels], axis=1).argmax(axis=1)
    patient = samples[recipe.labels[0]].patient
    slope = fit_shared_slope(logits, true, patient)
    return dict.fromkeys(recipe.labels, (slope, 0.0))


def _result(
    sample: TuneSample,
    probability: Floats,
    label: str,
    level: ScoredLevel,
    origin: Mapping[str, object],
) -> LabelResult:
    point = choose(sample, probability, "youden")
    return LabelResult(
        level=level,
        label=label,
        num_positive=int(sample.positive.sum()),
        num_negative=int((~sample.positive).sum()),
        num_patients=int(np.unique(sample.patient).size),
        auc=figure(sample.sample(probability), "auc"),
        threshold=Threshold(
            label=label,
            value=point.threshold,
            fitted=point.fitted.model_copy(update=origin),
            sensitivity=point.sensitivity,
            specificity=point.specificity,
        ),
    )


def rescored(table: ScoreTable, recipe: Recipe) -> ScoreTable:
    """The same logits as `recipe` calibrates them: what screening again would say."""
    return table.of(tuple(_rescored(row, recipe) for row in table.rows))


def _rescored(row: CaseScore, recipe: Recipe) -> CaseScore:
    if not row.judged:
        return row
    level: Level = getattr(recipe, LEVELS[row.level])
    logits = np.array([row.logits[label] for label in recipe.labels])
    values = probabilities(logits, level, multi_label=recipe.multi_label)
    return replace(
        row,
        scores={label: float(p) for label, p in zip(recipe.labels, values, strict=True)},
        thresholds={cut.label: cut.value for cut in level.thresholds},
    )
