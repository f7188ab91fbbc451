"""Run a bundle's golden inputs through its graphs: does it compute here what it computed there?

`golden/input.npz` holds `x` (N, 1, H, W); `golden/<graph stem>.npz` holds the outputs each graph
must give (of a bundle of scans: the scan that these slices make).  Quantised kernels differ between
processors, so their tolerance is wider.
"""

import io
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.bundles.bundle import Bundle
from ctsieve.bundles.engine import engine
from ctsieve.runtime import Runtime
from ctsieve.types.errors import BundleError

GRAPHS = ("model.onnx", "model.int8.onnx")
TOLERANCE = {"model.onnx": 1e-3, "model.int8.onnx": 0.1}
"""Largest allowed difference, as a share of the output's largest magnitude (at least 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRow:
    """One output of one graph against its golden numbers."""

    graph: str
    output: str
    max_difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.max_difference <= self.tolerance


def verify(bundle: Bundle, *, runtime: str = "onnx") -> tuple[GoldenRow, ...]:
    """Compare every output of every graph of an opened (hence hash-checked) bundle.

    Raises:
        BundleError: the bundle has no golden numbers, or a graph lacks an output.
    """
    if "golden/input.npz" not in bundle.manifest.members:
        raise BundleError(f"bundle {bundle.manifest.name!r} has no golden numbers")
    x = _arrays(bundle.folder / "golden/input.npz")["x"]
    rows: list[GoldenRow] = []
    for graph in (g for g in GRAPHS if g in bundle.manifest.members):
        loaded = engine(bundle, graph=graph, runtime=runtime)
        rows += _compare(loaded, x, graph, _arrays(bundle.folder / golden_member(graph)))
    return tuple(rows)


def golden_member(graph: str) -> str:
    """Name of the member with the golden outputs of `graph`."""
    return f"golden/{graph.removesuffix('.onnx')}.npz"


def make_golden(
    loaded: Runtime, x: npt.NDArray[np.float32], *, only: Container[str] | None = None
) -> tuple[bytes, bytes]:
    """The members `golden/input.npz` and the golden outputs of one graph, as bytes.

    Of the outputs `only` some may be wanted, None: all.
    """
    output = loaded.run(x)
    wanted = {k: v for k, v in output.items() if only is None or k in only}
    return _packed({"x": x}), _packed(wanted)


def _compare(
    loaded: Runtime,
    x: npt.NDArray[np.float32],
    graph: str,
    golden: dict[str, npt.NDArray[np.float32]],
) -> list[GoldenRow]:
    output = loaded.run(x)
    rows = []
    for name, expected in golden.items():
        if name not in output or output[name].shape != expected.shape:
            raise BundleError(f"{graph} gives no output {name!r} of shape {expected.shape}")
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        rows.append(
            GoldenRow(
                graph=graph,
                output=name,
                max_difference=float(np.abs(output[name] - expected).max(initial=0.0)),
                tolerance=TOLERANCE[graph] * scale,
            )
        )
    return rows


def _arrays(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _packed(arrays: dict[str, npt.NDArray[np.float32]]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # the stub's flag comes first
    return buffer.getvalue()
