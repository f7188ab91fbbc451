"""Two ways to train beside each other: same seeds, same patients, neither fitted nor tuned on.

Estimate  The mean over seeds of the difference of two areas under the curve.
Interval  95 %, from draws of patients with all their images and of seeds, both with replacement.
          Seeds may share their patients, or each have its own, as in cross-fitting.

Shapes    S seeds, N cases of a seed, D draws; draw 0 is the data as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.intervals import DRAWS, Weights, patient_draws, percentile_interval
from ctsieve.evaluation.ranking import aucs
from ctsieve.evaluation.sample import Sample

Floats = npt.NDArray[np.float64]
Pairs = Sequence[tuple[Sample, Sample]]
"""Of every seed: the same cases judged by one network and by the other."""


class Estimate(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two ways differ."""

    first: Estimate
    second: Estimate
    difference: Estimate
    """First less second."""
    by_seed: tuple[float, ...]
    patients: int
    cases: int
    """Of all seeds together, each counted once."""


def paired_difference(pairs: Pairs) -> Difference:
    """Areas under the curve of both, and what the first is above the second."""
    names = np.unique(np.concatenate([one.patient for one, _ in pairs]))
    weight = np.concatenate([np.ones((1, len(names)), np.float32), patient_draws(names)])
    first, second = (
        np.stack([_areas(pair[k], names, weight) for pair in pairs], axis=1) for k in (0, 1)
    )
    seed = np.random.default_rng(1).integers(0, len(pairs), (DRAWS, len(pairs)))
    seed = np.concatenate([np.arange(len(pairs))[None], seed])
    return Difference(
        first=_estimate(first, seed),
        second=_estimate(second, seed),
        difference=_estimate(first - second, seed),
        by_seed=tuple((first - second)[0].tolist()),
        patients=len(names),
        cases=_distinct(pairs),
    )


def _areas(sample: Sample, names: npt.NDArray[np.str_], weight: Weights) -> Floats:
    """Of every draw (1 + D,)."""
    return aucs(sample, weight[:, np.searchsorted(names, sample.patient)])


def _estimate(areas: Floats, seed: npt.NDArray[np.int64]) -> Estimate:
    """The mean over the seeds of every draw; `areas` and `seed` are (1 + D, S)."""
    means = np.nanmean(np.take_along_axis(areas, seed, axis=1), axis=1)
    return Estimate(float(means[0]), *percentile_interval(means[1:]))


def _distinct(pairs: Pairs) -> int:
    """Cases, where all seeds have the same patients once, else of every seed."""
    sets = {tuple(one.patient.tolist()) for one, _ in pairs}
    return sum(len(patients) for patients in sets)
