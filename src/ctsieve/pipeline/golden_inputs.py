"""Synthetic inputs that every bundle carries, with what its graph makes of them."""

import numpy as np
import numpy.typing as npt

from ctsieve.bundles.verify import golden_member, make_golden
from ctsieve.runtime import Runtime

NUM_GOLDEN = 2


def golden_members(engine: Runtime, graph: str, size: tuple[int, int]) -> dict[str, bytes]:
    """Synthetic inputs, and what the graph makes of them."""
    given, wanted = make_golden(engine, synthetic_chests(NUM_GOLDEN, size))
    return {"golden/input.npz": given, golden_member(graph): wanted}


def synthetic_chests(number: int, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Two dark ellipses in a bright one, the later ones with a brighter patch: (N, 1, R, C)."""
    row, column = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in size), indexing="ij")
    lungs = np.minimum(np.hypot(row, 2.5 * (column - 0.45)), np.hypot(row, 2.5 * (column + 0.45)))
    chest = np.where(lungs < 0.9, 0.2, 0.9)
    patch = np.exp(-20.0 * ((row - 0.4) ** 2 + (column - 0.5) ** 2))
    planes = [np.clip(chest + 0.5 * k * patch, 0.0, 1.0) for k in range(number)]
    levels = np.rint(np.stack(planes) * 255.0)[:, None]
    return np.asarray(levels / 255.0, dtype=np.float32)
