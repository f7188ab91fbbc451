"""An 8-bit twin of an exported graph: quantised weights and activations, calibrated on images.

Source   ONNX Runtime's static quantisation (QDQ form), weights per channel.
Differs  Only convolutions are quantised: the head and the heat stay in floating point, so that
         the answer's last digits and the map lose as little as possible.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from ctsieve.export.onnx import INPUT, Exported, self_contained

BATCH = 16


class _Images(CalibrationDataReader):  # type: ignore[misc]  # the runtime ships no types
    """Prepared images (N, 1, R, C), a batch at a time."""

    def __init__(self, images: npt.NDArray[np.float32]) -> None:
        starts = range(0, len(images) - len(images) % BATCH or len(images), BATCH)
        self._batches: Iterator[npt.NDArray[np.float32]] = (images[s : s + BATCH] for s in starts)

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """The next batch, or None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def quantise(exported: Exported, images: npt.NDArray[np.float32]) -> bytes:
    """The 8-bit graph, its ranges taken from prepared `images` (N, 1, R, C) in [0, 1]."""
    with tempfile.TemporaryDirectory() as scratch:
        whole, ready, small = (Path(scratch) / f"{n}.onnx" for n in ("whole", "ready", "small"))
        whole.write_bytes(self_contained(exported))
        quant_pre_process(str(whole), str(ready))
        quantize_static(
            str(ready),
            str(small),
            _Images(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return small.read_bytes()
