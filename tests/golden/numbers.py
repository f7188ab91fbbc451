"""The numbers: phantoms, their lungs, and what the default bundle says of them."""

import numpy as np

from ctsieve.bundles import store
from ctsieve.ops.involvement import involvement
from ctsieve.ops.lungs import lung_slices, segment_lungs
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.presets import LABELS, preset
from ctsieve.pipeline.screen import Screener

NUM_SLICES, MATRIX, SEED = 24, 128, 11
RELATIVE = 0.02
"""Allowed drift: libraries round differently, a change of method moves numbers by more."""


def measure() -> dict[str, float]:
    """Every golden number by name."""
    screener = Screener.load(store.DEFAULT, threads=1)
    numbers: dict[str, float] = {}
    for kind in sorted(LABELS):
        spec = preset(kind, seed=SEED, num_slices=NUM_SLICES, matrix=MATRIX)
        phantom = make_phantom(spec)
        lungs = segment_lungs(phantom.volume)
        screening = screener.screen(phantom.volume)
        assert screening.slices is not None
        found = {
            "mean hu": float(phantom.volume.hu.mean()),
            "lesion ml": sum(lesion.ml for lesion in phantom.truth),
            "lung voxels": float(np.count_nonzero(lungs)),
            "slices with lungs": float(np.count_nonzero(lung_slices(lungs))),
            "involvement percent": involvement(phantom.volume, lungs).percent,
            "scan logit": screening.prediction.logit["covid19"],
            "highest slice logit": float(screening.slices.logit.max()),
        }
        numbers |= {f"{kind}: {name}": round(value, 4) for name, value in found.items()}
    return numbers
