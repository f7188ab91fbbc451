"""Read a `.pth` file of strangers without running anything in it.

A `.pth` file is a pickle, and a pickle can call any function that it names.  So its names are
listed first (which executes nothing), and whatever weights do not need is refused; then torch's
restricted unpickler reads the rest.  Some authors' files hold one object beside the weights, an
`AnchorGenerator`: such a file is read by a process of its own, in which that one name means a stub
that keeps two tuples of numbers.
"""

import json
import pickletools
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import safetensors.torch
import torch
from torch import Tensor

from ctsieve.types.errors import BundleError

STATES = ("model_weights", "state_dict", "model")
"""Where authors put the state dict beside other things."""
ANCHORS = "AnchorGenerator"
WEIGHTS_FILE, ANCHORS_FILE = "weights.safetensors", "anchors.json"
"""What the process that reads anchors leaves behind."""

_ALLOWED = frozenset(
    {
        "collections.OrderedDict",
        "torch.Size",
        "torch.device",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "__builtin__.set",  # an attribute of pickled modules
        "torch.nn.backends.thnn._get_thnn_function_backend",  # the same, before torch 1.4
    }
)
_LEGACY_PICKLES = 5
"""Magic number, protocol, machine, the object, keys of storages: then come raw numbers."""
_ZIP = b"PK\x03\x04"
_REFUSED = (
    "it was not written by the authors' training code: do not open it with other tools either"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """What a pickled anchor generator says, per level of the pyramid."""

    sizes: tuple[tuple[int, ...], ...]
    ratios: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """The weights of a file under their published names, and anchors where there are some."""

    tensors: Mapping[str, Tensor]
    anchors: Anchors | None = None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file that `torch.save` wrote, in the format of any version but the first (tar).

    Raises:
        BundleError: no such file, no checkpoint, one without weights, or one that asks for anything
            that weights do not need.
    """
    names = named_globals(path)
    strange = sorted(n for n in names if not (is_weights(n) or is_anchors(n)))
    if strange:
        raise BundleError(
            f"{path.name} asks for {strange[0]}, which no weights need: it was not opened",
            hint=_REFUSED,
        )
    if any(map(is_anchors, names)):
        return _read_apart(path)
    return Checkpoint(tensors=state_of(load_restricted(path), path.name))


def is_weights(name: str) -> bool:
    """Whether tensors and their containers need the global of that name."""
    module, _, leaf = name.rpartition(".")
    return name in _ALLOWED or (module == "torch" and leaf.endswith("Storage"))


def is_anchors(name: str) -> bool:
    """Whether the global is an anchor generator, of whatever module."""
    return name.rpartition(".")[2] == ANCHORS


def named_globals(path: Path) -> frozenset[str]:
    """Every `module.name` that the pickle refers to.  Nothing is executed.

    Raises:
        BundleError: there is no such file, or it is no pickle.
    """
    if not path.is_file():
        raise BundleError(f"there is no file {path.name!r}", hint="give the authors' .pth file")
    if tarfile.is_tarfile(path):  # torch would unpack it before it reads a pickle
        raise BundleError(f"{path.name} is a tar archive", hint="unpack it and give the .pth file")
    try:
        with path.open("rb") as file:
            if file.read(len(_ZIP)) != _ZIP:
                file.seek(0)
                return frozenset().union(*(_globals(file) for _ in range(_LEGACY_PICKLES)))
        with zipfile.ZipFile(path) as archive, archive.open(_member(archive)) as file:
            return _globals(file)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise BundleError(
            f"{path.name} is no checkpoint of torch",
            hint="unpack it if it is an archive; join it if it comes in parts; get it again",
        ) from error


def _member(archive: zipfile.ZipFile) -> str:
    """The pickle of a zip archive that `torch.save` wrote.

    Raises:
        ValueError: it has none, several, or is a program (TorchScript).
    """
    leaves = {name: name.rpartition("/")[2] for name in archive.namelist()}
    pickles = [name for name, leaf in leaves.items() if leaf == "data.pkl"]
    if len(pickles) != 1 or "constants.pkl" in leaves.values():
        raise ValueError("no archive of one pickle")
    return pickles[0]


def _globals(file: IO[bytes]) -> frozenset[str]:
    found = (
        str(argument).replace(" ", ".", 1)
        for opcode, argument, _ in pickletools.genops(file)
        if opcode.name in ("GLOBAL", "INST")
    )
    return frozenset(found)


def load_restricted(path: Path) -> object:
    """What torch's restricted unpickler makes of the file.

    Raises:
        BundleError: it refuses, or the file is damaged.
    """
    try:
        document: object = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise BundleError(f"{path.name} cannot be read safely", hint=_REFUSED) from error
    return document


def state_of(document: object, file: str) -> dict[str, Tensor]:
    """The state dict of a checkpoint: bare, or under one of the keys that authors use.

    Raises:
        BundleError: there is none.
    """
    if isinstance(document, Mapping):
        places = [document, *(document[key] for key in STATES if key in document)]
        for place in places:
            if isinstance(place, Mapping) and place and _are_tensors(place):
                return {str(name): value for name, value in place.items()}
    raise BundleError(
        f"{file} holds no state dict, neither bare nor under {', '.join(STATES)}",
        hint="give the checkpoint that the authors' evaluation script reads",
    )


def _are_tensors(place: Mapping[object, object]) -> bool:
    return all(isinstance(k, str) and isinstance(v, Tensor) for k, v in place.items())


def _read_apart(path: Path) -> Checkpoint:
    """Read a file with anchors in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        # -P: a module that lies in the working folder is not imported.
        command = [sys.executable, "-P", "-m", "ctsieve.pipeline.checkpoint_anchors"]
        done = subprocess.run(  # noqa: S603  # this interpreter, with two paths
            [*command, str(path.resolve()), scratch], capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["it gave no reason"]
            raise BundleError(f"{path.name} cannot be read safely: {said[-1]}", hint=_REFUSED)
        folder = Path(scratch)
        tensors = safetensors.torch.load((folder / WEIGHTS_FILE).read_bytes())
        anchors = json.loads((folder / ANCHORS_FILE).read_text(encoding="utf-8"))
    return Checkpoint(
        tensors=tensors,
        anchors=Anchors(
            sizes=tuple(map(tuple, anchors["sizes"])), ratios=tuple(map(tuple, anchors["ratios"]))
        ),
    )
