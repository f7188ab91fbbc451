"""Any model here as ONNX graphs whose weights stay in `weights.safetensors`.

What the graphs return is in `views`, how they find their weights in `external`.  Batch norm is not
folded here: ONNX Runtime folds it when it loads a graph.

With `half` the large tensors are kept in 16 bits and widened when the graph is loaded; the network
is rounded first, so that graph and network stay equal, and all arithmetic is in 32 bits.
"""

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import onnx
import safetensors.torch
import torch
from torch import Tensor, nn

from ctsieve.export.agreement import TOLERANCE, largest_difference
from ctsieve.export.external import WEIGHTS, point_outside, with_weights_inside
from ctsieve.export.views import FEATURES, IMAGE, ReadsScans, ScanView, SliceView

__all__ = [
    "TOLERANCE",
    "Exported",
    "Network",
    "export",
    "largest_difference",
    "self_contained",
    "write",
]

OPSET = 17
"""The newest that every ONNX Runtime from 1.20 on runs with all its fusions."""

INPUT = IMAGE
MODEL, SCAN = "model.onnx", "scan.onnx"
"""Members of a bundle: the graph of slices, and that of scans where there is one."""

Network = nn.Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The members that make up a network; `scan` is absent but for networks of scans."""

    graph: bytes
    weights: bytes
    scan: bytes | None = None

    def members(self) -> dict[str, bytes]:
        """By the names that they have in a bundle."""
        graphs = {MODEL: self.graph} if self.scan is None else {MODEL: self.graph, SCAN: self.scan}
        return {**graphs, WEIGHTS: self.weights}


def export(model: Network, size: tuple[int, int], *, half: bool = False) -> Exported:
    """The graphs and their weights, for slices of `size` rows and columns.

    Any number of slices at a time, but for networks that find objects: those look at one image.
    With `half` the weights of `model` itself are rounded to what 16 bits hold.
    """
    model.eval()
    if half:
        _round_to_half(model)
    state = {k: v.detach().float().contiguous().cpu() for k, v in model.state_dict().items()}
    kept = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    stored = {k: v.half() if half and _is_large(v) else v for k, v in kept.items()}
    weights = safetensors.torch.save(stored)
    view = SliceView(model)
    image = _waves(1 if view.one_at_a_time else 2, size)
    graph = _graph(view, IMAGE, image, weights, fixed=view.one_at_a_time)
    if not isinstance(model, ReadsScans):
        return Exported(graph=graph, weights=weights)
    with torch.no_grad():
        features = view.named(image)[FEATURES]
    scan = _graph(ScanView(model), FEATURES, features, weights)
    return Exported(graph=graph, weights=weights, scan=scan)


def _waves(number: int, size: tuple[int, int]) -> Tensor:
    """Pictures (N, 1, R, C) in [0, 1] that are neither flat nor alike."""
    row, column = torch.meshgrid(*(torch.linspace(0.0, 9.0, n) for n in size), indexing="ij")
    planes = [0.5 + 0.5 * torch.sin(row + k) * torch.cos(column * (k + 1)) for k in range(number)]
    return torch.stack(planes)[:, None]


def _is_large(tensor: Tensor) -> bool:
    """Kernels and matrices; scales, biases and statistics stay in 32 bits."""
    return tensor.dim() > 1


def _round_to_half(model: Network) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            if _is_large(parameter):
                parameter.copy_(parameter.half().float())


def _graph(
    view: SliceView | ScanView, put: str, given: Tensor, weights: bytes, *, fixed: bool = False
) -> bytes:
    """The graph of a view with its weights outside; `fixed`: for as many as are `given` only."""
    graph = onnx.load_from_string(_trace(view, put, given, fixed=fixed))
    point_outside(graph, weights)
    onnx.checker.check_model(with_weights_inside(graph, weights))
    content: bytes = graph.SerializeToString()
    return content


def _trace(view: SliceView | ScanView, put: str, given: Tensor, *, fixed: bool) -> bytes:
    """The graph with its weights inside, as torch writes it."""
    with torch.no_grad():
        names = list(view.named(given))
    free = {put: {0: "slices"}}
    if isinstance(view, SliceView):
        free |= {name: {0: "slices"} for name in names}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        path = Path(scratch) / "traced.onnx"
        # The exporter warns of itself, and of checks on sizes that are the same for every input.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            view.eval(),
            (given,),
            str(path),
            input_names=[put],
            output_names=names,
            dynamic_axes=None if fixed else free,
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.EVAL,
            do_constant_folding=False,
            keep_initializers_as_inputs=False,
            dynamo=False,
        )
        return path.read_bytes()


def self_contained(exported: Exported) -> bytes:
    """The graph of slices with its weights inside, for tools that want one file."""
    graph = onnx.load_from_string(exported.graph)
    whole: bytes = with_weights_inside(graph, exported.weights).SerializeToString()
    return whole


def write(exported: Exported, folder: Path) -> Path:
    """Write graphs and weights side by side; returns the path of the graph of slices."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in exported.members().items():
        (folder / name).write_bytes(content)
    return folder / MODEL
