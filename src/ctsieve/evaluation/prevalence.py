"""What a call is worth where more, or fewer, people are ill than in the data.

Sources  Bayes' rule: Altman and Bland 1994, BMJ 309, 102.  Intervals: sensitivity and specificity
         are drawn from Jeffreys' posteriors (Brown, Cai and DasGupta 2001, Statistical Science 16,
         101), so that 80 of 80 right calls are no certainty, as they were to a bootstrap.  Several
         cases of a patient count as one.
"""

from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.intervals import DRAWS, percentile_interval
from ctsieve.evaluation.sample import Bools, Floats, Sample
from ctsieve.types.errors import UsageError
from ctsieve.types.report import Absent, Figure, Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveValues:
    """Shares of right calls at a prevalence."""

    positive: Measured
    negative: Measured


def predictive_values(sample: Sample, prevalence: float, *, seed: int = 0) -> PredictiveValues:
    """PPV and NPV where the share `prevalence` of the patients has the disease.

    Raises:
        UsageError: it is no share between 0 and 1.
    """
    if not 0.0 < prevalence < 1.0:
        raise UsageError(f"a prevalence lies between 0 and 1, got {prevalence}")
    if not 0 < sample.num_positive < sample.num_cases:
        lacking = Absent(reason="sensitivity and specificity need cases of both kinds")
        return PredictiveValues(positive=lacking, negative=lacking)
    random = np.random.default_rng(seed)
    sensitivity = float(sample.called[sample.positive].mean())
    specificity = float((~sample.called)[~sample.positive].mean())
    drawn = [
        _drawn(random, sample, of, rate)
        for of, rate in ((sample.positive, sensitivity), (~sample.positive, specificity))
    ]
    exact = [np.array([sensitivity]), np.array([specificity])]
    return PredictiveValues(
        positive=_figure(sample, ppv(prevalence, *exact), ppv(prevalence, *drawn)),
        negative=_figure(sample, npv(prevalence, *exact), npv(prevalence, *drawn)),
    )


def ppv(prevalence: float, sensitivity: Floats, specificity: Floats) -> Floats:
    """Share of the called that are ill; NaN where nobody is called."""
    true, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    total = true + false
    return np.asarray(np.divide(true, total, out=np.full_like(total, np.nan), where=total > 0))


def npv(prevalence: float, sensitivity: Floats, specificity: Floats) -> Floats:
    """Share of the not called that are well; NaN where everybody is called."""
    return ppv(1 - prevalence, specificity, sensitivity)


def _drawn(random: np.random.Generator, sample: Sample, of: Bools, rate: float) -> Floats:
    patients = np.unique(sample.patient[of]).size
    hits = rate * patients
    return np.asarray(random.beta(hits + 0.5, patients - hits + 0.5, size=DRAWS))


def _figure(sample: Sample, exact: Floats, drawn: Floats) -> Measured:
    value = float(exact[0])
    if not np.isfinite(value):
        return Absent(reason="all calls are of one kind")
    low, high = percentile_interval(drawn)
    return Figure(
        value=value,
        low=min(low, value),
        high=max(high, value),
        num_cases=sample.num_cases,
        num_patients=sample.num_patients,
    )
