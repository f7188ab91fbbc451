"""The evaluation report as one self-contained page, verdict first.

Nothing is fetched from anywhere, and nothing runs: there is no script.  `look` is the style sheet
of the screening report, so that both read alike; the rest of the style is beside the template.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ctsieve.evaluation.charts import Chart
from ctsieve.evaluation.checklists import Checklist
from ctsieve.evaluation.lesion_summary import LesionSummary
from ctsieve.evaluation.summary import Summary, WrongCall
from ctsieve.evaluation.verdict import Verdict
from ctsieve.types.report import Table

TEMPLATES = Path(__file__).parent / "_templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A wrong call to be looked at."""

    call: WrongCall
    uri: str
    """Of a picture with its explanation; empty where the image cannot be opened any more."""
    facts: str
    words: str = ""
    """Which slice is shown, what its colours mean, and what the bundle says now if it differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything on the page."""

    summary: Summary
    verdict: Verdict
    pictures: tuple[Picture, ...]
    faithfulness: tuple[Table, ...]
    stamp: tuple[tuple[str, str], ...]
    """Digests, versions and audit: what it takes to make the page again."""
    checklists: tuple[Checklist, ...]
    software: str
    lesions: LesionSummary | None = None
    """What was measured of lesions, or why nothing was; None: no case has a mask."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """All of them, as files have them."""
        own = () if self.lesions is None else self.lesions.tables
        return (*self.summary.tables, *own, *self.faithfulness)

    @property
    def charts(self) -> tuple[Chart, ...]:
        """All of them, as files have them."""
        return (*self.summary.charts, *(() if self.lesions is None else self.lesions.charts))


def to_html(page: Page, *, look: str) -> str:
    """The page as text."""
    style = look + (TEMPLATES / "evaluation.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    template = _environment().get_template("evaluation.html.j2")
    return template.render(page=page, style=style, style_digest=f"sha256-{digest}")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
