"""The same numbers in subgroups: site, sex, age band, kernel, slice thickness, file type, ...

Differences between subgroups are differences in who is in them as much as in the screener; small
subgroups have wide intervals, and what a subgroup does not define is said, not left out.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ctsieve.evaluation.cohort import Level, sample_of, units
from ctsieve.evaluation.measures import MEASURES, measured
from ctsieve.evaluation.sample import Bools
from ctsieve.types.report import Measured
from ctsieve.types.scores import CaseScore, ScoreTable

MEASURED = ("auc", "sensitivity", "specificity")
UNKNOWN = "not known"
MOST_VALUES = 12
"""An attribute with more values than this is no grouping (a file name, a free text)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroup:
    """Cases that share a value of an attribute."""

    attribute: str
    value: str
    num_cases: int
    num_patients: int
    num_positive: int
    figures: dict[str, Measured]


def subgroups(table: ScoreTable, positive: str, level: Level) -> tuple[Subgroup, ...]:
    """Figures for every value of every attribute with at least two of them.

    Raises:
        InputRejected: no case of that level has a score.
    """
    sample, rows = sample_of(table, positive, level), units(table, level)
    measures = {name: MEASURES[name] for name in MEASURED}
    found = []
    for attribute, values in attributes(rows).items():
        for value in sorted(set(values)):
            own = sample.of(_equal(values, value))
            found.append(
                Subgroup(
                    attribute=attribute,
                    value=value,
                    num_cases=own.num_cases,
                    num_patients=own.num_patients,
                    num_positive=own.num_positive,
                    figures=measured(own, measures),
                )
            )
    return tuple(found)


def attributes(rows: list[tuple[CaseScore, ...]]) -> dict[str, list[str]]:
    """Attribute to the value of each unit, for attributes that divide the units.

    Attributes that divide them alike (the kernel and the maker of the only scanner) are one.
    """
    names = sorted({name for unit in rows for row in unit for name in row.facts})
    columns = {"site": [_common(unit, "") for unit in rows]}
    columns |= {name: [_common(unit, name) for unit in rows] for name in names}
    dividing = {n: v for n, v in columns.items() if 2 <= len(set(v)) <= MOST_VALUES}
    alike: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for name, values in dividing.items():
        alike[_partition(values)].append(name)
    return {
        " / ".join(same): [" / ".join(v) for v in zip(*(dividing[n] for n in same), strict=True)]
        for same in alike.values()
    }


def _partition(values: list[str]) -> tuple[int, ...]:
    """The same numbers for every way of naming the same groups."""
    first = {value: number for number, value in reversed(list(enumerate(values)))}
    return tuple(first[value] for value in values)


def _common(unit: tuple[CaseScore, ...], name: str) -> str:
    found = {(row.facts.get(name, "") if name else row.site) or UNKNOWN for row in unit}
    return found.pop() if len(found) == 1 else "several"


def _equal(values: list[str], value: str) -> Bools:
    return np.array([v == value for v in values], dtype=np.bool_)
