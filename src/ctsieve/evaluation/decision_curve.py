"""Net benefit: is acting on the score better than acting on everybody, or on nobody?

Source   Vickers and Elkin 2006, Medical Decision Making 26, 565: net benefit at a threshold
         probability t is TP/n - FP/n * t/(1 - t).

Shapes   D weightings, N cases, T thresholds.
"""

from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.intervals import TAILS, Weights, patient_draws
from ctsieve.evaluation.measures import CHUNK
from ctsieve.evaluation.sample import Floats, Sample, need_both

THRESHOLDS = np.linspace(0.01, 0.99, 99)
NOTHING = 1e-6
"""Benefits closer than this are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecisionCurve:
    """Net benefits over threshold probabilities, in true positives per case."""

    prevalence: float
    """The share of positives that they hold for."""
    threshold: Floats  # (T,)
    model: Floats  # (T,)
    low: Floats  # (T,)
    high: Floats  # (T,)
    everybody: Floats  # (T,)
    gain_low: Floats  # (T,), lower limit of what is gained over the better of everybody and nobody

    @property
    def useful(self) -> tuple[float, float] | None:
        """The widest range in which the model beats both by more than chance; None if none."""
        better = self.gain_low > NOTHING
        edges = np.flatnonzero(np.diff(np.concatenate([[False], better, [False]]).astype(int)))
        if edges.size == 0:
            return None
        starts, stops = edges[::2], edges[1::2] - 1
        widest = int(np.argmax(stops - starts))
        return float(self.threshold[starts[widest]]), float(self.threshold[stops[widest]])


def decision_curve(sample: Sample, *, seed: int = 0) -> DecisionCurve:
    """Net benefit of calling at every threshold probability, with a 95 % band over patients.

    Raises:
        InputRejected: all cases are of one kind.
    """
    need_both(sample.positive)
    weight = patient_draws(sample.patient, seed=seed)
    chunks = [weight[i : i + CHUNK] for i in range(0, len(weight), CHUNK)]
    drawn = np.concatenate([net_benefits(sample, chunk) for chunk in chunks])
    everybody = np.concatenate([benefits_of_everybody(sample, chunk) for chunk in chunks])
    low, high = np.percentile(drawn, TAILS, axis=0)
    once = np.ones((1, sample.num_cases), np.float32)
    return DecisionCurve(
        prevalence=sample.num_positive / sample.num_cases,
        threshold=THRESHOLDS,
        model=net_benefits(sample, once)[0],
        low=low,
        high=high,
        everybody=benefits_of_everybody(sample, once)[0],
        gain_low=np.percentile(drawn - np.maximum(everybody, 0.0), TAILS[0], axis=0),
    )


def benefits_of_everybody(sample: Sample, weight: Weights) -> Floats:
    """Net benefit (D, T) of calling every case at every threshold under every weighting."""
    share = weight @ sample.positive.astype(np.float32) / weight.sum(axis=1)
    prevalence = share.astype(np.float64)[:, None]
    return np.asarray(prevalence - (1 - prevalence) * THRESHOLDS / (1 - THRESHOLDS))


def net_benefits(sample: Sample, weight: Weights) -> Floats:
    """Net benefit (D, T) of the model at every threshold under every weighting."""
    called = sample.probability[:, None] >= THRESHOLDS
    worth = np.where(sample.positive[:, None], 1.0, -THRESHOLDS / (1 - THRESHOLDS))
    gained = weight @ (called * worth).astype(np.float32)
    return np.asarray(gained.astype(np.float64) / weight.sum(axis=1, dtype=np.float64)[:, None])
