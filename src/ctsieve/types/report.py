"""What an evaluation says: numbers that carry their n and their interval."""

from collections.abc import Mapping
from dataclasses import dataclass

from ctsieve.types.promise import promise
from ctsieve.types.results import NOTICE, BundleIdentity


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
class CaseScore:
    """One row of a score file: what the screener said of one case."""

    case: str
    patient: str
    site: str
    label: str
    verdict: str
    """The gate's."""
    probability: float | None
    """None where the gate rejected the image."""
    threshold: float
    abstained: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """Figures of one bundle on one set of cases; reproducible from the digests."""

    positive_label: str
    bundle: BundleIdentity
    cases_digest: str
    figures: Mapping[str, Figure]
    scores: tuple[CaseScore, ...]
    num_rejected: int
    num_abstained: int
    notice: str = NOTICE
