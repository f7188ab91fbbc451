"""ONNX Runtime on the CPU: the default engine."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from ctsieve.ops.parallel import usable_cores
from ctsieve.runtime import ModelOutput, Progress
from ctsieve.types.cards import RuntimeCard
from ctsieve.types.errors import BundleError, OutOfResources

BATCH = 4
"""Slices per call: 16 were not faster and took a gigabyte more (on the default bundle)."""

INPUT = "image"
"""Name of the graph's input."""

_ERRORS_ONLY = 3


class OnnxRuntime:
    """A graph in one ONNX Runtime session."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._outputs = tuple(output.name for output in session.get_outputs())

    def run(self, x: npt.NDArray[np.float32], *, progress: Progress | None = None) -> ModelOutput:
        """Run the graph on `x` (S, 1, H, W) float32 in [0, 1], `BATCH` slices at a time."""
        batches: list[list[npt.NDArray[np.float32]]] = []
        for start in range(0, x.shape[0], BATCH):
            batches.append(self._session.run(self._outputs, {INPUT: x[start : start + BATCH]}))
            if progress is not None:
                progress(min(start + BATCH, x.shape[0]), x.shape[0])
        columns = zip(*batches, strict=True)
        return {
            name: np.concatenate(parts).astype(np.float32, copy=False)
            for name, parts in zip(self._outputs, columns, strict=True)
        }


def load(model: Path, *, threads: int | None = None) -> OnnxRuntime:
    """Open a graph file; weights it keeps in a file beside it are found there.

    Raises:
        BundleError: ONNX Runtime cannot use the file.
        OutOfResources: there is not enough memory for it.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads or usable_cores()
    options.inter_op_num_threads = 1
    # Spinning threads make one study a little faster and everything beside it slower.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
    except MemoryError as error:
        raise OutOfResources(f"not enough memory to load {model.name}") from error
    except Exception as error:  # the runtime's own errors share no narrower class
        raise BundleError(
            f"ONNX Runtime cannot load {model.name}: {str(error).splitlines()[0]}",
            hint="update onnxruntime, or import the bundle again",
        ) from error
    return OnnxRuntime(session)


CARD = RuntimeCard(title="ONNX Runtime (CPU)", load=load)
