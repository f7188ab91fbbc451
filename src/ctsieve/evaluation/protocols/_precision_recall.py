"""Tables of precision, recall and F1 per class with their weighted average."""

from collections.abc import Mapping

import numpy as np

from ctsieve.evaluation.class_f1 import class_scores
from ctsieve.evaluation.protocols._shared import MISSING, Matrix
from ctsieve.types.report import Table

CLASSES = ("Normal", "Pneumonia", "COVID-19")
AVERAGE = "Weighted Average"
Rows = tuple[tuple[str, ...], ...]


def report_table(title: str, published: Rows, matrices: Mapping[str, Matrix], note: str) -> Table:
    """Published rows, and those of each confusion matrix (3, 3) by its model's name."""
    rows = [("published", *row) for row in published]
    for name, matrix in matrices.items():
        rows += [(name, *row) for row in class_rows(matrix)]
    return Table(
        title=title,
        columns=("model", "class", "precision", "recall", "F1"),
        rows=tuple(rows),
        note=note,
    )


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
