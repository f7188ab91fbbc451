"""Any trained network becomes a bundle: exported, checked against its graphs, written whole.

What the recipe and the card say is the caller's: `uncalibrated` for weights from elsewhere.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from ctsieve.bundles.bundle import Bundle, write_bundle
from ctsieve.bundles.verify import golden_member, make_golden
from ctsieve.export.agreement import (
    SCORES,
    TOLERANCE,
    clear_order,
    computed,
    largest_difference,
    own_rounding,
)
from ctsieve.export.onnx import MODEL, SCAN, Exported, export, write
from ctsieve.export.views import LooksAtOneImage
from ctsieve.pipeline.golden_inputs import NUM_GOLDEN, synthetic_chests
from ctsieve.runtime import RUNTIMES, Runtime
from ctsieve.types.promise import promise
from ctsieve.types.recipe import Recipe

NUM_TRIED = 6
"""Synthetic inputs among which those are looked for that tell rounding from a difference."""

ROUNDINGS = 5.0
"""A graph may differ by this many times the network's own rounding, where that is large."""

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a bundle says beside its graphs."""

    name: str
    version: str
    recipe: Recipe
    model_card: str
    metadata: str
    """MONAI Bundle metadata as JSON."""
    extra: Mapping[str, bytes] = field(default_factory=dict)
    """Further members."""


def package(
    network: nn.Module, description: Description, folder: Path, *, half: bool = False
) -> Bundle:
    """Export `network` for the recipe's size of slices and write its bundle to `folder`.

    With `half` the weights of `network` itself are rounded to 16 bits.

    Raises:
        BrokenPromise: a graph does not compute what the network does.
        BundleError: a name is not allowed.
    """
    size = description.recipe.input.size
    exported = export(network, size, half=half)
    x, is_clear = golden_inputs(network, size)
    with tempfile.TemporaryDirectory() as scratch:
        loaded = load(exported, Path(scratch))
        require_agreement(network, loaded, x)
        given, wanted = make_golden(loaded, x, only=None if is_clear else SCORES)
    members = {
        **exported.members(),
        "recipe.json": (description.recipe.model_dump_json(indent=1) + "\n").encode(),
        "metadata.json": description.metadata.encode(),
        "MODEL_CARD.md": description.model_card.encode(),
        "golden/input.npz": given,
        golden_member(MODEL): wanted,
        **description.extra,
    }
    return write_bundle(folder, members, name=description.name, version=description.version)


def require_agreement(network: nn.Module, loaded: Runtime, x: Float32) -> None:
    """Promise that graphs compute for slices `x` (N, 1, R, C) what the network does.

    A network that multiplies its own rounding may differ by as much as that does.
    """
    difference = largest_difference(network, loaded.run(x), x)
    if difference >= TOLERANCE:
        allowed = ROUNDINGS * own_rounding(network, x)
        promise(difference < allowed, f"the graph equals the network, not by {difference}")


def load(exported: Exported, folder: Path) -> Runtime:
    """Write graphs to `folder` and open them in the default runtime."""
    graph = write(exported, folder)
    scan = None if exported.scan is None else folder / SCAN
    loaded: Runtime = RUNTIMES["onnx"].load(graph, scan=scan)
    return loaded


def golden_inputs(network: nn.Module, size: tuple[int, int]) -> tuple[Float32, bool]:
    """Synthetic slices (N, 1, R, C), and whether the order of all objects in them is clear."""
    tried = synthetic_chests(NUM_TRIED, size)
    number = 1 if isinstance(network, LooksAtOneImage) else NUM_GOLDEN
    clear: list[Float32] = []
    for x in np.split(tried, NUM_TRIED):
        if clear_order(computed(network, x), 1).all():
            clear.append(x)
        if len(clear) == number:
            return np.concatenate(clear), True
    return tried[:number], False
