"""What an audit of a data set says: findings in words, each number with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ctsieve.types.report import Figure
from ctsieve.types.results import NOTICE

Gravity = Literal["leak", "trap", "note"]
"""leak: sides share what they must not.  trap: a model may learn it in place of the disease.

note: worth knowing before training.
"""
GRAVITIES: tuple[Gravity, ...] = ("leak", "trap", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """One thing that is wrong, or worth knowing, in words."""

    code: str
    """Stable, kebab-case: patient-on-two-sides, shortcut-file-extension, ..."""
    gravity: Gravity
    sentence: str
    """What was found, with the numbers."""
    advice: str = ""
    """What to do about it."""
    examples: tuple[str, ...] = ()
    """Ids of cases, patients or words; the first few."""
    number: int = 0
    """How many cases, patients, pairs or words it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CueResult:
    """How well one fact about a file, and nothing else, tells a label."""

    cue: str
    """Stable, kebab-case: file-extension, picture-size, around-the-lungs, ..."""
    title: str
    label: str
    """Told from all other labels."""
    figure: Figure
    """AUC, cross-validated over whole patients."""
    levels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """For a cue with few values: value -> label -> number of cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Two pictures that are the same, or nearly; `other` was turned as `turned` says."""

    one: str
    other: str
    sides: tuple[str, str]
    """Empty texts where there are no sides."""
    labels: tuple[str, str]
    likeness: float
    """Correlation of their fingerprints; 1 where the files are equal byte for byte."""
    turned: str
    """"as it is", "turned by 90 degrees", "mirrored", ..."""
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """How many cases and patients are alike in four respects; "" is unknown."""

    label: str
    site: str
    sex: str
    age: str
    """A decade, as in "60-69"."""
    side: str
    cases: int
    patients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """Everything an audit found."""

    data: tuple[str, ...]
    """Names of the data sets."""
    split: str
    """What the sides are: a file, a published split, the publisher's partitions, or ""."""
    digest: str
    """SHA-256 of the cases, their labels, patients and sides."""
    sides: Mapping[str, tuple[int, int]]
    """Cases and patients of every side, or of "all"."""
    findings: tuple[AuditFinding, ...]
    """The gravest first."""
    cues: tuple[CueResult, ...]
    """The most telling first."""
    twins: tuple[Twins, ...]
    counts: tuple[CountRow, ...]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Cases that could not be read, and why."""
    known_traps: tuple[str, ...] = ()
    """What the data sets' cards say."""
    software: str = ""
    notice: str = NOTICE

    def of(self, gravity: Gravity) -> tuple[AuditFinding, ...]:
        """The findings of one gravity."""
        return tuple(finding for finding in self.findings if finding.gravity == gravity)
