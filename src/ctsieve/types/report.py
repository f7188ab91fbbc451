"""What an evaluation says: numbers that carry their n and their interval, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ctsieve.types.promise import promise
from ctsieve.types.results import NOTICE, BundleIdentity
from ctsieve.types.scores import CaseScore


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number with its 95 % interval and what it was counted on."""

    value: float
    low: float
    high: float
    num_cases: int
    num_patients: int

    def __post_init__(self) -> None:
        promise(self.num_cases > 0, "a figure is counted on something")

    def __str__(self) -> str:
        return (
            f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}; "
            f"{self.num_cases} cases, {self.num_patients} patients)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A number that these data do not define, and why."""

    reason: str

    def __str__(self) -> str:
        return f"none: {self.reason}"


Measured = Figure | Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table in words: what a command prints, a page shows and a CSV file holds."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        widths = {len(row) for row in self.rows}
        promise(widths <= {len(self.columns)}, f"every row of {self.title!r} fills its columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """Figures of one bundle on one set of cases; reproducible from the digests.

    `figures` are the headline: one unit per patient (and label).  `levels` has the same figures for
    "slice", "scan" and "patient", those that the cases allow; slices are not independent of each
    other, and their intervals draw whole patients.
    """

    positive_label: str
    bundle: BundleIdentity
    cases_digest: str
    figures: Mapping[str, Figure]
    scores: tuple[CaseScore, ...]
    num_rejected: int
    num_abstained: int
    levels: Mapping[str, Mapping[str, Measured]] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    """What is known against the figures, in sentences: cases that were trained or tuned on."""
    notice: str = NOTICE
