"""Does the score know the disease, or where the image came from?

Two probes on every attribute that divides the cases (site, file type, size, kernel, ...).  One asks
how well the attribute alone tells the label: each case is scored with the share of positives among
cases with its value in *other* folds of patients, and compared with cases of its own fold only;
across folds, leaving a case out would betray its label by what is missing.  The other asks what is
left of the AUC when only cases of the same value are compared: a score that knows the attribute
only falls to 0.5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.cohort import Level, sample_of, units
from ctsieve.evaluation.intervals import Weights
from ctsieve.evaluation.measures import Measure, measured
from ctsieve.evaluation.ranking import aucs_within
from ctsieve.evaluation.sample import Floats, Names, Sample
from ctsieve.evaluation.subgroups import attributes
from ctsieve.types.report import Figure, Measured
from ctsieve.types.scores import NETWORK, ScoreTable

SUSPECT = 0.65
"""An attribute that tells the label with an AUC above this may be what was learned."""
FOLDS = 5
PRIOR_CASES = 2.0
"""Shares are drawn in towards that of all by so many cases: a rare value says little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What an attribute has to do with label and score."""

    attribute: str
    alone: Measured
    """AUC of the label from the attribute alone."""
    within: Measured
    """AUC of the score over pairs with the same value."""
    num_single: int
    """Values that all have one label, so that value and disease cannot be told apart."""
    num_values: int

    @property
    def is_suspect(self) -> bool:
        """Whether the attribute tells the label better than chance allows for."""
        return isinstance(self.alone, Figure) and self.alone.low > SUSPECT


def probes(table: ScoreTable, positive: str, level: Level) -> tuple[Probe, ...]:
    """A probe for every attribute that divides the cases, the most telling first.

    Raises:
        InputRejected: no case of that level has a score.
    """
    sample = sample_of(table, positive, level)
    found = [
        _probe(name, np.array(values), sample)
        for name, values in attributes(units(table, level)).items()
        if name != NETWORK  # which of the bundle's networks was asked is no property of the image
    ]
    return tuple(sorted(found, key=_telling, reverse=True))


def _telling(probe: Probe) -> float:
    return probe.alone.value if isinstance(probe.alone, Figure) else 0.0


def _probe(name: str, values: Names, sample: Sample) -> Probe:
    fold = folds_of(sample)
    alone = Sample(
        probability=share_elsewhere(values, fold, sample),
        positive=sample.positive,
        patient=sample.patient,
        threshold=sample.threshold,
    )
    kinds = [sample.positive[values == value] for value in np.unique(values)]
    return Probe(
        attribute=name,
        alone=_auc_within(alone, fold.astype(np.str_), "no fold has cases of both kinds"),
        within=_auc_within(sample, values, "no two cases of unlike label share it"),
        num_single=sum(bool(kind.all() or not kind.any()) for kind in kinds),
        num_values=len(kinds),
    )


def _auc_within(sample: Sample, group: Names, missing: str) -> Measured:
    def of(own: Sample, weight: Weights) -> Floats:
        return aucs_within(own, group, weight)

    return measured(sample, {"auc": Measure(title="AUC", of=of, missing=missing)})["auc"]


def folds_of(sample: Sample, *, seed: int = 0) -> npt.NDArray[np.int64]:
    """A fold (N,) for every case, all of a patient in one."""
    names, index = np.unique(sample.patient, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(names.size) % FOLDS
    return np.asarray(fold[index], dtype=np.int64)


def share_elsewhere(values: Names, fold: npt.NDArray[np.int64], sample: Sample) -> Floats:
    """Share of positives (N,) among cases of other folds with the same value."""
    share = np.empty(sample.num_cases)
    for number in np.unique(fold):
        here, seen = fold == number, fold != number
        prior = float(sample.positive[seen].mean()) if seen.any() else 0.5
        for value in np.unique(values[here]):
            same = sample.positive[seen & (values == value)]
            total = same.size + PRIOR_CASES
            share[here & (values == value)] = (same.sum() + PRIOR_CASES * prior) / total
    return share
