"""A lesions file becomes images whose masks are compared, and pixels that are counted.

On both sides a lesion is a connected part (pixels that share a corner) of one kind in one slice.
Parts of no more pixels than the authors' rule allows (100 of a slice of 512 x 512, as many in
proportion of others) are no lesions of their own; Dice and volumes count every pixel.

Source   the rule of 100 pixels: the One Shot papers' code, see `ctsieve.learning.objects`.

Shapes   R C rows and columns of a slice, K kinds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.evaluation.per_image_ap import MaskSet, Overlaps, overlaps_of
from ctsieve.ops.run_lengths import from_run_lengths
from ctsieve.types.lesion_table import LesionCase, LesionTable, SliceMasks

Mask = npt.NDArray[np.bool_]
LEAST_SHARE = 100 / 512**2
"""Of a slice: a lesion is larger."""
TOUCHING = np.ones((3, 3), dtype=np.bool_)
ONE_KIND = "lesion"
ANY = 0
"""The number of all kinds together; a kind's own is from 1 on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """Kinds that both sides know: number n of `names` counts from 1."""

    names: tuple[str, ...]
    merged: bool
    """Nothing is called alike, so that all kinds of a side are one."""
    left_out: tuple[str, ...] = ()
    """What one side knows and the other does not."""

    def number(self, name: str) -> int | None:
        """The number of a kind by either side's name; None where it is left out."""
        if self.merged:
            return None if is_organ(name) else 1
        return self.names.index(name) + 1 if name in self.names else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counted:
    """Pixels of a case that are found, true and both, for any kind (row 0) and each (K + 1, 3)."""

    patient: str
    voxel_ml: float | None
    pixels: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """Everything that lesion measures are functions of."""

    kinds: Kinds
    images: tuple[Overlaps, ...]
    cases: tuple[Counted, ...]


def compared(table: LesionTable) -> Compared:
    """Compare found and true lesions of all cases that say something."""
    kinds = shared_kinds(table.kinds, table.mask_kinds)
    images: list[Overlaps] = []
    cases = []
    for case in table.measured:
        pixels = np.zeros((len(kinds.names) + 1, 3), dtype=np.int64)
        images += [_compare(case, one, kinds, pixels) for one in case.slices]
        cases.append(Counted(patient=case.patient, voxel_ml=case.voxel_ml, pixels=pixels))
    return Compared(kinds=kinds, images=tuple(images), cases=tuple(cases))


def shared_kinds(found: Sequence[str], true: Sequence[str]) -> Kinds:
    """The kinds of a recipe that masks draw by the same name, or all of them as one.

    Example:
        >>> shared_kinds(("ggo", "consolidation"), ("lung", "ggo", "crazy_paving"))
        Kinds(names=('ggo',), merged=False, left_out=('consolidation', 'crazy_paving'))
        >>> shared_kinds(("lesion",), ("ggo", "consolidation")).names
        ('lesion',)
    """
    drawn = [name for name in true if not is_organ(name)]
    names = tuple(name for name in found if name in drawn)
    if not names:
        return Kinds(names=(ONE_KIND,), merged=True)
    others = (*found, *drawn)
    left_out = tuple(dict.fromkeys(name for name in others if name not in names))
    return Kinds(names=names, merged=False, left_out=left_out)


def is_organ(name: str) -> bool:
    """Whether a kind is the lungs, or one of them.

    Example:
        >>> is_organ("left lung"), is_organ("ggo")
        (True, False)
    """
    return "lung" in name


def _compare(
    case: LesionCase, one: SliceMasks, kinds: Kinds, pixels: npt.NDArray[np.int64]
) -> Overlaps:
    """The overlaps of a slice; adds its pixels to those of its case (K + 1, 3)."""
    shape = (len(kinds.names) + 1, *one.size)
    found, true = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    masks, labels, scores = [], [], []
    for region in one.found:
        number = kinds.number(region.kind)
        if number is not None:
            mask = from_run_lengths(region.counts, one.size)
            found[number] |= mask
            for part in _parts(mask):
                masks.append(part)
                labels.append(number)
                scores.append(region.score)
    for drawn in one.true:
        number = kinds.number(drawn.kind)
        if number is not None:
            true[number] |= from_run_lengths(drawn.counts, one.size)
    found[ANY], true[ANY] = found.any(axis=0), true.any(axis=0)
    pixels += np.stack([m.sum(axis=(1, 2)) for m in (found, true, found & true)], axis=1)
    lesions = [(n, part) for n in range(1, shape[0]) for part in _parts(true[n])]
    return overlaps_of(
        _mask_set(masks, labels, one.size, scores),
        _mask_set([part for _, part in lesions], [n for n, _ in lesions], one.size),
        patient=case.patient,
    )


def _parts(mask: Mask) -> Iterator[Mask]:
    """Connected parts (R, C) that are large enough to be lesions."""
    labels, count = ndimage.label(mask, TOUCHING)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    for number in range(1, count + 1):
        if sizes[number] > LEAST_SHARE * mask.size:
            yield labels == number


def _mask_set(
    masks: list[Mask], labels: list[int], size: tuple[int, int], scores: Sequence[float] = ()
) -> MaskSet:
    return MaskSet(
        masks=np.array(masks, dtype=np.bool_).reshape(-1, *size),
        labels=np.array(labels, dtype=np.int64),
        scores=np.array(scores, dtype=np.float32),
    )
