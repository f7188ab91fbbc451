"""Small phantoms, each made once."""

from functools import cache

from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.presets import preset
from ctsieve.phantoms.spec import Phantom


@cache
def small(kind: str, seed: int = 1, *, num_slices: int = 32, matrix: int = 96) -> Phantom:
    """A preset on a coarse grid."""
    return make_phantom(preset(kind, seed=seed, num_slices=num_slices, matrix=matrix))
