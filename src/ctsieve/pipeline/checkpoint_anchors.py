"""A process of its own: read one checkpoint whose pickle holds an `AnchorGenerator`.

`python -m ctsieve.pipeline.checkpoint_anchors CHECKPOINT FOLDER` writes weights and anchors as
plain numbers to FOLDER and ends; whatever else the unpickling made ends with it.  The class of that
name is never imported: in its place stands a stub, which torch's restricted unpickler may make and
fill.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch

from ctsieve.pipeline.checkpoint import (
    ANCHORS,
    ANCHORS_FILE,
    WEIGHTS_FILE,
    is_anchors,
    load_restricted,
    named_globals,
    state_of,
)
from ctsieve.types.errors import BundleError


class AnchorStub:
    """Stands for an anchor generator; of its state, two attributes are kept."""

    sizes: object = ()
    aspect_ratios: object = ()

    def __setstate__(self, state: object) -> None:
        if isinstance(state, Mapping):
            self.sizes = state.get("sizes", ())
            self.aspect_ratios = state.get("aspect_ratios", ())


def stub(name: str) -> type[AnchorStub]:
    """A stub that unpicklers know under the global `name`."""
    return type(ANCHORS, (AnchorStub,), {"__module__": name.rpartition(".")[0]})


def numbers(levels: object, what: str) -> list[list[float]]:
    """Tuples of numbers, one per level of the pyramid.

    Raises:
        BundleError: it is something else.
    """
    if not isinstance(levels, tuple | list) or not levels:
        raise BundleError(f"the anchor generator has no {what}")
    rows = [level if isinstance(level, tuple | list) else (level,) for level in levels]
    if not all(isinstance(v, int | float) and v > 0 for row in rows for v in row):
        raise BundleError(f"{what} of the anchor generator are no positive numbers")
    return [list(row) for row in rows]


def anchors_of(document: object) -> dict[str, list[list[float]]]:
    """Sizes and ratios of the one anchor generator in a checkpoint.

    Raises:
        BundleError: there is none at the top, or it holds no numbers.
    """
    values = document.values() if isinstance(document, Mapping) else ()
    found = [value for value in values if isinstance(value, AnchorStub)]
    if len(found) != 1:
        raise BundleError(f"the checkpoint holds {len(found)} anchor generators where one belongs")
    return {
        "sizes": numbers(found[0].sizes, "sizes"),
        "ratios": numbers(found[0].aspect_ratios, "aspect ratios"),
    }


def main(arguments: list[str]) -> int:
    """Read `arguments[0]`, write to the folder `arguments[1]`."""
    source, folder = map(Path, arguments)
    stubs = [stub(name) for name in named_globals(source) if is_anchors(name)]
    try:
        with torch.serialization.safe_globals([*stubs, set]):
            document = load_restricted(source)
        anchors = anchors_of(document)
        state = state_of(document, source.name)
    except BundleError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    # Copies: the file format knows no aliases.
    plain = {name: value.detach().clone().contiguous() for name, value in state.items()}
    (folder / WEIGHTS_FILE).write_bytes(safetensors.torch.save(plain))
    (folder / ANCHORS_FILE).write_text(json.dumps(anchors), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
