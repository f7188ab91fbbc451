"""What a protocol says of itself."""

from collections.abc import Callable
from dataclasses import dataclass

from ctsieve.evaluation.charts import Chart
from ctsieve.types.lesion_table import LesionTable
from ctsieve.types.report import Table
from ctsieve.types.scores import ScoreTable


def _no_charts(_table: ScoreTable, _baseline: ScoreTable | None = None) -> tuple[Chart, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolCard:
    """A paper's tables: `tables(scores)` has the published rows and ours."""

    title: str
    paper: str
    tables: Callable[[ScoreTable], tuple[Table, ...]]
    charts: Callable[[ScoreTable, ScoreTable | None], tuple[Chart, ...]] = _no_charts
    """Of the scores, and of a baseline's where there are any."""
    lesion_tables: Callable[[LesionTable, tuple[Table, ...]], tuple[Table, ...]] | None = None
    """The same tables with rows of lesions, where the paper has any."""
