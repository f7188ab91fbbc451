"""What can be outlined in a screening: the lungs, and each kind of lesion that has a place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ctsieve.types.promise import promise
from ctsieve.types.results import Lesion, Screening
from ctsieve.writers._dicom.codes import (
    ABNORMAL_STRUCTURE,
    ANATOMICAL_STRUCTURE,
    INTELLIGENCE,
    LUNG,
    MORPHOLOGY,
    Concept,
    lesion_concept,
)
from ctsieve.writers._words import lesion_name

Colour = tuple[int, int, int]

LUNGS: Final = "lungs"
LUNG_COLOUR: Final[Colour] = (86, 180, 233)
LESION_COLOURS: Final[tuple[Colour, ...]] = (
    (230, 159, 0),
    (213, 94, 0),
    (204, 121, 167),
    (240, 228, 66),
    (0, 158, 115),
)
"""Okabe and Ito's colours, which people with colour blindness tell apart."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segment:
    """One segment: `share` (slice, row, column) is Boolean, or how sure the finder is, 0 to 1."""

    number: int
    kind: str
    """Of lesion, as the bundle spells it; "lungs" for the lungs."""
    label: str
    category: Concept
    concept: Concept
    family: Concept
    """Of the algorithm that found it."""
    algorithm: str
    colour: Colour
    mask: npt.NDArray[np.bool_]
    lesions: tuple[Lesion, ...] = ()

    @property
    def num_voxels(self) -> int:
        """Voxels inside."""
        return int(np.count_nonzero(self.mask))

    def sureness(self) -> npt.NDArray[np.float32]:
        """The highest score among the lesions at each voxel; 1 inside what has no score."""
        if not self.lesions:
            return self.mask.astype(np.float32)
        share = np.zeros(self.mask.shape, np.float32)
        for lesion in self.lesions:
            box = _box(lesion)
            score = np.float32(min(1.0, max(0.0, lesion.score)))
            share[box] = np.maximum(share[box], lesion.mask * score)
        return share


def segments_of(screening: Screening) -> tuple[Segment, ...]:
    """Segments numbered from 1: lungs, then kinds of lesion by name; empty ones are left out."""
    return tuple(_numbered(screening))


def _numbered(screening: Screening) -> Iterator[Segment]:
    number = 0
    if screening.lungs is not None and screening.lungs.any():
        number += 1
        yield Segment(
            number=number,
            kind=LUNGS,
            label="Lungs",
            category=ANATOMICAL_STRUCTURE,
            concept=LUNG,
            family=MORPHOLOGY,
            algorithm="ctsieve lungs by threshold",
            colour=LUNG_COLOUR,
            mask=screening.lungs,
        )
    kinds = sorted({lesion.kind for lesion in screening.lesion_instances})
    for position, kind in enumerate(kinds):
        lesions = tuple(lesion for lesion in screening.lesion_instances if lesion.kind == kind)
        mask = _union(lesions, shape=screening.image.geometry.shape)
        if mask.any():
            number += 1
            yield Segment(
                number=number,
                kind=kind,
                label=lesion_name(kind),
                category=ABNORMAL_STRUCTURE,
                concept=lesion_concept(kind),
                family=INTELLIGENCE,
                algorithm=screening.bundle.name,
                colour=LESION_COLOURS[position % len(LESION_COLOURS)],
                mask=mask,
                lesions=lesions,
            )


def _union(lesions: Sequence[Lesion], *, shape: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(shape, np.bool_)
    for lesion in lesions:
        promise(lesion.geometry.shape == shape, "a lesion lies on the image's own grid")
        mask[_box(lesion)] |= lesion.mask
    return mask


def _box(lesion: Lesion) -> tuple[slice, slice, slice]:
    (s, r, c), (s1, r1, c1) = lesion.start, lesion.stop
    return slice(s, s1), slice(r, r1), slice(c, c1)
