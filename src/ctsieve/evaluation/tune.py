"""Tune data: the only data that anything may be fitted on.

`TuneSample` is what every fitting function takes, and it can be made from tune rows only; so a
calibration or a cut that was chosen on test data cannot be written down in the first place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ctsieve.evaluation.cohort import Level, check_labels, sample_of, units
from ctsieve.evaluation.sample import Bools, Floats, Names, Sample, need_both
from ctsieve.types.errors import InputRejected
from ctsieve.types.recipe import FittedOn
from ctsieve.types.scores import ScoreTable

TUNE = "tune"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TuneSample:
    """Logits of tune cases with their truth; make it with `from_scores`."""

    logit: Floats  # (N,)
    positive: Bools  # (N,)
    patient: Names  # (N,)
    data: str
    digest: str

    @classmethod
    def from_scores(
        cls, table: ScoreTable, positive: str, level: Level, *, negative: Sequence[str] = ()
    ) -> Self:
        """The judged cases of one level; labels among `negative` count as not `positive`.

        Raises:
            InputRejected: a row is not from the tune side, a case has no logit or none that is
                finite, all cases are of one kind, or a label is unknown.
        """
        foreign = [row for row in table.rows if row.side != TUNE]
        if foreign:
            side = foreign[0].side or "unknown"
            raise InputRejected(
                f"{len(foreign)} of {len(table.rows)} cases are not from the tune side: case "
                f"{foreign[0].case!r} is from the {side!r} side",
                hint="nothing may be fitted on test data; make scores of tune cases, and mark them "
                "with --side tune",
            )
        check_labels(table, positive, negative=negative)
        sample = sample_of(table, positive, level)
        need_both(sample.positive)
        without = [r.case for rows in units(table, level) for r in rows if positive not in r.logits]
        if without:
            raise InputRejected(f"{len(without)} cases have no logit, the first is {without[0]!r}")
        logits = [
            float(np.mean([r.logits[positive] for r in rows])) for rows in units(table, level)
        ]
        broken = int((~np.isfinite(logits)).sum())
        if broken:
            raise InputRejected(f"{broken} of {len(logits)} logits are not finite")
        return cls(
            logit=np.array(logits),
            positive=sample.positive,
            patient=sample.patient,
            data="+".join(sorted({row.site for row in table.judged})),
            digest=table.cases_digest,
        )

    def of(self, keep: Bools) -> Self:
        """Some of the cases, by a mask (N,)."""
        return type(self)(
            logit=self.logit[keep],
            positive=self.positive[keep],
            patient=self.patient[keep],
            data=self.data,
            digest=self.digest,
        )

    def weights(self) -> Floats:
        """Weights (N,) by which every patient counts alike within a kind, and both kinds alike."""
        keys = np.char.add(np.where(self.positive, "+", "-"), self.patient)
        _, inverse, times = np.unique(keys, return_inverse=True, return_counts=True)
        weight = 1.0 / times[inverse]
        for kind in (self.positive, ~self.positive):
            weight[kind] /= weight[kind].sum()
        return np.asarray(weight)

    def sample(self, probability: Floats, *, threshold: float = 0.5) -> Sample:
        """The cases with these probabilities (N,)."""
        return Sample(
            probability=probability,
            positive=self.positive,
            patient=self.patient,
            threshold=np.full(self.positive.size, threshold),
        )

    def fitted(self, criterion: str) -> FittedOn:
        """What a recipe says of a number that was fitted here."""
        return FittedOn(
            data=self.data,
            digest=self.digest,
            criterion=criterion,
            num_cases=int(self.positive.size),
            num_patients=int(np.unique(self.patient).size),
        )
