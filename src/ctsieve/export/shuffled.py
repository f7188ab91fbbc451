"""The same graph with its weights shuffled: what an untrained network of that shape would show.

Source   Adebayo et al. 2018, NeurIPS, "Sanity checks for saliency maps", section 3 (parameter
         randomisation).
Differs  Each tensor keeps its own values in another order, so that no scale changes.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

FEWEST = 2
"""Tensors of fewer axes are biases, scales and shapes, which stay."""


def shuffled(graph: Path, folder: Path, *, seed: int) -> Path:
    """Write `graph` with shuffled weights into `folder`; returns the new file."""
    model = onnx.load(graph)
    random = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.ndim >= FEWEST and np.issubdtype(values.dtype, np.floating):
            mixed = random.permutation(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
    path = folder / "shuffled.onnx"
    onnx.save(model, path)
    return path
