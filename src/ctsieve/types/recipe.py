"""A recipe: everything between an image and an answer that is not the network.

It lives inside the bundle (docs/decisions/0004-bundle-contains-recipe.md): grid and crop rule,
window, label order, slice rule, calibration and thresholds, each with the data it was fitted on.
JSON round trip; `digest` names it.

Schema 1.1 added `kind`, `objects` and `input.num_slices`: a recipe of schema 1 has their defaults,
and a digest that does not know of them.
"""

import hashlib
import operator
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]

SINCE_1_1: Mapping[str, bool | set[str]] = {"kind": True, "objects": True, "input": {"num_slices"}}
"""Fields that schema 1 does not have."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FittedOn(_Frozen):
    """The data and criterion that a fitted number came from.  Never test data: `side` says so."""

    data: str
    digest: str
    """Digest of the split (`Split.digest`)."""
    side: Literal["tune"] = "tune"
    criterion: str
    num_cases: Annotated[int, Field(ge=1)]
    num_patients: Annotated[int, Field(ge=1)]
    leakage: tuple[str, ...] = Field(default=(), exclude_if=operator.not_)
    """What the split is known to have on two sides (`Split.leakage`); left out of JSON if empty."""


class WindowSpec(_Frozen):
    """A HU window; a picture is taken as already windowed."""

    centre: float
    width: Annotated[float, Field(gt=0.0)]


class InputSpec(_Frozen):
    """How an image becomes the network's input `x[S, 1, H, W]` in [0, 1]."""

    size: tuple[int, int] = (224, 224)
    window: WindowSpec = WindowSpec(centre=-600.0, width=1500.0)
    crop: Literal["whole", "body", "lungs"] = "whole"
    """Box that is cut out of every slice before resizing; the same box for all slices of a scan."""
    margin: Share = 0.0
    """Border added around the box, as a share of its sides; cut at the image's edge."""
    normalise: Literal["none", "percentile"] = "none"
    """"percentile": stretch each slice's 1st..99th percentile inside the box to [0, 1]."""
    num_slices: Annotated[int, Field(ge=1)] | None = None
    """This many, evenly spaced, of the slices that would be judged; None: all of them."""


class SliceRule(_Frozen):
    """How slice logits become a scan logit."""

    kind: Literal["mean", "max", "top-mean"] = "top-mean"
    fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.25
    """"top-mean": the mean logit of this share of the kept slices (rounded up)."""


class ObjectRule(_Frozen):
    """What the objects that a network finds in a slice mean, and which of them are shown."""

    kinds: tuple[str, ...]
    """Names of the network's labels 1, 2, ...; its label 0 is an empty place."""
    organs: tuple[str, ...] = ()
    """Kinds that are no lesions, as the lungs are."""
    score: Share = 0.5
    """An object counts from this score on."""
    mask: Share = 0.5
    """A place belongs to an object from this probability on."""


class Calibration(_Frozen):
    """Platt scaling: probability = sigmoid(slope * logit + intercept); a temperature is 1/slope."""

    slope: Annotated[float, Field(gt=0.0)] = 1.0
    intercept: float = 0.0
    fitted: FittedOn | None = None
    """None: not calibrated, and every result says so."""


class Threshold(_Frozen):
    """A probability at or above which a label is called positive."""

    label: str
    value: Share
    fitted: FittedOn | None = None
    sensitivity: Share | None = None
    specificity: Share | None = None


class Level(_Frozen):
    """What turns logits into an answer, for single pictures and slices, or for whole scans."""

    calibration: tuple[Calibration, ...]
    """One per label."""
    thresholds: tuple[Threshold, ...]
    """One per label, in label order."""
    uncertain: tuple[Share, Share] | None = None
    """Abstain when the first label's probability lies strictly inside this band."""


class Recipe(_Frozen):
    """Everything between an image and an answer that is not the network."""

    schema_version: Literal["1", "1.1"] = "1.1"
    kind: Literal["slice", "scan", "instances"] = "slice"
    """What the network judges: slice by slice, the sequence of slices, or objects in slices."""
    labels: tuple[str, ...]
    """Of covid19, other_pneumonia, neither: those this bundle knows, the primary one first.

    Empty for a network that finds objects and gives no class.
    """
    multi_label: bool
    """True: one sigmoid per label.  False: a softmax, probabilities sum to 1."""
    lesions: tuple[str, ...] = ()
    """Names of the auxiliary lesion outputs, in output order."""
    lesion_thresholds: tuple[Share, ...] = ()
    objects: ObjectRule | None = None
    """Of a network that finds objects, and of no other."""
    input: InputSpec = InputSpec()
    slice_rule: SliceRule = SliceRule()
    picture: Level
    """For a single picture, and for each slice of a scan."""
    scan: Level
    """For a volume or a stack."""
    min_slices: Annotated[int, Field(ge=1)] = 8
    """Fewer slices that show lungs than this are not a scan: the answer abstains."""
    num_top_slices: Annotated[int, Field(ge=1)] = 4

    @model_validator(mode="after")
    def _one_of_each_per_label(self) -> "Recipe":
        for level in (self.picture, self.scan):
            if len(level.calibration) != len(self.labels):
                raise ValueError("one calibration per label is needed")
            if tuple(t.label for t in level.thresholds) != self.labels:
                raise ValueError("one threshold per label, in label order, is needed")
        if len(self.lesion_thresholds) not in (0, len(self.lesions)):
            raise ValueError("one lesion threshold per lesion is needed, or none")
        return self

    @model_validator(mode="after")
    def _as_its_kind(self) -> "Recipe":
        if (self.objects is not None) != (self.kind == "instances"):
            raise ValueError("kind `instances` needs `objects`, and no other kind has them")
        if not self.labels and self.kind != "instances":
            raise ValueError("at least one label is needed")
        is_new = self.kind != "slice" or self.input.num_slices is not None
        if is_new and self.schema_version == "1":
            raise ValueError("schema 1 knows neither scans nor objects nor a number of slices")
        return self

    @property
    def leakage(self) -> tuple[str, ...]:
        """What any of its numbers was fitted on is known to have on two sides; empty: nothing."""
        origins: list[FittedOn | None] = []
        for level in (self.picture, self.scan):
            origins += [part.fitted for part in level.calibration]
            origins += [part.fitted for part in level.thresholds]
        sentences = [text for origin in origins if origin is not None for text in origin.leakage]
        return tuple(dict.fromkeys(sentences))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, of the fields that its schema has."""
        unknown = SINCE_1_1 if self.schema_version == "1" else None
        return hashlib.sha256(self.model_dump_json(exclude=unknown).encode()).hexdigest()
