"""Inference engines behind one protocol: arrays in, named arrays out."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ctsieve.types.cards import RuntimeCard
from ctsieve.types.catalogue import Catalogue

IMAGE, FEATURES = "image", "features"
"""Inputs of the graph of slices and of the graph of scans."""

ModelOutput = Mapping[str, npt.NDArray[np.float32]]
"""What a bundle's graphs return, by output name; the first axis is the slice.

Where there is a graph of scans too, its outputs speak of the one scan and begin with an axis of
length 1: `logits` (1, L), `attention` (1, S).  Whole numbers, such as kinds of objects, are
floating point like all the others.
"""

Progress = Callable[[int, int], None]
"""Called with (slices done, slices in all)."""


class Runtime(Protocol):
    """A bundle's graphs, loaded.  Re-entrant: several threads may call `run` at once."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what `run` returns, known without running anything."""
        ...

    def run(self, x: npt.NDArray[np.float32], *, progress: Progress | None = None) -> ModelOutput:
        """Judge the slices `x` (S, 1, H, W) float32 in [0, 1], in batches of its own choice."""
        ...


RUNTIMES: Catalogue[RuntimeCard] = Catalogue("ctsieve.runtime", "runtime", RuntimeCard)
