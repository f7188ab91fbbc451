"""Does the score know the disease, or where the image came from?

Two probes on every attribute that divides the cases (site, file type, size, kernel, ...).  One asks
how well the attribute alone tells the label: each case is scored with the share of positives among
cases of *other patients* with its value.  The other asks what is left of the AUC when only cases of
the same value are compared: a score that knows the attribute only falls to 0.5.
"""

from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.cohort import Level, sample_of, units
from ctsieve.evaluation.measures import figure
from ctsieve.evaluation.sample import Floats, Names, Sample
from ctsieve.evaluation.subgroups import attributes, within
from ctsieve.types.report import Absent, Figure, Measured
from ctsieve.types.scores import ScoreTable

SUSPECT = 0.65
"""An attribute that tells the label with an AUC above this may be what was learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What an attribute has to do with label and score."""

    attribute: str
    alone: Measured
    """AUC of the label from the attribute alone."""
    within: float | None
    """AUC of the score over pairs with the same value; None where there is no such pair."""
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
        _probe(name, values, sample) for name, values in attributes(units(table, level)).items()
    ]
    return tuple(sorted(found, key=_telling, reverse=True))


def _telling(probe: Probe) -> float:
    return probe.alone.value if isinstance(probe.alone, Figure) else 0.0


def _probe(name: str, values: list[str], sample: Sample) -> Probe:
    column = np.array(values)
    alone = Sample(
        probability=others_share(column, sample),
        positive=sample.positive,
        patient=sample.patient,
        threshold=sample.threshold,
    )
    kinds = [sample.positive[column == value] for value in np.unique(column)]
    left = within(sample, values)
    both = 0 < sample.num_positive < sample.num_cases
    return Probe(
        attribute=name,
        alone=figure(alone, "auc") if both else Absent(reason="all cases are of one kind"),
        within=left if np.isfinite(left) else None,
        num_single=sum(bool(kind.all() or not kind.any()) for kind in kinds),
        num_values=len(kinds),
    )


def others_share(values: Names, sample: Sample) -> Floats:
    """Share of positives among cases of other patients with the same value (N,).

    It is drawn in towards the share of all by two cases, so that a rare value says little.
    """
    prior = sample.num_positive / sample.num_cases
    share = np.empty(sample.num_cases)
    for value in np.unique(values):
        own = values == value
        patient, positive = sample.patient[own], sample.positive[own]
        _, index = np.unique(patient, return_inverse=True)
        ups, every = np.bincount(index, weights=positive), np.bincount(index)
        up, count = positive.sum() - ups[index], positive.size - every[index]
        share[own] = (up + 2 * prior) / (count + 2)
    return share
