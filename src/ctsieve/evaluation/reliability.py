"""Whether probabilities mean what they say: Brier score, ECE, calibration slope and intercept.

Sources  Brier 1950; Guo et al. 2017, ICML (expected calibration error, 10 bins of equal width);
         Cox 1958 and Van Calster et al. 2019, BMC Medicine 17, 230: the slope is that of a logistic
         regression of the truth on the logit of the probability, the intercept ("calibration in the
         large") that of one whose slope is fixed at 1.

Shapes   D weightings, N cases, B bins.
"""

from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.intervals import Weights, wilson
from ctsieve.evaluation.sample import Floats, Sample

NUM_BINS = 10
EDGE = 1e-6
"""Probabilities are taken at least this far from 0 and 1, where a logit is infinite."""
STEPS = 25
STEEPEST = 50.0
"""A slope or intercept beyond it means that no finite one fits: the scores separate the kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The cases of a range of probabilities."""

    mean: float
    """Of the probabilities."""
    observed: float
    """Share of positives."""
    low: float
    high: float
    """Wilson's interval of that share, as if cases were independent."""
    num_cases: int


def brier_scores(sample: Sample, weight: Weights) -> Floats:
    """Mean squared distance of probability and truth (D,)."""
    square = (sample.probability - sample.positive) ** 2
    return np.asarray(weight @ square / weight.sum(axis=1, dtype=np.float64))


def calibration_errors(sample: Sample, weight: Weights) -> Floats:
    """ECE (D,): mean over cases of |mean probability - share of positives| of their bin."""
    inside = np.eye(NUM_BINS)[_bins(sample)]
    gap = (sample.probability - sample.positive)[:, None] * inside
    return np.asarray(np.abs(weight @ gap).sum(axis=1) / weight.sum(axis=1, dtype=np.float64))


def calibration_slopes(sample: Sample, weight: Weights) -> Floats:
    """Slope (D,) of the logit; 1 is right, below 1 too certain.

    NaN where none is finite, or where all scores of a weighting are alike.
    """
    x, counts = logit(sample.probability), weight > 0
    spread = np.where(counts, x, -np.inf).max(axis=1) - np.where(counts, x, np.inf).min(axis=1)
    slope = _fitted(sample, weight, with_slope=True)[:, 1]
    return np.where(spread > 0.0, slope, np.nan)


def calibration_intercepts(sample: Sample, weight: Weights) -> Floats:
    """Intercept (D,) beside a slope of 1; 0 is right, below 0 too many positives are promised."""
    return _fitted(sample, weight, with_slope=False)[:, 0]


def reliability_bins(sample: Sample) -> tuple[Bin, ...]:
    """The bins that hold cases, lowest first."""
    index = _bins(sample)
    rows = []
    for number in np.unique(index):
        own = sample.of(index == number)
        low, high = wilson(own.num_positive, own.num_cases)
        rows.append(
            Bin(
                mean=float(own.probability.mean()),
                observed=own.num_positive / own.num_cases,
                low=low,
                high=high,
                num_cases=own.num_cases,
            )
        )
    return tuple(rows)


def logit(probability: Floats) -> Floats:
    """Log odds, finite for 0 and 1 too."""
    inside = np.clip(probability, EDGE, 1 - EDGE)
    return np.asarray(np.log(inside / (1 - inside)))


def _bins(sample: Sample) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.minimum((sample.probability * NUM_BINS).astype(np.intp), NUM_BINS - 1)


def _fitted(sample: Sample, weight: Weights, *, with_slope: bool) -> Floats:
    """Intercept and slope (D, 2) of every weighting by Newton's method, all at once.

    A slope starts from 0, where every case counts: from 1 a network that is far too certain is so
    flat that the first step leaps away.  Draws start from the answer of their mean weighting, which
    patients drawn again move little, and once more from the first start where that fails.  A
    single weighting is a number that is shown, and exact; draws make an interval of three digits,
    for which 32 bits and a last step below a thousandth, after which the error is its square, do.
    """
    near = 1e-6
    x: Floats | Weights = logit(sample.probability)
    y: Floats | Weights = sample.positive.astype(np.float64)
    starts = [np.array([0.0, 0.0 if with_slope else 1.0])]
    if len(weight) > 1:
        near, x, y = 1e-3, x.astype(np.float32), y.astype(np.float32)
        mean = weight.mean(axis=0, keepdims=True, dtype=np.float32)
        starts.insert(0, _fitted(sample, mean, with_slope=with_slope)[0])
    found = np.full((len(weight), 2), np.nan)
    for start in starts:
        missing = np.flatnonzero(np.isnan(found[:, 0]))
        if missing.size and np.isfinite(start).all():
            found[missing] = _newton(x, y, weight[missing], start, near=near, with_slope=with_slope)
    return found


def _newton(
    x: Floats | Weights,
    y: Floats | Weights,
    weight: Weights,
    start: Floats,
    *,
    near: float,
    with_slope: bool,
) -> Floats:
    """Where the steps from `start` (2,) end for every weighting (D, 2); NaN where they do not."""
    found = np.tile(start, (len(weight), 1))
    moved = np.full(len(weight), np.inf)
    for _ in range(STEPS):
        todo = np.flatnonzero(moved > near)
        if todo.size == 0:
            break
        step = _newton_step(x, y, weight[todo], found[todo], with_slope=with_slope)
        found[todo] += step
        moved[todo] = np.abs(step).max(axis=1)
    wild = (np.abs(found) > STEEPEST).any(axis=1) | ~(moved < 1e-2)
    found[wild] = np.nan
    return found


def _newton_step(
    x: Floats | Weights, y: Floats | Weights, weight: Weights, at: Floats, *, with_slope: bool
) -> Floats:
    """One step (D, 2); at most 5 long, so that a bad start does not run away."""
    at = at.astype(x.dtype)
    p = 1.0 / (1.0 + np.exp(-np.clip(at[:, :1] + at[:, 1:] * x, -60.0, 60.0)))
    error, curve = weight * (y - p), weight * p * (1.0 - p)
    g0, h00 = error.sum(axis=1), curve.sum(axis=1) + 1e-12
    if not with_slope:
        return np.stack([np.clip(g0 / h00, -5.0, 5.0), np.zeros_like(g0)], axis=1)
    g1, h01, h11 = error @ x, curve @ x, curve @ x**2
    determinant = np.maximum(h00 * h11 - h01**2, 1e-12)
    step = np.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0], axis=1)
    return np.asarray(np.clip(step / determinant[:, None], -5.0, 5.0))
