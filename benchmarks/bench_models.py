"""Every golden network as screening runs it beside the same network in eager torch.

The peer is composed as in the authors' scripts: fp32, default memory layout, a Python loop over
slices.  Weights and inputs are the golden ones, by name and seed: random weights can be denormal
and slow.  `python -m benchmarks.bench_models --only la-dnn` times one network.
"""

import argparse
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import Row, median_seconds, show

if TYPE_CHECKING:
    from tests.parity import Network

ROOT = Path(__file__).parent.parent
GOLDEN = Path(os.environ.get("CTSIEVE_GOLDEN", ROOT.parent / "shared" / "golden" / "public"))
REPEATS = 3


def run(only: tuple[str, ...] = ()) -> list[Row]:
    """A row for each network of the golden folder, or for those named."""
    try:
        import torch
        from tests.parity import golden_files, networks_of
    except ImportError:
        return [Row(name="models", value=float("nan"), unit="s", note="torch is absent")]
    files = golden_files(GOLDEN) if GOLDEN.is_dir() else ()
    if not files:
        return [Row(name="models", value=float("nan"), unit="s", note="no golden files at hand")]
    with torch.inference_mode():
        return [
            _timed(network)
            for file in files
            for network in networks_of(file)
            if not only or network.name in only
        ]


def _timed(network: "Network") -> Row:
    """Both ways in turn, on the golden input."""
    from tests.parity._graphs import opened

    x = network.slices
    with tempfile.TemporaryDirectory() as folder:
        engine = opened(network, Path(folder))
        ours, theirs = median_seconds(
            partial(engine.run, x.numpy()), partial(_naive, network), repeats=REPEATS
        )
    shape = " x ".join(str(n) for n in x.shape)
    return Row(
        name=f"{network.name}, {shape}",
        value=ours,
        unit="s",
        peer="eager torch",
        peer_value=theirs,
        ratio=theirs / ours,
        note=f"{network.num_parameters / 1e6:.1f} million parameters",
    )


def _naive(network: "Network") -> None:
    """One forward as the authors' scripts do it: slices one after another, a scan at once."""
    if len(network.inputs) > 1:
        network.model(*(part[:1] for part in network.inputs))
        return
    for image in network.slices.split(1):
        network.model(image)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_models")
    parser.add_argument("--only", action="append", default=[], help="a network; may be repeated")
    print(show(run(tuple(parser.parse_args().only))))


if __name__ == "__main__":
    main()
