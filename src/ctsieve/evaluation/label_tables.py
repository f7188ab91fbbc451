"""What a single AUC hides where there are several labels: each negative kind, each label's own.

To tell COVID-19 from healthy lungs is one question, to tell it from other pneumonia another, and
the second is the harder one; an AUC against all others together depends on how many of each the
data happen to hold.
"""

import numpy as np

from ctsieve.evaluation.cohort import Level, class_sample_of, decided, sample_of, units
from ctsieve.evaluation.in_words import counted, in_words, many
from ctsieve.evaluation.measures import MEASURES, measured
from ctsieve.evaluation.multiclass import multiclass_figures
from ctsieve.types.report import Table
from ctsieve.types.scores import ScoreTable

RANKED = ("auc", "ap", "auc_pr")


def negatives_table(table: ScoreTable, positive: str, level: Level) -> Table:
    """The positives against the cases of every other label alone; no row where there is only one.

    Raises:
        InputRejected: no case of that level has a score.
    """
    sample = sample_of(table, positive, level)
    label = np.array([unit[0].label for unit in units(table, level)])
    others = sorted(set(label[~sample.positive].tolist()) - {positive})
    rows = []
    for other in others if len(others) > 1 else ():
        alone = sample.of(sample.positive | (label == other))
        found = measured(alone, {name: MEASURES[name] for name in ("auc", "specificity")})
        count = alone.num_cases - alone.num_positive
        patients = np.unique(alone.patient[~alone.positive]).size
        figures = (in_words(found[name]) for name in ("auc", "specificity"))
        rows.append((other.replace("_", " "), str(count), str(patients), *figures))
    return Table(
        title=f"Against each other label ({level} level)",
        columns=("against", "cases", "patients", "AUC-ROC", "specificity"),
        rows=tuple(rows),
        note=f"All {sample.num_positive} positive cases against those of one label.",
    )


def one_against_rest_table(table: ScoreTable, positive: str, level: Level) -> Table:
    """AUC-ROC, AP and AUC-PR of every label against all others; no row for a bundle of one label.

    Of `positive` all other cases are negatives; of another label those whose own label says that
    they are not it.

    Raises:
        InputRejected: no case of that level has a score.
    """
    rows, left_out = [], 0
    for label in table.labels if len(table.labels) > 1 else ():
        own = table if label == positive else decided(table, label)
        left_out = max(left_out, len(table.judged) - len(own.judged))
        if not own.judged:
            continue
        sample = sample_of(own, label, level)
        found = measured(sample, {name: MEASURES[name] for name in RANKED})
        count = f"{sample.num_positive} of {sample.num_cases}"
        rows.append((label.replace("_", " "), count, *(in_words(found[n]) for n in RANKED)))
    return Table(
        title=f"Each label against the rest ({level} level)",
        columns=("label", "cases", *(MEASURES[name].title for name in RANKED)),
        rows=tuple(rows),
        note=_undecided(left_out) * bool(left_out),
    )


def class_tables(table: ScoreTable, level: Level) -> tuple[Table, ...]:
    """The confusion matrix and its numbers; none for a bundle that flags labels one by one.

    Cases with a label that the bundle cannot answer are left out, and the note says how many.
    """
    if len(table.labels) < 2 or table.multi_label:
        return ()
    known = table.of(tuple(row for row in table.rows if row.label in table.labels))
    if not known.judged:
        return ()
    sample = class_sample_of(known, level)
    rows = tuple(
        (label, *(str(n) for n in line))
        for label, line in zip(table.labels, sample.matrix(), strict=True)
    )
    listed = tuple(
        (name.replace("_", " "), in_words(value), counted(value))
        for name, value in multiclass_figures(sample).items()
    )
    left_out = len(table.judged) - len(known.judged)
    note = _undecided(left_out) * bool(left_out)
    return (
        Table(
            title="Confusion matrix of labels",
            columns=("truth", *table.labels),
            rows=rows,
            note=note,
        ),
        Table(
            title="Several labels",
            columns=("measure", f"{level} level", "n"),
            rows=listed,
            note=note,
        ),
    )


def _undecided(count: int) -> str:
    return (
        f"{many(count, 'case')} left out whose label does not say which of the bundle's labels "
        "they have."
    )
