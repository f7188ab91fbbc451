"""What a single AUC hides where there are several labels: each negative kind, each label's own.

To tell COVID-19 from healthy lungs is one question, to tell it from other pneumonia another, and
the second is the harder one; an AUC against all others together depends on how many of each the
data happen to hold.
"""

import numpy as np

from ctsieve.evaluation.cohort import Level, sample_of, units
from ctsieve.evaluation.in_words import in_words
from ctsieve.evaluation.measures import MEASURES, measured
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


def one_against_rest_table(table: ScoreTable, level: Level) -> Table:
    """AUC-ROC, AP and AUC-PR of every label against all others; no row for a bundle of one label.

    Raises:
        InputRejected: no case of that level has a score.
    """
    rows = []
    for label in table.labels if len(table.labels) > 1 else ():
        sample = sample_of(table, label, level)
        found = measured(sample, {name: MEASURES[name] for name in RANKED})
        count = f"{sample.num_positive} of {sample.num_cases}"
        rows.append((label.replace("_", " "), count, *(in_words(found[n]) for n in RANKED)))
    return Table(
        title=f"Each label against the rest ({level} level)",
        columns=("label", "cases", *(MEASURES[name].title for name in RANKED)),
        rows=tuple(rows),
    )
