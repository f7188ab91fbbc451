"""ONNX Runtime on the CPU: the default engine."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from ctsieve.ops.parallel import usable_cores
from ctsieve.runtime import FEATURES, IMAGE, ModelOutput, Progress
from ctsieve.types.cards import RuntimeCard
from ctsieve.types.errors import BundleError, OutOfResources

BATCH = 4
"""Slices per call: 16 were not faster and took a gigabyte more (on the default bundle)."""
BATCH_PIXELS = BATCH * 256 * 256
"""Pixels per call: of large slices there are fewer at a time, at least one."""

_ERRORS_ONLY = 3

Arrays = dict[str, npt.NDArray[np.float32]]


class OnnxRuntime:
    """The graph of slices in one ONNX Runtime session, and that of scans in another."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        scan: onnxruntime.InferenceSession | None = None,
    ) -> None:
        self._session = session
        self._scan = scan
        slices = session.get_inputs()[0].shape[0]
        self._fixed: int | None = slices if isinstance(slices, int) else None

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs of both graphs, but for the features that pass between them."""
        names = _outputs(self._session)
        if self._scan is not None:
            names = [name for name in names if name != FEATURES] + _outputs(self._scan)
        return tuple(dict.fromkeys(names))

    def run(self, x: npt.NDArray[np.float32], *, progress: Progress | None = None) -> ModelOutput:
        """Run the graph on `x` (S, 1, H, W) float32 in [0, 1], a few slices at a time."""
        number = self._batch(x)
        batches: list[Arrays] = []
        for start in range(0, x.shape[0], number):
            batches.append(_run(self._session, IMAGE, x[start : start + number]))
            if progress is not None:
                progress(min(start + number, x.shape[0]), x.shape[0])
        output = {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}
        if self._scan is not None:
            output |= _run(self._scan, FEATURES, output.pop(FEATURES))
        return output

    def _batch(self, x: npt.NDArray[np.float32]) -> int:
        """Slices at a time: as the graph says, or what memory is meant to hold."""
        if self._fixed is not None:
            return self._fixed
        rows, columns = x.shape[2:]
        return max(1, min(BATCH, BATCH_PIXELS // int(rows * columns)))


def _run(
    session: onnxruntime.InferenceSession, name: str, given: npt.NDArray[np.float32]
) -> Arrays:
    names = _outputs(session)
    arrays = session.run(names, {name: given})
    return {k: a.astype(np.float32, copy=False) for k, a in zip(names, arrays, strict=True)}


def _outputs(session: onnxruntime.InferenceSession) -> list[str]:
    return [output.name for output in session.get_outputs()]


def load(model: Path, *, scan: Path | None = None, threads: int | None = None) -> OnnxRuntime:
    """Open graph files; weights they keep in a file beside them are found there.

    Raises:
        BundleError: ONNX Runtime cannot use a file.
        OutOfResources: there is not enough memory for it.
    """
    return OnnxRuntime(_session(model, threads), None if scan is None else _session(scan, threads))


def _session(model: Path, threads: int | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads or usable_cores()
    options.inter_op_num_threads = 1
    # Spinning threads make one study a little faster and everything beside it slower.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except MemoryError as error:
        raise OutOfResources(f"not enough memory to load {model.name}") from error
    except Exception as error:  # the runtime's own errors share no narrower class
        raise BundleError(
            f"ONNX Runtime cannot load {model.name}: {str(error).splitlines()[0]}",
            hint="update onnxruntime, or import the bundle again",
        ) from error


CARD = RuntimeCard(title="ONNX Runtime (CPU)", load=load)
