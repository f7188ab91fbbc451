"""Logits of tune cases: what calibration, cut and the model card's figures are fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.measures import figure
from ctsieve.evaluation.sample import Sample
from ctsieve.learning.calibrate import (
    OperatingPoint,
    Platt,
    balanced_weights,
    fit_platt,
    youden_point,
)
from ctsieve.learning.feed import covid_target
from ctsieve.ops.decide import sigmoid
from ctsieve.pipeline.card import SourceResult
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.runtime import ModelOutput
from ctsieve.types.cases import Case, num_patients
from ctsieve.types.report import Figure, Measured

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TuneScores:
    """Logits of the tune cases through a graph, with their truth."""

    cases: tuple[Case, ...]
    logit: Floats
    positive: npt.NDArray[np.bool_]

    @property
    def patients(self) -> list[str]:
        """One per case."""
        return [case.patient for case in self.cases]

    def of(self, keep: npt.NDArray[np.bool_]) -> "TuneScores":
        """Some of them."""
        cases = tuple(case for case, k in zip(self.cases, keep, strict=True) if k)
        return TuneScores(cases=cases, logit=self.logit[keep], positive=self.positive[keep])

    def auc(self) -> Measured:
        """With its interval over patients."""
        return figure(
            Sample(
                probability=sigmoid(self.logit),
                positive=self.positive,
                patient=np.array(self.patients),
                threshold=np.full(self.logit.size, 0.5),
            ),
            "auc",
        )


def tune_scores(cases: Sequence[Case], output: ModelOutput) -> TuneScores:
    """What a graph said of some cases."""
    return TuneScores(
        cases=tuple(cases),
        logit=output["logits"][:, 0].astype(np.float64),
        positive=np.array([covid_target(case) > 0.5 for case in cases]),
    )


def joined(parts: Sequence[TuneScores]) -> TuneScores:
    """The tune cases of all networks, each scored by the one that never saw it."""
    return TuneScores(
        cases=tuple(case for part in parts for case in part.cases),
        logit=np.concatenate([part.logit for part in parts]),
        positive=np.concatenate([part.positive for part in parts]),
    )


def calibration_cases(scores: TuneScores, config: FitConfig) -> TuneScores:
    """The tune cases of the sites that calibration is asked to use."""
    sites = config.data.calibrate_on
    return scores.of(np.array([not sites or case.site in sites for case in scores.cases]))


def calibrate(scores: TuneScores) -> tuple[Platt, OperatingPoint]:
    """Calibration and cut for single pictures."""
    weight = balanced_weights(scores.positive, scores.patients)
    platt = fit_platt(scores.logit, scores.positive, weight)
    return platt, youden_point(platt(scores.logit), scores.positive, weight)


def source_results(scores: TuneScores) -> list[SourceResult]:
    """AUC over everything, within COVID-CT, and over the other sources; then each source."""
    site = np.array([case.site for case in scores.cases])
    groups = {"all sources": site != "", "COVID-CT alone": site == "covid_ct"}
    groups["all but COVID-CT"] = site != "covid_ct"
    groups |= {f"site {name}": site == name for name in sorted(set(site))}
    results = []
    for name, keep in groups.items():
        if not keep.any():
            continue
        part = scores.of(keep)
        area = part.auc()
        results.append(
            SourceResult(
                name=name,
                num_positive=int(part.positive.sum()),
                num_negative=int((~part.positive).sum()),
                num_patients=num_patients(part.cases),
                auc=area if isinstance(area, Figure) else None,
                logits=tuple(float(v) for v in np.percentile(part.logit, (10, 50, 90))),
            )
        )
    return results
