"""Inference engines behind one protocol: arrays in, named arrays out."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ctsieve.types.cards import RuntimeCard
from ctsieve.types.catalogue import Catalogue

ModelOutput = Mapping[str, npt.NDArray[np.float32]]
"""What a graph returns, by output name; the first axis is the slice."""

Progress = Callable[[int, int], None]
"""Called with (slices done, slices in all)."""


class Runtime(Protocol):
    """A loaded graph.  Re-entrant: several threads may call `run` at once."""

    def run(self, x: npt.NDArray[np.float32], *, progress: Progress | None = None) -> ModelOutput:
        """Run the graph on `x` (S, 1, H, W) float32 in [0, 1], in batches of its own choice."""
        ...


RUNTIMES: Catalogue[RuntimeCard] = Catalogue("ctsieve.runtime", "runtime", RuntimeCard)
