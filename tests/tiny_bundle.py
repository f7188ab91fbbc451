"""A bundle whose network is arithmetic anyone can redo: logit = 10 * (mean - 0.5)."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from ctsieve.bundles.bundle import Bundle, write_bundle
from ctsieve.bundles.verify import golden_member, make_golden
from ctsieve.runtime import onnx as runtime
from ctsieve.types.recipe import Calibration, FittedOn, InputSpec, Level, Recipe, Threshold

SIZE = 32
SCALE = 10.0
LESIONS = ("ggo", "consolidation")
FITTED = FittedOn(
    data="phantom", digest="0" * 64, criterion="Youden", num_cases=20, num_patients=20
)


def tiny_recipe(**changes: object) -> Recipe:
    """A recipe for the tiny network; `changes` replace fields."""
    level = Level(
        calibration=(Calibration(fitted=FITTED),),
        thresholds=(Threshold(label="covid19", value=0.5, fitted=FITTED),),
        uncertain=None,
    )
    fields: dict[str, object] = {
        "labels": ("covid19",),
        "multi_label": True,
        "lesions": LESIONS,
        "input": InputSpec(size=(SIZE, SIZE)),
        "picture": level,
        "scan": level,
        "min_slices": 4,
    }
    return Recipe.model_validate({**fields, **changes})


def tiny_graph() -> bytes:
    """ONNX bytes: image (N, 1, 32, 32) to logits (N, 1), lesion_logits (N, 2), heat (N, 4, 4)."""
    weights: dict[str, npt.NDArray[np.generic]] = {
        "scale": np.array([SCALE], np.float32),
        "half": np.array([0.5], np.float32),
        "spread": np.array([[1.0, -1.0]], np.float32),
        "flat": np.array([0, 1], np.int64),
        "maps": np.array([0, 4, 4], np.int64),
    }
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Reshape", ["pooled", "flat"], ["mean"]),
        helper.make_node("Sub", ["mean", "half"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["logits"]),
        helper.make_node("MatMul", ["logits", "spread"], ["lesion_logits"]),
        helper.make_node("AveragePool", ["image"], ["coarse"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Reshape", ["coarse", "maps"], ["heat"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, SIZE, SIZE])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1]),
            helper.make_tensor_value_info("lesion_logits", TensorProto.FLOAT, ["n", 2]),
            helper.make_tensor_value_info("heat", TensorProto.FLOAT, ["n", 4, 4]),
        ],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def tiny_members(folder: Path, recipe: Recipe | None = None) -> dict[str, bytes]:
    """Every member of the tiny bundle; `folder` is for a temporary file."""
    graph = tiny_graph()
    model = folder / "tiny.onnx"
    model.write_bytes(graph)
    x = np.random.default_rng(0).random((3, 1, SIZE, SIZE), dtype=np.float32)
    golden_in, golden_out = make_golden(runtime.load(model, threads=1), x)
    model.unlink()
    return {
        "model.onnx": graph,
        "weights.safetensors": save({"scale": np.array([SCALE], np.float32)}),
        "recipe.json": (recipe or tiny_recipe()).model_dump_json().encode(),
        "metadata.json": json.dumps({"version": "1.0.0"}).encode(),
        "MODEL_CARD.md": b"# tiny\nArithmetic for tests.\n",
        "golden/input.npz": golden_in,
        golden_member("model.onnx"): golden_out,
    }


def make_tiny_bundle(
    folder: Path, recipe: Recipe | None = None, *, version: str = "1.0.0"
) -> Bundle:
    """Write the tiny bundle at `folder`/tiny."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_bundle(folder / "tiny", tiny_members(folder, recipe), name="tiny", version=version)
