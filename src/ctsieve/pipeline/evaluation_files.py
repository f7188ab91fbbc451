"""An evaluation on disk: one page for people, and the same as files for programs.

report.html      the page
report.json      figures with n and intervals, digests
scores.csv       (or .parquet) the score file everything was computed from
figures/         every chart as SVG and PNG
tables/          every table as CSV
"""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ctsieve.evaluation.charts import Chart
from ctsieve.evaluation.checklists import checklists
from ctsieve.evaluation.page import Page, to_html
from ctsieve.evaluation.summary import summarise
from ctsieve.evaluation.verdict import verdict
from ctsieve.pipeline.error_pictures import error_picture
from ctsieve.pipeline.evaluate import finest_level, report_of
from ctsieve.pipeline.score_file import save_scores
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.stamp import Origin, answers_of, stamp_of
from ctsieve.types.cases import Case
from ctsieve.types.recipe import Recipe
from ctsieve.types.report import Absent, Measured, Table
from ctsieve.types.scores import ScoreTable
from ctsieve.version import __version__
from ctsieve.writers import _page

SCHEMA = "1"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the person who evaluates may choose."""

    positive: str = "covid19"
    negative: tuple[str, ...] = ()
    prevalences: tuple[float, ...] = (0.01, 0.1, 0.5)
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


def build_page(table: ScoreTable, *, options: Options, evidence: Evidence) -> Page:
    """Everything that an evaluation says.

    Raises:
        InputRejected: see `ctsieve.pipeline.evaluate.report_of`.
    """
    report = report_of(table, positive=options.positive, negative=options.negative)
    level = finest_level(table)
    summary = summarise(report, table, level=level, prevalences=options.prevalences)
    origin = Origin(table=table, summary=summary, recipe=evidence.recipe, audit=evidence.audit)
    return Page(
        summary=summary,
        verdict=verdict(summary, doubts=evidence.doubts),
        pictures=tuple(
            error_picture(call, evidence.cases, evidence.screener, positive=options.positive)
            for call in summary.errors
        ),
        faithfulness=evidence.faithfulness,
        stamp=stamp_of(origin),
        checklists=checklists(answers_of(origin)),
        software=f"ctsieve {__version__}",
    )


def write_evaluation(page: Page, table: ScoreTable, out: Path, *, scores_name: str) -> Path:
    """Write page, JSON, scores, figures and tables into `out`; returns the page's path."""
    out.mkdir(parents=True, exist_ok=True)
    look = _page.text("report.css")
    path = out / "report.html"
    path.write_text(to_html(page, look=look), encoding="utf-8")
    (out / "report.json").write_text(to_json(page), encoding="utf-8")
    save_scores(table, out / scores_name)
    write_charts(page.summary.charts, out / "figures")
    write_tables([*page.summary.tables, *page.faithfulness], out / "tables")
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
        "tables": [dataclasses.asdict(t) for t in (*page.summary.tables, *page.faithfulness)],
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


def _measured(value: Measured) -> dict[str, object]:
    if isinstance(value, Absent):
        return {"value": None, "reason": value.reason}
    return dataclasses.asdict(value)
