"""A process of its own: read one checkpoint whose pickle holds an `AnchorGenerator`.

`python -m ctsieve.pipeline.checkpoint_anchors CHECKPOINT FOLDER` writes weights and anchors as
plain numbers to FOLDER and ends; whatever else the unpickling made ends with it.  torch's own
restricted unpickler refuses every pickled module in files of old torch, as the authors' are, so
this process brings one that knows plain types, three functions that make tensors, and two stubs:
one for the anchor generator, whose class is never imported, and one that does nothing.
"""

import json
import os
import pickle
import sys
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import safetensors.torch
import torch

from ctsieve.pipeline.checkpoint import (
    ANCHORS_FILE,
    WEIGHTS_FILE,
    is_anchors,
    named_globals,
    state_of,
)
from ctsieve.types.errors import BundleError


class AnchorStub:
    """Stands for an anchor generator; of its state, two attributes are kept."""

    sizes: object = ()
    aspect_ratios: object = ()
    dump_patches = False
    """torch asks every pickled module of an old file; no patch of its source is to be written."""

    def __setstate__(self, state: object) -> None:
        if isinstance(state, Mapping):
            self.sizes = state.get("sizes", ())
            self.aspect_ratios = state.get("aspect_ratios", ())


def nothing() -> None:
    """Stands for what modules of torch before 1.4 refer to: who computed their functions."""


KNOWN: Mapping[str, object] = {
    "__builtin__.set": set,
    "builtins.set": set,
    "collections.OrderedDict": OrderedDict,
    "torch.Size": torch.Size,
    "torch.device": torch.device,
    "torch._utils._rebuild_parameter": torch._utils._rebuild_parameter,
    "torch._utils._rebuild_tensor": torch._utils._rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": torch._utils._rebuild_tensor_v2,
    "torch.nn.backends.thnn._get_thnn_function_backend": nothing,
}
"""All that a pickle may refer to, beside the stub; torch itself resolves types of storages."""


class RestrictedUnpickler(pickle.Unpickler):
    """Looks names up in `KNOWN`, and imports nothing."""

    def find_class(self, module: str, name: str) -> object:
        """What a global of a pickle means here.

        Raises:
            UnpicklingError: nothing.
        """
        full = f"{module}.{name}"
        if is_anchors(full):
            return AnchorStub
        if full not in KNOWN:
            raise pickle.UnpicklingError(f"{full} is not allowed")
        return KNOWN[full]


def load(file: IO[bytes], **options: str) -> object:
    """`pickle.load`, restricted."""
    return RestrictedUnpickler(file, encoding=options.get("encoding", "ASCII")).load()


def read(source: Path) -> object:
    """What the restricted unpickler makes of a checkpoint.

    Raises:
        BundleError: it refuses, or the file is damaged.
    """
    restricted = SimpleNamespace(__name__="restricted", Unpickler=RestrictedUnpickler, load=load)
    try:
        document: object = torch.load(
            source, map_location="cpu", weights_only=False, pickle_module=restricted
        )
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise BundleError(f"{type(error).__name__} while unpickling") from error
    return document


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
    source, folder = (Path(argument).resolve() for argument in arguments)
    os.chdir(folder)  # were anything written here, then not where the user works
    warnings.simplefilter("ignore")
    try:
        named_globals(source)
        document = read(source)
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
