"""What a cut does: the four counts of a yes-no call, and every number made of them.

Sources  F1: van Rijsbergen 1979; MCC: Matthews 1975, Biochimica et Biophysica Acta 405, 442.

Shapes   D weightings, N cases.
"""

from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.intervals import Weights
from ctsieve.evaluation.sample import Bools, Floats, Sample


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """True and false, positives and negatives, of every weighting: (D,) each."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats


def counts(sample: Sample, weight: Weights) -> Counts:
    """The four counts under every weighting."""
    called, positive = sample.called, sample.positive
    kinds = np.stack([called & positive, called & ~positive, ~called & positive], axis=1)
    tp, fp, fn = (weight @ kinds.astype(np.float32)).astype(np.float64).T
    tn = weight.sum(axis=1, dtype=np.float64) - tp - fp - fn
    return Counts(tp=tp, fp=fp, fn=fn, tn=tn)


def sensitivities(sample: Sample, weight: Weights) -> Floats:
    """Share of the positives that are called (recall)."""
    c = counts(sample, weight)
    return _ratio(c.tp, c.tp + c.fn)


def specificities(sample: Sample, weight: Weights) -> Floats:
    """Share of the negatives that are not called."""
    c = counts(sample, weight)
    return _ratio(c.tn, c.tn + c.fp)


def positive_values(sample: Sample, weight: Weights) -> Floats:
    """Share of the called that are positive (precision, PPV), at the prevalence of the data."""
    c = counts(sample, weight)
    return _ratio(c.tp, c.tp + c.fp)


def negative_values(sample: Sample, weight: Weights) -> Floats:
    """Share of the not called that are negative (NPV), at the prevalence of the data."""
    c = counts(sample, weight)
    return _ratio(c.tn, c.tn + c.fn)


def accuracies(sample: Sample, weight: Weights) -> Floats:
    """Share of right calls."""
    c = counts(sample, weight)
    return _ratio(c.tp + c.tn, c.tp + c.fp + c.fn + c.tn)


def balanced_accuracies(sample: Sample, weight: Weights) -> Floats:
    """Mean of sensitivity and specificity."""
    return (sensitivities(sample, weight) + specificities(sample, weight)) / 2


def f1_scores(sample: Sample, weight: Weights) -> Floats:
    """Harmonic mean of precision and recall; 0 where nothing is called."""
    c = counts(sample, weight)
    return _ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn)


def matthews(sample: Sample, weight: Weights) -> Floats:
    """Matthews' correlation of call and truth; 0 where all calls, or all cases, are of one kind."""
    c = counts(sample, weight)
    spread = (c.tp + c.fp) * (c.tp + c.fn) * (c.tn + c.fp) * (c.tn + c.fn)
    top = c.tp * c.tn - c.fp * c.fn
    return np.asarray(np.divide(top, np.sqrt(spread), out=np.zeros_like(top), where=spread > 0))


def sensitivity_cases(sample: Sample) -> tuple[Bools, Bools]:
    """Which cases count for the sensitivity (N,), and which of all are hits (N,)."""
    return sample.positive, sample.called


def specificity_cases(sample: Sample) -> tuple[Bools, Bools]:
    """Likewise for the specificity."""
    return ~sample.positive, ~sample.called


def positive_value_cases(sample: Sample) -> tuple[Bools, Bools]:
    """Likewise for the PPV."""
    return sample.called, sample.positive


def negative_value_cases(sample: Sample) -> tuple[Bools, Bools]:
    """Likewise for the NPV."""
    return ~sample.called, ~sample.positive


def accuracy_cases(sample: Sample) -> tuple[Bools, Bools]:
    """Likewise for the accuracy."""
    return np.ones_like(sample.positive), sample.called == sample.positive


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0))
