"""What all protocols say: whose row is ours, and that other data are other data."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.cohort import Level, class_sample_of
from ctsieve.evaluation.multiclass import PAPER_ORDER, multiclass_figures
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Absent, Measured
from ctsieve.types.results import BundleIdentity
from ctsieve.types.scores import ScoreTable

MISSING = "-"
INTERVAL = "95 % interval"
"""The name of the row beneath ours."""
Matrix = npt.NDArray[np.int64]


def ours(table: ScoreTable) -> str:
    """The name of our row."""
    return named(table.bundle)


def named(bundle: BundleIdentity) -> str:
    """A bundle as the name of a row."""
    return f"{bundle.name} {bundle.version} (here)"


def paper_matrix(table: ScoreTable, level: Level) -> Matrix:
    """The confusion matrix (3, 3) in the papers' order: normal, other pneumonia, COVID-19.

    Raises:
        InputRejected: the bundle does not tell exactly these three apart.
    """
    _check_labels(table)
    matrix = class_sample_of(table, level).matrix()
    order = [table.labels.index(label) for label in PAPER_ORDER]
    return np.asarray(matrix[np.ix_(order, order)])


def paper_figures(table: ScoreTable, level: Level) -> dict[str, Measured]:
    """The numbers of `paper_matrix` with intervals, by the names of `multiclass_figures`.

    Raises:
        InputRejected: as `paper_matrix`.
    """
    _check_labels(table)
    return multiclass_figures(class_sample_of(table, level))


def _check_labels(table: ScoreTable) -> None:
    if set(table.labels) != set(PAPER_ORDER):
        raise InputRejected(
            f"the paper tells {', '.join(PAPER_ORDER)} apart, the bundle {', '.join(table.labels)}",
            hint="this protocol needs a bundle of the paper's kind",
        )


def interval(value: Measured, *, digits: int = 3, percent: bool = False) -> str:
    """Both ends of an interval in the digits of a table's numbers."""
    if isinstance(value, Absent):
        return MISSING
    if percent:
        return f"{100 * value.low:.{digits}f}% to {100 * value.high:.{digits}f}%"
    return f"{value.low:.{digits}f} to {value.high:.{digits}f}"


def why_missing(values: Iterable[Measured]) -> str:
    """Why cells of our row are dashes, in a sentence that goes behind others; empty: none is."""
    reasons = dict.fromkeys(value.reason for value in values if isinstance(value, Absent))
    return f" Ours is a dash where there is no number: {'; '.join(reasons)}." * bool(reasons)


def data_note(table: ScoreTable, *, published: int, what: str) -> str:
    """Whether our row may stand beside the published ones."""
    judged = len(table.judged)
    if not judged:
        return f"Published on {published} {what}; ours is missing: there are none here."
    digest = table.cases_digest[:12]
    lost = len(table.rows) - judged
    unjudged = f", {lost} more without a score" if lost else ""
    if judged == published and not lost:
        return (
            f"Published on {published} {what}; here as many, cases digest {digest}. "
            "Whether they are the same ones the digest has to show."
        )
    return (
        f"Published on {published} {what}; here on {judged}{unjudged} (cases digest {digest}): "
        "not the same data, so the rows do not rank the models."
    )
