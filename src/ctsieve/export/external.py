"""Weights of a graph that stay in `weights.safetensors` (ONNX external data).

The graph names its weights by their state-dict names and finds them in the safetensors file by
offset, so that a bundle holds every number once.
"""

import json
import struct

import numpy as np
import onnx

from ctsieve.types.promise import promise

WEIGHTS = "weights.safetensors"


def point_outside(graph: onnx.ModelProto, weights: bytes) -> None:
    """Replace every weight of the state dict by its place in the safetensors file."""
    places = tensor_places(weights)
    for tensor in graph.graph.initializer:
        name = tensor.name.removeprefix("model.")
        if name not in places:
            continue
        start, length = places[name]
        values = onnx.numpy_helper.to_array(tensor)
        is_half = length < values.nbytes
        raw = (values.astype(np.float16) if is_half else values).tobytes()
        promise(raw == weights[start : start + length], f"{name} is the same in graph and file")
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": WEIGHTS, "offset": start, "length": length}.items():
            tensor.external_data.add(key=key, value=str(value))
        _rename(graph, tensor, name, widen=is_half)


def _rename(graph: onnx.ModelProto, tensor: onnx.TensorProto, name: str, *, widen: bool) -> None:
    """Call `tensor` by its state-dict name; `widen` puts a cast to 32 bits behind it."""
    used = f"{name}.widened" if widen else name
    for node in graph.graph.node:
        for position, given in enumerate(node.input):
            if given == tensor.name:
                node.input[position] = used
    tensor.name = name
    if widen:
        tensor.data_type = onnx.TensorProto.FLOAT16
        cast = onnx.helper.make_node("Cast", [name], [used], to=onnx.TensorProto.FLOAT)
        graph.graph.node.insert(0, cast)


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


def with_weights_inside(graph: onnx.ModelProto, weights: bytes) -> onnx.ModelProto:
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
