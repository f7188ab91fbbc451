"""A data set becomes a report: the screener of production makes scores, the rest is arithmetic."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ctsieve.evaluation.cohort import LEVELS, Level, check_labels, check_sides, levels_of, sample_of
from ctsieve.evaluation.doubts import doubts_of
from ctsieve.evaluation.measures import MEASURES, measured
from ctsieve.evaluation.partial_auc import PARTS, Part, partial_measures
from ctsieve.pipeline.score import score
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.seen import seen_doubts
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import EvaluationReport, Figure, Measured
from ctsieve.types.results import notice_for
from ctsieve.types.scores import ScoreTable


def evaluate(
    screener: Screener,
    cases: Iterable[Case],
    *,
    positive: str = "covid19",
    side: str = "",
    negative: Sequence[str] = (),
    parts: Sequence[Part] = PARTS,
) -> EvaluationReport:
    """Screen every case and report how `positive` was told from all other labels.

    Cases the gate rejects have no score and are counted, not hidden.  Figures are those of the
    remaining cases; sensitivity and specificity are taken at the bundle's own threshold, whether
    or not the screener abstained.  `parts` of the ROC curve have their own area.  The report's
    `doubts` say, among other things, where the bundle has learned from these very cases.

    Raises:
        InputRejected: no case has a score, or all are of one kind, or the bundle does not know
            `positive` or a case's label, or a patient is on two sides of a split.
    """
    if positive not in screener.bundle.recipe.labels:
        known = ", ".join(screener.bundle.recipe.labels)
        raise InputRejected(f"the bundle does not know {positive!r}", hint=f"it knows: {known}")
    table = score(screener, cases, side=side)
    report = report_of(table, positive=positive, negative=negative, parts=parts)
    doubts = (*seen_doubts(screener.bundle, table), *report.doubts)
    return replace(report, notice=notice_for(screener.bundle.recipe.leakage), doubts=doubts)


def report_of(
    table: ScoreTable,
    *,
    positive: str = "covid19",
    negative: Sequence[str] = (),
    parts: Sequence[Part] = PARTS,
) -> EvaluationReport:
    """The same from scores that were made before.

    Raises:
        InputRejected: as `evaluate`.
    """
    check_labels(table, positive, negative=negative)
    check_sides(table)
    if not table.judged:
        raise InputRejected(f"none of {len(table.rows)} cases could be judged")
    measures = {**MEASURES, **partial_measures(parts)}
    levels: dict[str, dict[str, Measured]] = {
        level: measured(sample_of(table, positive, level), measures) for level in levels_of(table)
    }
    headline = levels["patient"]
    if not isinstance(headline["auc"], Figure):
        raise InputRejected(
            headline["auc"].reason,
            hint="an evaluation needs several patients with and without the disease",
        )
    return EvaluationReport(
        positive_label=positive,
        bundle=table.bundle,
        cases_digest=table.cases_digest,
        figures={name: f for name, f in headline.items() if isinstance(f, Figure)},
        scores=table.rows,
        num_rejected=len(table.rows) - len(table.judged),
        num_abstained=sum(row.abstained is not None for row in table.judged),
        levels=levels,
        doubts=doubts_of(table.rows),
    )


def classless_report(table: ScoreTable, *, positive: str = "") -> EvaluationReport:
    """The report of cases on which no class can be measured: no figure."""
    return EvaluationReport(
        positive_label=positive,
        bundle=table.bundle,
        cases_digest=table.cases_digest,
        figures={},
        scores=table.rows,
        num_rejected=sum(row.verdict in ("rejected", "unreadable") for row in table.rows),
        num_abstained=sum(row.abstained is not None for row in table.judged),
    )


def finest_level(table: ScoreTable) -> Level:
    """The level whose rows are the table's own: of slices and scans the first that there is."""
    own = {row.level for row in table.judged}
    return next((level for level in LEVELS if level in own), "patient")
