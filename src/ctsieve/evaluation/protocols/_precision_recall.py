"""Tables of precision, recall and F1 per class with their weighted average."""

import numpy as np

from ctsieve.evaluation.class_f1 import class_scores
from ctsieve.evaluation.cohort import Level
from ctsieve.evaluation.multiclass import PAPER_ORDER
from ctsieve.evaluation.protocols._shared import (
    INTERVAL,
    MISSING,
    Matrix,
    interval,
    ours,
    paper_figures,
    paper_matrix,
)
from ctsieve.types.report import Table
from ctsieve.types.scores import ScoreTable

CLASSES = ("Normal", "Pneumonia", "COVID-19")
AVERAGE = "Weighted Average"
Rows = tuple[tuple[str, ...], ...]


def report_table(
    title: str, published: Rows, table: ScoreTable, *, level: Level, note: str
) -> Table:
    """Published rows, ours, and the intervals of ours.

    Raises:
        InputRejected: the bundle does not tell the paper's three classes apart.
    """
    rows = [("published", *row) for row in published]
    rows += [(ours(table), *row) for row in class_rows(paper_matrix(table, level))]
    rows += [(INTERVAL, *row) for row in interval_rows(table, level)]
    return Table(
        title=title,
        columns=("model", "class", "precision", "recall", "F1"),
        rows=tuple(rows),
        note=note,
    )


def interval_rows(table: ScoreTable, level: Level) -> Rows:
    """Intervals of the numbers of `class_rows`, in its order; whole patients are drawn."""
    figures = paper_figures(table, level)
    kinds = ("precision", "recall", "f1")
    rows = [
        (name, *(interval(figures[f"{kind}:{label}"]) for kind in kinds))
        for name, label in zip(CLASSES, PAPER_ORDER, strict=True)
    ]
    means = ("weighted_precision", "accuracy", "weighted_f1")
    return (*rows, (AVERAGE, *(interval(figures[name]) for name in means)))


def class_rows(matrix: Matrix) -> Rows:
    """Precision, recall and F1 of every class, and their means by the classes' shares."""
    scores = class_scores(matrix)
    columns = np.stack([scores.precision, scores.sensitivity, scores.f1], axis=1)
    share = matrix.sum(axis=1) / matrix.sum()
    average = np.nansum(columns * share[:, None], axis=0)
    named = [*zip(CLASSES, columns, strict=True), (AVERAGE, average)]
    return tuple((name, *(_shown(v) for v in values)) for name, values in named)


def _shown(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else MISSING
