"""An evaluation on disk: one page for people, and the same as files for programs.

report.html      the page
report.json      figures with n and intervals, digests
scores.csv       (or .parquet) the score file everything was computed from
lesions.jsonl    the same of lesions, where a bundle finds them and cases have masks
figures/         every chart as SVG and PNG
tables/          every table as CSV
checklists/      the reporting guidelines as CSV, to be filled in
"""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ctsieve.evaluation.charts import Chart
from ctsieve.evaluation.checklists import as_table, checklists
from ctsieve.evaluation.cohort import check_labels
from ctsieve.evaluation.lesion_summary import LesionSummary, no_lesions, summarise_lesions
from ctsieve.evaluation.lesion_verdict import lesion_verdict
from ctsieve.evaluation.page import Page, to_html
from ctsieve.evaluation.partial_auc import PARTS, Part
from ctsieve.evaluation.summary import Summary, classless, summarise
from ctsieve.evaluation.verdict import verdict
from ctsieve.pipeline.answers import answers_of
from ctsieve.pipeline.error_pictures import error_picture
from ctsieve.pipeline.evaluate import classless_report, finest_level, report_of
from ctsieve.pipeline.lesion_file import LESIONS, save_lesions
from ctsieve.pipeline.score_file import save_scores
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.stamp import Origin, stamp_of
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected
from ctsieve.types.lesion_table import LesionTable
from ctsieve.types.recipe import Recipe
from ctsieve.types.report import Absent, Measured, Table
from ctsieve.types.scores import ScoreTable
from ctsieve.version import __version__
from ctsieve.writers import _page

SCHEMA = "1"
NO_CLASS = "The bundle gives no class: nothing here says how well it tells who is ill."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the person who evaluates may choose."""

    positive: str = "covid19"
    negative: tuple[str, ...] = ()
    prevalences: tuple[float, ...] = (0.01, 0.1, 0.5)
    parts: tuple[Part, ...] = PARTS
    """Of the ROC curve, whose area is wanted by itself."""
    scores_name: str = "scores.csv"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the score table alone does not hold: the screener and the cases' files, if at hand."""

    screener: Screener | None = None
    recipe: Recipe | None = None
    cases: Mapping[str, Case] = dataclasses.field(default_factory=dict)
    faithfulness: tuple[Table, ...] = ()
    doubts: tuple[str, ...] = ()
    """What is known against these data, in sentences."""
    audit: str = ""
    """What an audit of the split said; empty: there was none."""
    lesions: LesionTable | None = None
    num_masks: int = 0
    """Of cases with a mask; a bundle that draws no lesions says so of them."""


def build_page(table: ScoreTable, *, options: Options, evidence: Evidence) -> Page:
    """Everything that an evaluation says, of lesions alone where no class can be measured.

    Raises:
        InputRejected: see `ctsieve.pipeline.evaluate.report_of`.
    """
    lesions = _lesions(evidence)
    summary, why = _summary(table, options, has_lesions=evidence.lesions is not None)
    pictures = tuple(
        error_picture(call, evidence.cases, evidence.screener, positive=options.positive)
        for call in summary.errors
    )
    origin = Origin(
        table=table,
        summary=summary,
        recipe=evidence.recipe,
        audit=evidence.audit,
        has_pictures=any(picture.uri for picture in pictures),
    )
    if why and lesions is not None:
        said = lesion_verdict(lesions, summary.report, why_no_class=why, doubts=evidence.doubts)
    else:
        said = verdict(summary, doubts=evidence.doubts)
    return Page(
        summary=summary,
        verdict=said,
        pictures=pictures,
        faithfulness=evidence.faithfulness,
        stamp=stamp_of(origin),
        checklists=checklists(answers_of(origin)),
        software=f"ctsieve {__version__}",
        lesions=lesions,
    )


def _lesions(evidence: Evidence) -> LesionSummary | None:
    if evidence.lesions is not None:
        return summarise_lesions(evidence.lesions)
    return no_lesions(evidence.num_masks) if evidence.num_masks else None


def _summary(table: ScoreTable, options: Options, *, has_lesions: bool) -> tuple[Summary, str]:
    """What is said of classes, or nothing and a sentence why; without lesions that is an error."""
    why = NO_CLASS
    if table.labels or not has_lesions:
        check_labels(table, options.positive, negative=options.negative)
        try:
            report = report_of(
                table, positive=options.positive, negative=options.negative, parts=options.parts
            )
        except InputRejected as error:
            if not has_lesions:
                raise
            why = f"Nothing about classes can be measured: {error}."
        else:
            level = finest_level(table)
            found = summarise(
                report, table, level=level, prevalences=options.prevalences, parts=options.parts
            )
            return found, ""
    return classless(classless_report(table, positive=options.positive)), why


def write_evaluation(
    page: Page,
    table: ScoreTable,
    out: Path,
    *,
    scores_name: str,
    lesions: LesionTable | None = None,
) -> Path:
    """Write page, JSON, scores, lesions, figures and tables into `out`; returns the page's path.

    A bundle that gives no class has no score file.
    """
    out.mkdir(parents=True, exist_ok=True)
    look = _page.text("report.css")
    path = out / "report.html"
    path.write_text(to_html(page, look=look), encoding="utf-8")
    (out / "report.json").write_text(to_json(page), encoding="utf-8")
    if table.labels:
        save_scores(table, out / scores_name)
    else:
        (out / scores_name).unlink(missing_ok=True)
    if lesions is not None:
        save_lesions(lesions, out / LESIONS)
    else:  # of an earlier evaluation, perhaps of another bundle
        (out / LESIONS).unlink(missing_ok=True)
    write_charts(page.charts, out / "figures")
    write_tables(page.tables, out / "tables")
    write_tables([as_table(one) for one in page.checklists], out / "checklists")
    return path


def write_protocol(tables: Sequence[Table], charts: Sequence[Chart], out: Path) -> list[Path]:
    """A paper's tables as CSV, its figures as SVG and PNG; returns the tables' paths."""
    write_charts(charts, out / "figures")
    return write_tables(tables, out / "tables")


def to_json(page: Page) -> str:
    """Figures, verdict and stamp as JSON."""
    report = page.summary.report
    document = {
        "schema_version": SCHEMA,
        "software": page.software,
        "bundle": dataclasses.asdict(report.bundle),
        "cases_digest": report.cases_digest,
        "positive_label": report.positive_label,
        "num_cases": len(report.scores),
        "num_rejected": report.num_rejected,
        "num_abstained": report.num_abstained,
        "verdict": {"title": page.verdict.title, "detail": page.verdict.detail},
        "doubts": page.verdict.doubts,
        "levels": {
            level: {name: _measured(value) for name, value in figures.items()}
            for level, figures in report.levels.items()
        },
        "lesions": None if page.lesions is None else _lesion_rows(page.lesions),
        "tables": [dataclasses.asdict(t) for t in page.tables],
        "stamp": dict(page.stamp),
        "notice": report.notice,
    }
    return json.dumps(document, indent=1) + "\n"


def write_tables(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Each table as a CSV file named after its title."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for table in tables:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerows([table.columns, *table.rows])
        path = folder / f"{re.sub('[^a-z0-9]+', '-', table.title.lower()).strip('-')}.csv"
        path.write_text(text.getvalue(), encoding="utf-8")
        paths.append(path)
    return paths


def write_charts(charts: Sequence[Chart], folder: Path) -> None:
    """Each chart as SVG and as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for chart in charts:
        (folder / f"{chart.name}.svg").write_text(chart.svg, encoding="utf-8")
        (folder / f"{chart.name}.png").write_bytes(chart.png)


def _lesion_rows(lesions: LesionSummary) -> dict[str, object]:
    """Every number with its n; `kind` is empty for all kinds, and of one patient none is ranged."""
    rows = []
    for one in lesions.measures:
        row = {"measure": one.name, "kind": one.kind, "num_lesions": one.num_lesions}
        row |= _measured(one.value)
        if row.get("num_patients") == 1:
            row |= {"low": None, "high": None}
        rows.append(row)
    return {"sentence": lesions.sentence, "measures": rows}


def _measured(value: Measured) -> dict[str, object]:
    if isinstance(value, Absent):
        return {"value": None, "reason": value.reason}
    return dataclasses.asdict(value)
