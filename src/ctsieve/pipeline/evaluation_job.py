"""What `ctsieve evaluate` does: find cases or scores, score, report."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ctsieve.evaluation.verdict import verdict
from ctsieve.pipeline.case_list import cases_in, side_of, split_of
from ctsieve.pipeline.evaluation_files import (
    Evidence,
    Options,
    write_evaluation,
    write_tables,
)
from ctsieve.pipeline.faithfulness import faithfulness_table
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.protocols import PROTOCOLS, find_protocol
from ctsieve.pipeline.score import score
from ctsieve.pipeline.score_file import is_score_file, load_scores
from ctsieve.pipeline.screen import Screener
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Table
from ctsieve.types.scores import ScoreTable

NO_BUNDLE = "-"
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to evaluate on what."""

    bundle: str
    data: Path
    datasets: tuple[str, ...] = ()
    side: str = ""
    config: Path | None = None
    threads: int | None = None
    faithfulness: int = 0
