"""A score file: what a screener said of each case.  Every evaluation is a function of it."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from ctsieve.types.errors import InputRejected
from ctsieve.types.results import BundleIdentity

ScoredLevel = Literal["slice", "scan"]

NETWORK = "network"
"""The fact that says which of a bundle's several networks scored a case: one that never saw it."""
INFECTION = "infection"
"""The flag of a slice that shows, or does not show, its patient's disease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScore:
    """One row: one case, what is known of it, and what the screener said."""

    case: str
    patient: str
    site: str
    label: str
    level: ScoredLevel = "slice"
    """"slice": a single slice or picture; "scan": a volume or a stack."""
    side: str = ""
    """Of the split the case is from: train, tune, test, external; empty where unknown."""
    verdict: str = "accepted"
    """The gate's."""
    reasons: tuple[str, ...] = ()
    """The gate's codes."""
    abstained: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    """Probabilities by label; empty where the gate rejected the image."""
    logits: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    lesions: Mapping[str, float] = field(default_factory=dict)
    """Lesion scores in [0, 1] by kind."""
    truth: Mapping[str, bool] = field(default_factory=dict)
    """Lesion flags that are known of the case."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What subgroups are made of: sex, age band, kernel, file type, ..., where known."""

    @property
    def judged(self) -> bool:
        """Whether there is a score."""
        return bool(self.scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """All rows of one bundle on one set of cases.

    Raises:
        InputRejected: a case stands in it twice.
    """

    bundle: BundleIdentity
    labels: tuple[str, ...]
    """The labels that the bundle tells apart, in its order."""
    multi_label: bool
    rows: tuple[CaseScore, ...]

    def __post_init__(self) -> None:
        twice = [case for case, times in Counter(r.case for r in self.rows).items() if times > 1]
        if twice:
            raise InputRejected(
                f"cases stand in the scores twice: {len(twice)}, the first is {twice[0]!r}",
                hint="one row per case: several images of one patient have ids of their own",
            )

    @property
    def judged(self) -> tuple[CaseScore, ...]:
        """Rows with a score."""
        return tuple(row for row in self.rows if row.judged)

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides that the cases are from, sorted."""
        return tuple(sorted({row.side for row in self.rows}))

    @property
    def cases_digest(self) -> str:
        """SHA-256 over patients, cases and labels, whatever their order."""
        lines = sorted(f"{r.patient}\t{r.case}\t{r.label}" for r in self.rows)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def of(self, rows: tuple[CaseScore, ...]) -> Self:
        """The same table with other rows."""
        return replace(self, rows=rows)
