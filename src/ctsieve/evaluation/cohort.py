"""From a score table to samples: one question, one level, and whose label counts as what.

A level is "slice" (single slices and pictures), "scan" (volumes and stacks) or "patient": the mean
probability of a patient's scans, or of its slices where it has no scan.  A patient whose images
have different labels (a paper's figures of several people, say) is one unit per label, and is
still drawn as one by the bootstrap.

A single slice that is known to show none of its patient's disease is a negative at slice level, as
it is in training; its patient stays positive.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from ctsieve.evaluation.multiclass import ClassSample
from ctsieve.evaluation.sample import Sample
from ctsieve.types.cases import is_known
from ctsieve.types.errors import InputRejected
from ctsieve.types.promise import promise
from ctsieve.types.scores import INFECTION, CaseScore, ScoreTable

Level = Literal["slice", "scan", "patient"]
LEVELS: tuple[Level, ...] = ("slice", "scan", "patient")

HEALTHY = "neither"
APART = ("neither", "other_pneumonia", "covid19")
"""Labels of which a case has one only."""
NOT_COVID = "non_covid19"
"""Not COVID-19, and nobody says what else: healthy, or another pneumonia."""
COVID = "covid19"


def check_labels(table: ScoreTable, positive: str, *, negative: Sequence[str] = ()) -> None:
    """Refuse labels that nobody can tell right or wrong.

    Understood are the bundle's own and those that exclude each other; `non_covid19` may be a case
    of other pneumonia, so it is a negative of COVID-19 alone.  Any other word is more likely a slip
    of the pen, unless it stands among `negative`.

    Raises:
        InputRejected: the bundle does not know `positive`, or a case has an unknown label.
    """
    known = ", ".join(table.labels)
    vocabulary = (*APART, NOT_COVID) if positive == COVID else APART
    if positive not in table.labels:
        raise InputRejected(f"the bundle does not know {positive!r}", hint=f"it knows: {known}")
    understood = {*table.labels, *vocabulary, *negative}
    for row in table.rows:
        if row.label not in understood:
            raise InputRejected(
                f"case {row.case!r} has the label {row.label!r}, which the bundle does not know",
                hint=f"it knows: {known}; to count it as negative say --negative {row.label}",
            )


def decided(table: ScoreTable, label: str) -> ScoreTable:
    """The cases whose label says whether they are `label`, and not merely what they are not."""
    understood = {*table.labels, *APART, *((NOT_COVID,) if label == COVID else ())}
    return table.of(tuple(row for row in table.rows if row.label in understood))


def check_sides(table: ScoreTable) -> None:
    """Refuse a patient on two sides of a split: one of them is not new to the network.

    Raises:
        InputRejected: a patient who is known has cases of two sides.
    """
    sides: dict[str, set[str]] = defaultdict(set)
    for row in table.rows:
        if is_known(row.patient):
            sides[row.patient].add(row.side)
    for patient, own in sides.items():
        if len(own) > 1:
            named = " and ".join(side or "none that is said" for side in sorted(own))
            raise InputRejected(
                f"patient {patient!r} has cases on two sides of the split: {named}",
                hint="evaluate one side at a time, and split by patient",
            )


def sample_of(table: ScoreTable, positive: str, level: Level) -> Sample:
    """The judged cases of one level, as a yes-no question.

    Raises:
        InputRejected: no case of that level has a score, or a score is none.
    """
    groups = _units(table, level)
    if not groups:
        raise InputRejected(f"none of {len(table.rows)} cases could be judged at {level} level")
    return Sample(
        probability=np.array([_mean(r.scores[positive] for r in rows) for rows in groups]),
        positive=np.array([_truth(rows, level) == positive for rows in groups]),
        patient=np.array([rows[0].patient for rows in groups]),
        threshold=np.array([_mean(r.thresholds[positive] for r in rows) for rows in groups]),
    )


def units(table: ScoreTable, level: Level) -> list[tuple[CaseScore, ...]]:
    """The rows behind each case of `sample_of`, in its order."""
    return _units(table, level)


def levels_of(table: ScoreTable) -> tuple[Level, ...]:
    """The levels that have judged cases, the patient's last."""
    own = {row.level for row in table.judged}
    return tuple(level for level in LEVELS if level in own or (level == "patient" and own))


def class_sample_of(table: ScoreTable, level: Level) -> ClassSample:
    """The judged cases of one level, as a question with several answers: the likeliest label.

    Raises:
        InputRejected: the bundle tells fewer than two labels apart or flags them one by one, a case
            has a label that is none of them, or no case has a score.
    """
    if len(table.labels) < 2 or table.multi_label:
        raise InputRejected(
            f"the bundle answers yes or no to {', '.join(table.labels)} only",
            hint="labels are told apart by a bundle of several labels that share their probability",
        )
    groups = _units(table, level)
    if not groups:
        raise InputRejected(f"none of {len(table.rows)} cases could be judged at {level} level")
    number = {label: i for i, label in enumerate(table.labels)}
    truth = [_truth(rows, level) for rows in groups]
    foreign = sorted(set(truth) - set(number))
    if foreign:
        raise InputRejected(
            f"cases have the label {foreign[0]!r}, which is none of {', '.join(table.labels)}"
        )
    scores = np.array(
        [[_mean(r.scores[label] for r in rows) for label in table.labels] for rows in groups]
    )
    return ClassSample(
        labels=table.labels,
        true=np.array([number[label] for label in truth], dtype=np.intp),
        called=scores.argmax(axis=1),
        patient=np.array([rows[0].patient for rows in groups]),
    )


def is_healthy_slice(row: CaseScore) -> bool:
    """Whether a row is of a single slice that is known to show none of its patient's disease."""
    return row.level == "slice" and row.truth.get(INFECTION) is False


def _truth(rows: Sequence[CaseScore], level: Level) -> str:
    return HEALTHY if level == "slice" and is_healthy_slice(rows[0]) else rows[0].label


def _units(table: ScoreTable, level: Level) -> list[tuple[CaseScore, ...]]:
    judged = sorted(table.judged, key=lambda row: row.case)
    if level != "patient":
        return [(row,) for row in judged if row.level == level]
    scanned = {row.patient for row in judged if row.level == "scan"}
    groups: dict[tuple[str, str], list[CaseScore]] = defaultdict(list)
    for row in judged:
        if row.level == "scan" or row.patient not in scanned:
            groups[row.patient, row.label].append(row)
    return [tuple(rows) for rows in groups.values()]


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    promise(bool(listed), "a unit has a row")
    return float(np.mean(listed))
