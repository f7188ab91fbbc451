"""A trained LA-DNN as an ONNX graph whose weights stay in `weights.safetensors`.

The graph names its weights by their state-dict names and finds them in the safetensors file by
offset (ONNX external data), so that a bundle holds every number once.  Batch norm is not folded
here: ONNX Runtime folds it when it loads the graph.
"""

import json
import struct
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import safetensors.torch
import torch
from torch import Tensor, nn

from ctsieve.models.la_dnn import LaDnn
from ctsieve.types.promise import promise

OPSET = 17
"""The newest that every ONNX Runtime from 1.20 on runs with all its fusions."""

WEIGHTS = "weights.safetensors"
INPUT, OUTPUTS = "image", ("logits", "lesion_logits", "heat")
TOLERANCE = 1e-4
"""Largest difference between graph and network."""
SMALLEST_EXTERNAL = 1
"""Bytes from which a weight lives outside the graph: all that the state dict names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The two members that make up a network."""

    graph: bytes
    weights: bytes


class _ForScreening(nn.Module):
    """What the graph returns: the heat of COVID-19 alone, (B, H, W)."""

    def __init__(self, model: LaDnn) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        output = self.model(image)
        return output.logits, output.lesion_logits, output.heat[:, 0]


def export(model: LaDnn, size: tuple[int, int]) -> Exported:
    """The graph and its weights, for slices of `size` rows and columns, any number at a time."""
    model.eval()
    state = {k: v.detach().float().contiguous().cpu() for k, v in model.state_dict().items()}
    kept = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    weights = safetensors.torch.save(kept)
    graph = onnx.load_from_string(_trace(model, size))
    _point_outside(graph, weights)
    onnx.checker.check_model(_with_weights_inside(graph, weights))
    return Exported(graph=graph.SerializeToString(), weights=weights)


def _trace(model: LaDnn, size: tuple[int, int]) -> bytes:
    """The graph with its weights inside, as torch writes it."""
    axes = {name: {0: "slices"} for name in (INPUT, *OUTPUTS)}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        path = Path(scratch) / "traced.onnx"
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _ForScreening(model).eval(),
            (torch.zeros(2, 1, *size),),
            str(path),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.EVAL,
            do_constant_folding=False,
            keep_initializers_as_inputs=False,
            dynamo=False,
        )
        return path.read_bytes()


def _point_outside(graph: onnx.ModelProto, weights: bytes) -> None:
    """Replace every weight of the state dict by its place in the safetensors file."""
    places = tensor_places(weights)
    for tensor in graph.graph.initializer:
        name = tensor.name.removeprefix("model.")
        if name not in places:
            continue
        start, length = places[name]
        raw = onnx.numpy_helper.to_array(tensor).tobytes()
        promise(raw == weights[start : start + length], f"{name} is the same in graph and file")
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": WEIGHTS, "offset": start, "length": length}.items():
            tensor.external_data.add(key=key, value=str(value))
        _rename(graph, tensor.name, name)


def _rename(graph: onnx.ModelProto, old: str, new: str) -> None:
    for tensor in graph.graph.initializer:
        if tensor.name == old:
            tensor.name = new
    for node in graph.graph.node:
        for position, name in enumerate(node.input):
            if name == old:
                node.input[position] = new


def tensor_places(weights: bytes) -> dict[str, tuple[int, int]]:
    """Names to (first byte, number of bytes) in a safetensors file."""
    (length,) = struct.unpack("<Q", weights[:8])
    header = json.loads(weights[8 : 8 + length])
    header.pop("__metadata__", None)
    begin = 8 + length
    return {
        name: (
            begin + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in header.items()
    }


def _with_weights_inside(graph: onnx.ModelProto, weights: bytes) -> onnx.ModelProto:
    """A copy that needs no second file."""
    whole = onnx.ModelProto()
    whole.CopyFrom(graph)
    places = tensor_places(weights)
    for tensor in whole.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            start, length = places[tensor.name]
            tensor.ClearField("external_data")
            tensor.data_location = onnx.TensorProto.DEFAULT
            tensor.raw_data = weights[start : start + length]
    return whole


def self_contained(exported: Exported) -> bytes:
    """The graph with its weights inside, for tools that want one file."""
    graph = onnx.load_from_string(exported.graph)
    whole: bytes = _with_weights_inside(graph, exported.weights).SerializeToString()
    return whole


def write(exported: Exported, folder: Path) -> Path:
    """Write graph and weights side by side; returns the graph's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(exported.weights)
    path = folder / "model.onnx"
    path.write_bytes(exported.graph)
    return path


def largest_difference(
    model: LaDnn, outputs: dict[str, npt.NDArray[np.float32]], x: npt.NDArray[np.float32]
) -> float:
    """Largest difference between what a graph returned for `x` and what the network computes."""
    with torch.no_grad():
        wanted = _ForScreening(model).eval()(torch.from_numpy(x))
    return max(
        float(np.abs(outputs[name] - want.numpy()).max())
        for name, want in zip(OUTPUTS, wanted, strict=True)
    )
