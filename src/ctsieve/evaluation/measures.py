"""Every number of a yes-no question, by name, each computed once and given its interval.

A measure is a function of a sample and of weightings of its cases: weights of one give its value,
weights drawn by patient its interval.  A proportion of independent cases has Wilson's instead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation import calls, ranking, reliability
from ctsieve.evaluation.intervals import (
    DRAWS,
    NO_WIDTH,
    Weights,
    patient_draws,
    percentile_interval,
    wilson,
)
from ctsieve.evaluation.sample import Bools, Floats, Sample
from ctsieve.types.cases import is_known
from ctsieve.types.report import Absent, Figure, Measured

CHUNK = 250
"""Draws that are computed at a time: 5000 cases take 10 MB."""

FEWEST_PATIENTS = 2
"""Of either kind: one patient tells nothing of how others would do."""

ONE_KIND = "needs cases of both kinds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number that a sample may have."""

    title: str
    of: Callable[[Sample, Weights], Floats]
    cases: Callable[[Sample], tuple[Bools, Bools]] | None = None
    """Of a proportion: the cases that count, and the hits."""
    needs_both: bool = True
    missing: str = ONE_KIND
    """Why a sample may not have it."""
    is_share: bool = True
    """Whether it lies in [0, 1], where all right calls of few patients are no certainty."""
    least: float = 0.0
    """What a share is at the least; of a part of a curve, corrected for chance, more than 0."""


MEASURES: Mapping[str, Measure] = {
    "auc": Measure(title="AUC-ROC", of=ranking.aucs),
    "ap": Measure(title="Average precision", of=ranking.average_precisions),
    "auc_pr": Measure(title="AUC-PR", of=ranking.precision_recall_areas),
    "sensitivity": Measure(
        title="Sensitivity",
        of=calls.sensitivities,
        cases=calls.sensitivity_cases,
        needs_both=False,
        missing="no case is positive",
    ),
    "specificity": Measure(
        title="Specificity",
        of=calls.specificities,
        cases=calls.specificity_cases,
        needs_both=False,
        missing="no case is negative",
    ),
    "ppv": Measure(
        title="PPV (precision)",
        of=calls.positive_values,
        cases=calls.positive_value_cases,
        missing="no case is called positive",
    ),
    "npv": Measure(
        title="NPV",
        of=calls.negative_values,
        cases=calls.negative_value_cases,
        missing="every case is called positive",
    ),
    "accuracy": Measure(
        title="Accuracy", of=calls.accuracies, cases=calls.accuracy_cases, needs_both=False
    ),
    "balanced_accuracy": Measure(title="Balanced accuracy", of=calls.balanced_accuracies),
    "f1": Measure(title="F1", of=calls.f1_scores),
    "mcc": Measure(title="MCC", of=calls.matthews),
    "brier": Measure(title="Brier score", of=reliability.brier_scores, is_share=False),
    "ece": Measure(title="ECE", of=reliability.calibration_errors, is_share=False),
    "slope": Measure(
        title="Calibration slope",
        of=reliability.calibration_slopes,
        missing="no slope fits: the scores separate the two kinds, or are all alike",
        is_share=False,
    ),
    "intercept": Measure(
        title="Calibration intercept",
        of=reliability.calibration_intercepts,
        missing="no finite intercept fits",
        is_share=False,
    ),
}


def measured(
    sample: Sample,
    measures: Mapping[str, Measure] = MEASURES,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Measured]:
    """Every measure with its interval, or why the sample does not have it."""
    reason = _too_few(sample)
    has_both = not reason
    once = np.ones((1, sample.num_cases), np.float32)
    values: dict[str, float] = {}
    absent: dict[str, Measured] = {}
    for name, measure in measures.items():
        value = float(measure.of(sample, once)[0]) if has_both or not measure.needs_both else np.nan
        if np.isfinite(value):
            values[name] = value
        else:
            absent[name] = Absent(reason=reason or measure.missing)
    drawn = {n: m for n, m in measures.items() if n in values and not _is_wilson(m, sample)}
    intervals = _bootstrapped(sample, drawn, draws=draws, seed=seed)
    return {
        name: absent[name]
        if name in absent
        else _figure(sample, measures[name], values[name], intervals.get(name))
        for name in measures
    }


def figure(sample: Sample, name: str, *, seed: int = 0) -> Measured:
    """One of `MEASURES`."""
    return measured(sample, {name: MEASURES[name]}, seed=seed)[name]


def _is_wilson(measure: Measure, sample: Sample) -> bool:
    return measure.cases is not None and sample.is_independent


def _bootstrapped(
    sample: Sample, measures: Mapping[str, Measure], *, draws: int, seed: int
) -> dict[str, tuple[float, float]]:
    if not measures:
        return {}
    weight = patient_draws(sample.patient, draws=draws, seed=seed)
    chunks = [weight[i : i + CHUNK] for i in range(0, draws, CHUNK)]
    return {
        name: percentile_interval(np.concatenate([measure.of(sample, c) for c in chunks]))
        for name, measure in measures.items()
    }


def _figure(
    sample: Sample, measure: Measure, value: float, interval: tuple[float, float] | None
) -> Figure:
    counted = sample
    if measure.cases is not None:
        of, hit = measure.cases(sample)
        counted = sample.of(of)
        interval = interval or wilson(int((hit & of).sum()), counted.num_cases)
    low, high = interval or (value, value)
    if measure.is_share and high - low < NO_WIDTH:
        low, high = _of_no_width(counted, value)
        low = max(low, measure.least)
    # Errors that cannot be negative, the ECE above all, are larger in draws than in the data, by
    # as much as an interval may be wide: it is drawn out to the value, which it must not deny.
    return Figure(
        value=value,
        low=min(low, value),
        high=max(high, value),
        num_cases=counted.num_cases,
        num_patients=counted.num_patients,
    )


def _of_no_width(sample: Sample, value: float) -> tuple[float, float]:
    """An interval where every draw is the same: Wilson's for the patients of the rarer kind.

    A bootstrap of 10 patients that are all told apart, or of many slices of one patient, finds
    nothing else, and would call it sure.
    """
    kinds = [k for k in (sample.positive, ~sample.positive) if k.any()]
    patients = min(np.unique(sample.patient[kind]).size for kind in kinds)
    return wilson(max(0.0, value) * patients, patients)


def _too_few(sample: Sample) -> str:
    """Why nothing that compares the two kinds can be said; empty where it can."""
    if not 0 < sample.num_positive < sample.num_cases:
        kind = "positive" if sample.num_positive else "negative"
        return f"all {sample.num_cases} cases are {kind}"
    for kind, own in (("positive", sample.positive), ("negative", ~sample.positive)):
        if np.unique(sample.patient[own]).size < FEWEST_PATIENTS:
            if not is_known(str(sample.patient[own][0])):
                return f"nobody knows of which patients the {kind} cases are"
            return f"all {kind} cases are of one patient"
    return ""
