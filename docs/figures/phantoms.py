"""Phantom chests as networks see them: prepared slices, labels, and where lesions are."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.ops.judge import prepare_judged
from ctsieve.ops.prepare import Prepared
from ctsieve.ops.resample import resample
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.presets import preset
from ctsieve.phantoms.spec import Phantom
from ctsieve.types.recipe import InputSpec

KINDS = ("normal", "pneumonia", "covid")
"""In the order of the ATT2 paper's classes."""
NUM_SLICES, MATRIX, SIDE = 16, 128, 128
SPEC = InputSpec(size=(SIDE, SIDE), crop="lungs", margin=0.05)
FINE = 192
"""Rows and columns for a network whose last map is 32 times coarser."""
FEWEST_CELLS = 12
"""Cells of a prepared slice that lesions cover before the slice counts as ill."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chest:
    """One phantom, prepared; `lesions` (S, SIDE, SIDE) numbers the kinds from 1, 0 outside."""

    phantom: Phantom
    prepared: Prepared
    lesions: npt.NDArray[np.uint8]
    kind: int

    @property
    def ill(self) -> npt.NDArray[np.bool_]:
        """Which judged slices show a lesion."""
        return np.asarray((self.lesions > 0).any(axis=(1, 2)))

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Of each judged slice: the chest's kind where it shows lesions, else 0 (normal)."""
        ill = (self.lesions > 0).sum(axis=(1, 2)) >= FEWEST_CELLS
        return np.where(ill, self.kind, 0)


def chest(kind: str, *, seed: int, num_slices: int = NUM_SLICES, matrix: int = MATRIX) -> Chest:
    """The phantom of that kind and seed."""
    phantom = make_phantom(preset(kind, seed=seed, num_slices=num_slices, matrix=matrix))
    return _prepared(phantom, KINDS.index(kind), SIDE)


def finer(of: Chest) -> Chest:
    """The same chest prepared with `FINE` rows and columns."""
    return _prepared(of.phantom, of.kind, FINE)


def _prepared(phantom: Phantom, kind: int, side: int) -> Chest:
    spec = SPEC.model_copy(update={"size": (side, side)})
    prepared = prepare_judged(phantom.volume, phantom.lungs, spec)
    return Chest(phantom=phantom, prepared=prepared, lesions=_on_grid(phantom, prepared), kind=kind)


def cohort(num_each: int, *, first_seed: int) -> list[Chest]:
    """As many chests of every kind."""
    seeds = range(first_seed, first_seed + num_each)
    return [chest(kind, seed=seed) for seed in seeds for kind in KINDS]


def _on_grid(phantom: Phantom, prepared: Prepared) -> npt.NDArray[np.uint8]:
    """Kinds of lesion on the prepared slices: of each cell the kind that covers most of it."""
    shares = [
        resample(
            (phantom.lesions == number).astype(np.float32),
            source=phantom.volume.geometry,
            target=prepared.grid,
        )[prepared.index - prepared.index[0]]
        for number in range(1, int(phantom.lesions.max()) + 1)
    ]
    if not shares:
        return np.zeros((prepared.index.size, *prepared.grid.shape[1:]), np.uint8)
    stacked = np.stack(shares)
    kind = (stacked.argmax(axis=0) + 1).astype(np.uint8)
    return np.where(stacked.sum(axis=0) >= 0.5, kind, np.uint8(0))
