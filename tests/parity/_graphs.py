"""Networks with golden weights beside the graphs that they are exported to."""

import tempfile
from pathlib import Path

import torch

from ctsieve.export.agreement import TOLERANCE, largest_difference
from ctsieve.export.onnx import SCAN, export, write
from ctsieve.runtime import RUNTIMES, Runtime
from tests.parity import Network, Row


def agreement(network: Network) -> Row:
    """How far the graphs of `network` are from it, on each golden slice, relative to each output.

    Boxes count as hundredths of a pixel, see `largest_difference`.
    """
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
        engine = opened(network, Path(folder))
        differences = [
            largest_difference(network.model, engine.run(x.numpy()), x.numpy())
            for x in network.calls
        ]
    return Row(
        model=network.name,
        quantity="graph, all outputs (share)",
        max_difference=max(differences),
        tolerance=TOLERANCE,
    )


def opened(network: Network, folder: Path, *, threads: int | None = None) -> Runtime:
    """The network's graphs, exported into `folder` and loaded as screening loads them."""
    rows, columns = network.slices.shape[2:]
    path = write(export(network.model, (rows, columns)), folder)
    scan = path.with_name(SCAN)
    runtime: Runtime = RUNTIMES["onnx"].load(
        path, scan=scan if scan.is_file() else None, threads=threads
    )
    return runtime
