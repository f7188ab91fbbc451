"""An audit as one self-contained page for people: what is wrong first, the numbers beneath."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ctsieve.types.audit import AuditReport, CueResult, Gravity, Twins
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._page import environment, source_digest, text
from ctsieve.writers._phrases import counted
from ctsieve.writers._pictures import Bytes, jpeg_uri

FILE_NAME = "audit.html"
MOST_ROWS = 200
"""Rows of a table; audit.json has all."""
FEW_ROWS = 30
"""A table with more is folded up."""
LOWEST_AUC = 0.4
"""Where the axis of AUCs begins."""

TITLES: Mapping[Gravity, tuple[str, str]] = {
    "leak": ("What is on two sides", "Numbers measured on such a split are too good."),
    "trap": ("What a model may learn instead", "None of this is disease, yet it tells the label."),
    "note": ("Worth knowing", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AucBar:
    """One cue; places are per cent of the axis."""

    title: str
    label: str
    shown: str
    place: float
    low: float
    high: float
    telling: bool
    levels: tuple[tuple[str, str], ...]
    """Values with their counts of each label, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinRow:
    """A pair with both pictures; an address is empty where there is no picture."""

    twins: Twins
    one: str
    other: str
    where: str


def write_audit_html(
    report: AuditReport, folder: Path, *, pictures: Mapping[str, Bytes] | None = None
) -> list[Path]:
    """Write `audit.html` into `folder`; `pictures` (R, C) are of some cases, by id."""
    page = audit_to_html(report, pictures=pictures or {})
    return write_whole(folder, {FILE_NAME: page.encode("utf-8", "replace")})


def audit_to_html(report: AuditReport, *, pictures: Mapping[str, Bytes]) -> str:
    """The page as text."""
    style = text("report.css") + text("audit.css")
    return (
        environment()
        .get_template("audit.html.j2")
        .render(
            report=report,
            headline=_headline(report),
            tone=_tone(report),
            sections=[(*TITLES[g], g, report.of(g)) for g in TITLES if report.of(g)],
            labels=sorted({cue.label for cue in report.cues}),
            bars=[_bar(cue) for cue in report.cues],
            ticks=[(_place(v / 10), f"{v / 10:.1f}") for v in range(4, 11)],
            half=_place(0.5),
            twins=[_row(twins, pictures) for twins in report.twins[:MOST_ROWS]],
            counts=report.counts[:MOST_ROWS],
            columns=_columns(report),
            most=MOST_ROWS,
            few=FEW_ROWS,
            style=style,
            style_digest=source_digest(style),
        )
    )


def _headline(report: AuditReport) -> str:
    leaks, traps = len(report.of("leak")), len(report.of("trap"))
    found = counted(traps, "trap") if traps else "no trap"
    if not report.split:
        return found.capitalize() if traps else "No trap found"
    return f"{counted(leaks, 'leak')}, {found}" if leaks else f"No leak, {found}"


def _tone(report: AuditReport) -> str:
    """The colour of the verdict, by the names the report's style has for it."""
    if report.of("leak"):
        return "rejected"
    return "positive" if report.of("trap") else "negative"


def _bar(cue: CueResult) -> AucBar:
    figure = cue.figure
    return AucBar(
        title=cue.title,
        label=cue.label,
        shown=f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})",
        place=_place(figure.value),
        low=_place(figure.low),
        high=_place(figure.high),
        telling=figure.low > 0.5,
        levels=tuple(
            (value, ", ".join(f"{n} {label}" for label, n in labels.items()))
            for value, labels in cue.levels.items()
        ),
    )


def _place(auc: float) -> float:
    """Per cent of the axis from `LOWEST_AUC` to 1."""
    return 100.0 * (max(auc, LOWEST_AUC) - LOWEST_AUC) / (1.0 - LOWEST_AUC)


def _row(twins: Twins, pictures: Mapping[str, Bytes]) -> TwinRow:
    addresses = [
        jpeg_uri(pictures[name], quality=80) if name in pictures else ""
        for name in (twins.one, twins.other)
    ]
    return TwinRow(twins=twins, one=addresses[0], other=addresses[1], where=_where(twins))


def _where(twins: Twins) -> str:
    """What makes a pair worth a look: its sides, its labels, or its patients."""
    if "" not in twins.sides and twins.sides[0] != twins.sides[1]:
        return f"{twins.sides[0]} and {twins.sides[1]}"
    if twins.labels[0] != twins.labels[1]:
        return f"{twins.labels[0]} and {twins.labels[1]}"
    return "two patients"


def _columns(report: AuditReport) -> tuple[str, ...]:
    """Which of the count table's columns say anything: those that are not unknown everywhere."""
    names = ("label", "site", "sex", "age", "side")
    return tuple(name for name in names if any(getattr(row, name) for row in report.counts))
