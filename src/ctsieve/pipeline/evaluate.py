"""A data set becomes a report: the screener of production makes scores, the rest is arithmetic."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from ctsieve.evaluation.discrimination import auc_figure, share_figure
from ctsieve.pipeline.screen import Screener
from ctsieve.readers import read_study
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.types.report import CaseScore, EvaluationReport, Figure


def evaluate(
    screener: Screener, cases: Iterable[Case], *, positive: str = "covid19"
) -> EvaluationReport:
    """Screen every case and report how `positive` was told from all other labels.

    Cases the gate rejects have no score and are counted, not hidden.  Figures are those of the
    remaining cases; sensitivity and specificity are taken at the bundle's own threshold, whether
    or not the screener abstained.

    Raises:
        InputRejected: no case has a score, or all are of one kind, or the bundle does not know
            `positive`.
    """
    if positive not in screener.bundle.recipe.labels:
        known = ", ".join(screener.bundle.recipe.labels)
        raise InputRejected(f"the bundle does not know {positive!r}", hint=f"it knows: {known}")
    scores = tuple(_score(screener, case, positive) for case in cases)
    judged = [score for score in scores if score.probability is not None]
    if not judged:
        raise InputRejected(f"none of {len(scores)} cases could be judged")
    return EvaluationReport(
        positive_label=positive,
        bundle=screener.bundle.identity,
        cases_digest=_digest(scores),
        figures=_figures(judged, positive),
        scores=scores,
        num_rejected=len(scores) - len(judged),
        num_abstained=sum(score.abstained is not None for score in judged),
    )


def _score(screener: Screener, case: Case, positive: str) -> CaseScore:
    if len(case.files) != 1:
        raise UnreadableStudy(f"case {case.id!r} has {len(case.files)} files, one is needed")
    screening = screener.screen(read_study(case.files[0]))
    return CaseScore(
        case=case.id,
        patient=case.patient,
        site=case.site,
        label=case.label,
        verdict=screening.gate.verdict,
        probability=screening.prediction.probability.get(positive),
        threshold=screening.prediction.threshold[positive],
        abstained=screening.prediction.abstained,
    )


def _figures(judged: Sequence[CaseScore], positive: str) -> dict[str, Figure]:
    probability = np.array([score.probability for score in judged], dtype=np.float64)
    is_positive = np.array([score.label == positive for score in judged])
    patients = np.array([score.patient for score in judged])
    called = probability >= np.array([score.threshold for score in judged])
    return {
        "auc": auc_figure(probability, is_positive, patients),
        "sensitivity": share_figure(called[is_positive], patients[is_positive]),
        "specificity": share_figure(~called[~is_positive], patients[~is_positive]),
    }


def _digest(scores: Sequence[CaseScore]) -> str:
    lines = sorted(f"{s.patient}\t{s.case}\t{s.label}" for s in scores)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
