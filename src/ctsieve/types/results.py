"""What comes out: findings of the gate, prediction, explanation, and all of it as a screening."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import promise
from ctsieve.types.provenance import hashed
from ctsieve.types.recipe import Recipe
from ctsieve.types.volume import CTPicture, CTVolume, read_only

NOTICE = "Research use only. Not a medical device. Not for diagnosis or treatment."
"""Stands on every output."""


def notice_for(leakage: Sequence[str]) -> str:
    """The notice of an output; known leakage of what it was fitted on is part of it.

    Example:
        >>> notice_for(()) == NOTICE
        True
        >>> notice_for(["1 patient is on two sides."]).removeprefix(NOTICE)
        ' Fitted on a split that leaks, so its numbers are too good: 1 patient is on two sides.'
    """
    if not leakage:
        return NOTICE
    return (
        f"{NOTICE} Fitted on a split that leaks, so its numbers are too good: {' '.join(leakage)}"
    )


Verdict = Literal["accepted", "accepted_with_warnings", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the gate has to say about an image."""

    code: str
    """Stable, kebab-case: not-ct, not-chest, few-slices, ..."""
    severity: Literal["warning", "rejection"]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """Whether an image is fit to be judged, and why not."""

    findings: tuple[Finding, ...] = ()
    measurements: Mapping[str, float] = field(default_factory=dict)
    """What the gate measured: lung litres, body share, ... (units in the names)."""

    @property
    def verdict(self) -> Verdict:
        """The worst finding decides."""
        if any(f.severity == "rejection" for f in self.findings):
            return "rejected"
        return "accepted_with_warnings" if self.findings else "accepted"

    @property
    def reasons(self) -> tuple[str, ...]:
        """The codes of all findings, rejections first."""
        ordered = sorted(self.findings, key=lambda f: f.severity != "rejection")
        return tuple(f.code for f in ordered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answer: calibrated probabilities with thresholds, or an abstention with its reason.

    Promises: probabilities lie in [0, 1]; they sum to 1 unless `multi_label`; there is one
    threshold per label.  A rejected image has no probabilities at all.
    """

    probability: Mapping[str, float]
    threshold: Mapping[str, float]
    logit: Mapping[str, float] = field(default_factory=dict)
    multi_label: bool
    calibrated: bool
    level: Literal["picture", "scan"]
    abstained: str | None = None
    """None, or why no call is made."""

    def __post_init__(self) -> None:
        values = list(self.probability.values())
        promise(all(0.0 <= p <= 1.0 for p in values), f"probabilities lie in [0, 1], got {values}")
        promise(set(self.probability) <= set(self.threshold), "one threshold per label")
        if values and not self.multi_label:
            promise(abs(sum(values) - 1.0) < 1e-4, f"probabilities sum to 1, got {values}")

    @property
    def positive(self) -> tuple[str, ...]:
        """Labels at or above their threshold; empty while abstaining."""
        if self.abstained is not None:
            return ()
        return tuple(k for k, p in self.probability.items() if p >= self.threshold[k])


def evenly_spaced(length: int, number: int) -> npt.NDArray[np.int64]:
    """Positions of `number` of `length` things, the first and the last among them.

    Example:
        >>> evenly_spaced(10, 4).tolist(), evenly_spaced(3, 16).tolist(), evenly_spaced(9, 1)
        ([0, 3, 6, 9], [0, 1, 2], array([4]))
    """
    if number >= length:
        return np.arange(length, dtype=np.int64)
    if number == 1:
        return np.array([length // 2], dtype=np.int64)
    return np.rint(np.linspace(0, length - 1, number)).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SliceScores:
    """The scores of the slices that were judged.

    `index` (S,) counts slices of the image from the head; `probability` (S, L) is calibrated like
    a single picture; `logit` (S, L) is the network's; `lesion` (S, K) are lesion probabilities;
    `weight` (S,) is each slice's share in the scan's answer and sums to 1.

    A network that answers for scans, or gives no class, says nothing of single slices: `logit` and
    `probability` are (S, 0) there.
    """

    index: npt.NDArray[np.int64]
    logit: npt.NDArray[np.float32]
    probability: npt.NDArray[np.float32]
    lesion: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]

    @property
    def has_scores(self) -> bool:
        """Whether single slices have a score."""
        return bool(self.logit.shape[1] > 0)

    @property
    def tells(self) -> bool:
        """Whether the network says that some slices decided more than others."""
        return self.has_scores or bool(np.ptp(self.weight) > 0.0)

    def top(self, number: int) -> tuple[int, ...]:
        """Positions (into `index`) of the `number` slices that decided most, the first first.

        Where nothing tells slices apart they are evenly spaced ones.
        """
        if self.has_scores:
            order = np.lexsort((self.index, -self.logit[:, 0], -self.weight))
        elif self.tells:
            order = np.lexsort((self.index, -self.weight))
        else:
            order = evenly_spaced(self.index.size, number)
        return tuple(int(i) for i in order[:number])


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionFlag:
    """A lesion type the network was asked about; a flag for the scan, no place and no volume."""

    kind: str
    probability: float
    threshold: float
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesion:
    """A lesion instance on a grid: half-open box (slice, row, column), mask inside the box."""

    kind: str
    score: float
    start: tuple[int, int, int]
    stop: tuple[int, int, int]
    mask: npt.NDArray[np.bool_] = field(repr=False)
    geometry: Geometry

    def __post_init__(self) -> None:
        size = tuple(b - a for a, b in zip(self.start, self.stop, strict=True))
        promise(self.mask.shape == size, "a lesion's mask fills its box")
        object.__setattr__(self, "mask", read_only(self.mask))

    @property
    def volume_ml(self) -> float:
        """Volume in millilitres, from the mask and the grid."""
        return float(self.mask.sum()) * self.geometry.voxel_ml


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionTotal:
    """All lesions of one kind that were found in an image."""

    kind: str
    count: int
    """Connected ones: a lesion through several slices counts once."""
    ml: float | None
    """None for a picture, which has no millimetres."""
    percent_of_lungs: float | None
    """Share of the lungs' volume that lies in lesions of this kind; None for a picture."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """Where the network looked: heat in [0, 1] on the image's own grid.

    `heat` is one map scaled by `peak`, the unscaled maximum over the whole image: an empty
    explanation has a small peak and pictures print it.
    """

    method: str
    label: str
    heat: npt.NDArray[np.float16] = field(repr=False)
    peak: float
    geometry: Geometry

    def __post_init__(self) -> None:
        promise(self.heat.shape == self.geometry.shape, "heat lies on the image's own grid")
        promise(np.isfinite(self.peak) and self.peak >= 0.0, "the peak is finite and not negative")
        object.__setattr__(self, "heat", read_only(self.heat))


@dataclass(frozen=True, slots=True, kw_only=True)
class Involvement:
    """How much of the lungs is denser than aerated lung: an estimate by threshold, no diagnosis."""

    percent: float
    lung_ml: float
    dense_ml: float
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleIdentity:
    """Which bundle answered."""

    name: str
    version: str
    digest: str
    """SHA-256 over the digests of all members."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Screening:
    """The whole answer for one image, with its evidence."""

    image: CTVolume | CTPicture
    gate: GateReport
    prediction: Prediction
    recipe: Recipe
    bundle: BundleIdentity
    software: str
    """Name and version of the program: "ctsieve 0.1.0"."""
    slices: SliceScores | None = None
    lesions: tuple[LesionFlag, ...] = ()
    lesion_instances: tuple[Lesion, ...] = ()
    """What a network that finds objects found, the largest first."""
    lesion_totals: tuple[LesionTotal, ...] = ()
    """The same by kind, one for every kind that the network knows."""
    explanation: Explanation | None = None
    lungs: npt.NDArray[np.bool_] | None = field(default=None, repr=False)
    """Lung mask on the image's grid, for volumes."""
    involvement: Involvement | None = None

    @property
    def notice(self) -> str:
        """Stands on every output, with what is known to have leaked into the bundle."""
        return notice_for(self.recipe.leakage)

    @property
    def id(self) -> str:
        """A stable name for (image, bundle): safe to log and to use as a file name."""
        return hashed(f"{self.image.provenance.digest}:{self.bundle.digest}")

    @property
    def top_slices(self) -> tuple[int, ...]:
        """Slice numbers (from the head, 0-based) that decided most, the first first."""
        if self.slices is None:
            return ()
        top = self.slices.top(self.recipe.num_top_slices)
        return tuple(int(self.slices.index[i]) for i in top)
