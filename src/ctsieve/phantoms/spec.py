"""What a phantom is asked to be, and what came out: `ChestSpec` in, `Phantom` out."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ctsieve.types.promise import promise
from ctsieve.types.volume import CTVolume, read_only

LesionKind = Literal["ggo", "consolidation", "crazy_paving"]
Side = Literal["left", "right"]
Zone = Literal["upper", "middle", "lower"]
Placement = Literal["peripheral", "central", "lobar"]
Lobe = Literal["RUL", "RML", "RLL", "LUL", "LLL"]

LOBES: tuple[Lobe, ...] = ("RUL", "RML", "RLL", "LUL", "LLL")

LESION_KINDS: tuple[LesionKind, ...] = ("ggo", "consolidation", "crazy_paving")
"""Kind `LESION_KINDS[i]` has the value `i + 1` in a label map."""


class LesionSpec(BaseModel):
    """A lesion that is asked for; where exactly it lies is drawn from the phantom's seed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: LesionKind
    side: Side
    zone: Zone = "lower"
    """Third of the height (of the lobe, if one is named, or of the lung) the centre lies in."""
    placement: Placement = "peripheral"
    """"peripheral": along the pleura; "lobar": stops at the fissure of the lobe it starts in."""
    lobe: Lobe | None = None
    """The lobe it keeps to; None: any of its side."""
    posterior: bool = True
    """Whether the centre lies in the back half of the chest."""
    ml: Annotated[float, Field(gt=0.0)]

    @model_validator(mode="after")
    def _lobe_on_its_side(self) -> "LesionSpec":
        if self.lobe is not None and self.lobe[0] != self.side[0].upper():
            raise ValueError(f"{self.lobe} is not in the {self.side} lung")
        return self


class ChestSpec(BaseModel):
    """A chest CT that is asked for.  The seed decides the patient; the grid only samples it.

    The grid is centred on the chest, so that few thin slices show the middle of the lungs and not
    the neck.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: Annotated[int, Field(ge=0)] = 0
    num_slices: Annotated[int, Field(ge=1)] = 60
    matrix: tuple[Annotated[int, Field(ge=16)], Annotated[int, Field(ge=16)]] = (512, 512)
    """Rows and columns."""
    spacing_mm: tuple[
        Annotated[float, Field(gt=0.0)],
        Annotated[float, Field(gt=0.0)],
        Annotated[float, Field(gt=0.0)],
    ] = (5.5, 0.74, 0.74)
    """Between slices, rows and columns."""
    thickness_mm: Annotated[float, Field(gt=0.0)] = 2.5
    """What a slice averages over, at most the spacing: as in archives, it may be less."""
    lesions: tuple[LesionSpec, ...] = ()
    noise_hu: Annotated[float, Field(ge=0.0)] = 14.0
    """Standard deviation of the noise in the middle of the chest."""
    contrast: bool = False
    """Whether a contrast agent brightens heart and vessels."""

    @classmethod
    def covering(
        cls,
        *,
        seed: int,
        num_slices: int,
        matrix: int,
        lesions: tuple[LesionSpec, ...] = (),
    ) -> "ChestSpec":
        """A spec whose grid covers the chest from the shoulders to the upper abdomen."""
        return cls(
            seed=seed,
            num_slices=num_slices,
            matrix=(matrix, matrix),
            spacing_mm=(HEIGHT_MM / num_slices, WIDTH_MM / matrix, WIDTH_MM / matrix),
            lesions=lesions,
        )


HEIGHT_MM = 330.0
"""From the shoulders to the upper abdomen."""

WIDTH_MM = 380.0
"""The field of view that holds the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionTruth:
    """A lesion that is there: its centre of mass in LPS millimetres, its volume, its slices."""

    kind: LesionKind
    side: Side
    lobe: Lobe
    """Where most of it lies."""
    centre_mm: tuple[float, float, float]
    ml: float
    slices: tuple[int, ...]
    """Numbers from the head, 0-based, of the slices that show it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phantom:
    """A synthetic chest CT with everything that is true of it, all on the volume's own grid.

    Promises: `lungs` and `lesions` have the volume's shape; lesions lie inside the lungs;
    `lesions` is 0 outside, otherwise 1 + the kind's place in `LESION_KINDS`.
    """

    volume: CTVolume
    lungs: npt.NDArray[np.bool_] = field(repr=False)
    lobes: npt.NDArray[np.uint8] = field(repr=False)
    """0 outside, otherwise 1 + the place in `LOBES`."""
    lesions: npt.NDArray[np.int8] = field(repr=False)
    truth: tuple[LesionTruth, ...]
    spec: ChestSpec

    def __post_init__(self) -> None:
        shape = self.volume.hu.shape
        for name in ("lungs", "lobes", "lesions"):
            array = getattr(self, name)
            promise(array.shape == shape, f"{name} lie on the volume's grid")
            object.__setattr__(self, name, read_only(array))
        promise(not (self.lesions.astype(bool) & ~self.lungs).any(), "lesions lie in the lungs")

    def mask_of(self, kind: LesionKind) -> npt.NDArray[np.bool_]:
        """Where lesions of `kind` are."""
        mask: npt.NDArray[np.bool_] = self.lesions == 1 + LESION_KINDS.index(kind)
        return mask
