"""Everything a reader of an evaluation asks, from a score table: tables, charts, wrong calls."""

from dataclasses import dataclass, field

import numpy as np

from ctsieve.evaluation.abstention import abstention_curve, abstention_table
from ctsieve.evaluation.charts import (
    Chart,
    abstention_chart,
    decision_chart,
    precision_recall_chart,
    reliability_chart,
    roc_chart,
    score_chart,
)
from ctsieve.evaluation.cohort import Level, levels_of, sample_of, units
from ctsieve.evaluation.decision_curve import decision_curve
from ctsieve.evaluation.in_words import counted, in_words
from ctsieve.evaluation.label_tables import class_tables, negatives_table, one_against_rest_table
from ctsieve.evaluation.measures import MEASURES
from ctsieve.evaluation.partial_auc import PARTS, Part, parts_table
from ctsieve.evaluation.prevalence import predictive_values
from ctsieve.evaluation.sample import Sample
from ctsieve.evaluation.shortcuts import Probe, probes
from ctsieve.evaluation.subgroups import Subgroup, subgroups
from ctsieve.types.report import EvaluationReport, Table
from ctsieve.types.scores import CaseScore, ScoreTable

PREVALENCES = (0.01, 0.1, 0.5)
MOST_ERRORS = 4
"""Of each kind, and of different patients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongCall:
    """A case whose call was wrong, the surest first."""

    row: CaseScore
    kind: str
    """"false positive" or "false negative"."""
    probability: float
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One evaluation, in numbers and pictures."""

    report: EvaluationReport
    level: Level
    """Of the rows themselves; the headline is the patient's."""
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]
    probes: tuple[Probe, ...]
    errors: tuple[WrongCall, ...]
    useful: tuple[float, float] | None = field(default=None)
    """Threshold probabilities at which acting by the score helps."""


def summarise(
    report: EvaluationReport,
    table: ScoreTable,
    *,
    level: Level,
    prevalences: tuple[float, ...] = PREVALENCES,
    parts: tuple[Part, ...] = PARTS,
) -> Summary:
    """Tables and charts of a report; `level` is that of subgroups, probes and wrong calls.

    `parts` are those that the report was made with.

    Raises:
        InputRejected: the cases are of one kind.
    """
    positive = report.positive_label
    headline, rows = sample_of(table, positive, "patient"), sample_of(table, positive, level)
    both = {f"{level} level": rows, "patient level": headline}
    decision = decision_curve(headline)
    found = probes(table, positive, level)
    charts = (
        roc_chart(both),
        precision_recall_chart(both),
        reliability_chart(headline),
        score_chart(_by_site(table, positive, level), float(rows.threshold[0])),
        decision_chart(decision),
        abstention_chart(abstention_curve(headline)),
    )
    tables = [
        _levels_table(report),
        _counts_table(table, positive),
        parts_table(report.levels, headline, parts),
        _prevalence_table(headline, prevalences),
        abstention_table(headline),
        negatives_table(table, positive, "patient"),
        _subgroup_table(subgroups(table, positive, level), level),
        _probe_table(found, level),
        one_against_rest_table(table, positive, "patient"),
        *class_tables(table, "patient"),
    ]
    return Summary(
        report=report,
        level=level,
        tables=tuple(t for t in tables if t.rows),
        charts=charts,
        probes=found,
        errors=worst_errors(table, positive, level),
        useful=decision.useful,
    )


def classless(report: EvaluationReport) -> Summary:
    """The summary of a report without figures: nothing to show."""
    return Summary(report=report, level="patient", tables=(), charts=(), probes=(), errors=())


def worst_errors(table: ScoreTable, positive: str, level: Level) -> tuple[WrongCall, ...]:
    """The surest wrong calls of either kind, one a patient, misses first."""
    sample, rows = sample_of(table, positive, level), units(table, level)
    far = sample.probability - sample.threshold
    chosen: list[WrongCall] = []
    for kind, wrong, sure in (
        ("false negative", sample.positive & ~sample.called, -far),
        ("false positive", ~sample.positive & sample.called, far),
    ):
        ordered = [int(i) for i in np.argsort(-sure, kind="stable") if wrong[i]]
        patients = sample.patient[ordered]
        firsts = sorted(np.unique(patients, return_index=True)[1].tolist())
        chosen += [
            WrongCall(
                row=rows[i][0],
                kind=kind,
                probability=float(sample.probability[i]),
                threshold=float(sample.threshold[i]),
            )
            for i in (ordered[k] for k in firsts[:MOST_ERRORS])
        ]
    return tuple(chosen)


def _levels_table(report: EvaluationReport) -> Table:
    levels = tuple(reversed(list(report.levels)))
    rows = []
    for name, measure in MEASURES.items():
        found = [report.levels[level][name] for level in levels]
        rows.append((measure.title, *(cell for f in found for cell in (in_words(f), counted(f)))))
    note = (
        "In brackets: 95 % interval. Proportions of independent cases: Wilson; all others: "
        "percentile bootstrap that draws whole patients 2000 times."
    )
    if "slice" in report.levels:
        note += " Slices of a patient are not independent."
    note += " n: cases, in brackets patients where they are fewer."
    columns = ("measure", *(c for level in levels for c in (f"{level} level", "n")))
    return Table(title="All measures", columns=columns, rows=tuple(rows), note=note)


def _counts_table(table: ScoreTable, positive: str) -> Table:
    rows = []
    for level in reversed(levels_of(table)):
        s, name = sample_of(table, positive, level), f"{level} level"
        for kind, truth in (("positive", s.positive), ("negative", ~s.positive)):
            called = int((truth & s.called).sum())
            rows.append((name, kind, str(called), str(int(truth.sum()) - called), str(truth.sum())))
    columns = ("level", "truth", "called positive", "called negative", "all")
    return Table(title="Confusion matrix at the bundle's cut", columns=columns, rows=tuple(rows))


def _prevalence_table(sample: Sample, prevalences: tuple[float, ...]) -> Table:
    rows = []
    for share in prevalences:
        values = predictive_values(sample, share)
        rows.append(
            (
                f"{100 * share:g} %",
                in_words(values.positive),
                in_words(values.negative),
                counted(values.positive),
            )
        )
    return Table(
        title="Predictive values where fewer, or more, are ill",
        columns=("prevalence", "PPV", "NPV", "n"),
        rows=tuple(rows),
        note="Patient level, if sensitivity and specificity stay as they are here.",
    )


def _subgroup_table(groups: tuple[Subgroup, ...], level: Level) -> Table:
    rows = tuple(
        (
            g.attribute,
            g.value,
            f"{g.num_positive} of {g.num_cases}",
            str(g.num_patients),
            *(in_words(g.figures[name]) for name in ("auc", "sensitivity", "specificity")),
        )
        for g in groups
    )
    columns = ("by", "subgroup", "positive", "patients", "AUC-ROC", "sensitivity", "specificity")
    return Table(
        title=f"Subgroups ({level} level)",
        columns=columns,
        rows=rows,
        note="Intervals are not adjusted for the number of subgroups: among twenty, one may differ "
        "by chance. Subgroups differ in who is in them, too.",
    )


def _probe_table(found: tuple[Probe, ...], level: Level) -> Table:
    rows = tuple(
        (
            p.attribute,
            in_words(p.alone),
            in_words(p.within),
            counted(p.alone),
            f"{p.num_single} of {p.num_values}",
        )
        for p in found
    )
    return Table(
        title=f"Shortcut probes ({level} level)",
        columns=("attribute", "AUC of it alone", "AUC within it", "n", "values of one label"),
        rows=rows,
        note="How well an attribute tells the label without looking at the image, and what is left "
        "of the AUC when only cases with the same value are compared.",
    )


def _by_site(
    table: ScoreTable, positive: str, level: Level
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    sample, rows = sample_of(table, positive, level), units(table, level)
    site = np.array([unit[0].site or "not known" for unit in rows])
    return {
        str(name): (
            sample.probability[(site == name) & sample.positive],
            sample.probability[(site == name) & ~sample.positive],
        )
        for name in np.unique(site)
    }
