"""A lesions file: what a detector drew on each case that has a mask, beside what people drew.

Every number of an evaluation of lesions is a function of it.  Masks are run lengths of single
slices: see `ctsieve.ops.run_lengths`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ctsieve.types.results import BundleIdentity
from ctsieve.types.scores import CaseScore, ScoredLevel, ScoreTable

MAX_SIDE = 16_384
Counts = tuple[Annotated[int, Field(ge=0)], ...]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FoundRegion(_Frozen):
    """The part of a found lesion that lies in one slice."""

    kind: str
    score: Annotated[float, Field(ge=0.0, le=1.0)]
    counts: Counts


class TrueRegion(_Frozen):
    """All pixels of one kind that are drawn in one slice."""

    kind: str
    counts: Counts


class SliceMasks(_Frozen):
    """Found and true pixels of a slice; `number` is from the head, 0-based."""

    number: Annotated[int, Field(ge=0)] = 0
    size: tuple[Side, Side]
    """Rows and columns."""
    found: tuple[FoundRegion, ...] = ()
    true: tuple[TrueRegion, ...] = ()


class LesionCase(_Frozen):
    """One case with a mask; a picture has its one slice, a scan those with anything on them."""

    case: str
    patient: str
    site: str = ""
    label: str
    level: ScoredLevel = "slice"
    side: str = ""
    verdict: str = "accepted"
    """The gate's; "rejected" and "unreadable" cases have no slices."""
    reasons: tuple[str, ...] = ()
    problem: str = ""
    """Why nothing can be measured, in a sentence; empty: it can."""
    voxel_ml: Annotated[float, Field(gt=0.0)] | None = None
    """Volume of a voxel in ml; None where there are no millimetres."""
    slices: tuple[SliceMasks, ...] = ()
    unnamed: tuple[Annotated[int, Field(ge=1, le=255)], ...] = ()
    """Values that the mask holds and nobody has named: their pixels are in no number."""


class LesionTable(_Frozen):
    """All cases with masks of one bundle."""

    schema_version: Literal["1"] = "1"
    bundle: str
    bundle_version: str
    bundle_digest: str
    kinds: tuple[str, ...]
    """Kinds of lesion that the bundle finds, organs left out."""
    least_score: float
    """The score from which on an object counts, as in screening."""
    mask_kinds: tuple[str, ...]
    """Kinds that the masks can draw."""
    cases: tuple[LesionCase, ...] = ()

    @property
    def identity(self) -> BundleIdentity:
        """Who drew."""
        return BundleIdentity(
            name=self.bundle, version=self.bundle_version, digest=self.bundle_digest
        )

    @property
    def measured(self) -> tuple[LesionCase, ...]:
        """Cases that say something."""
        return tuple(case for case in self.cases if not case.problem)

    @property
    def as_scores(self) -> ScoreTable:
        """The cases as rows without scores, of a bundle that gives no class."""
        rows = tuple(
            CaseScore(
                case=case.case,
                patient=case.patient,
                site=case.site,
                label=case.label,
                level=case.level,
                side=case.side,
                verdict=case.verdict,
                reasons=case.reasons,
            )
            for case in self.cases
        )
        return ScoreTable(bundle=self.identity, labels=(), multi_label=True, rows=rows)
