"""The exported graph computes what the network does, with its weights in the safetensors file."""

import copy
from pathlib import Path

import numpy as np
import onnx
import pytest
import safetensors.numpy
import torch

from ctsieve.export.external import tensor_places
from ctsieve.export.int8 import quantise
from ctsieve.export.onnx import (
    TOLERANCE,
    Exported,
    export,
    largest_difference,
    self_contained,
    write,
)
from ctsieve.models.la_dnn import LaDnn, LaDnnConfig, LaDnnMean
from ctsieve.runtime.onnx import load

SIZE = (64, 64)


@pytest.fixture(scope="module")
def network() -> LaDnn:
    torch.manual_seed(0)
    model = LaDnn(LaDnnConfig()).eval()
    for norm in (m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        torch.nn.init.uniform_(norm.weight, 0.8, 1.2)
        torch.nn.init.normal_(norm.bias, std=0.1)
    torch.nn.init.normal_(model.head.weight, std=1.0)
    return model


@pytest.fixture(scope="module")
def exported(network: LaDnn) -> Exported:
    return export(network, SIZE)


@pytest.mark.parametrize("number", [1, 3])
def test_graph_and_network_agree_for_any_number_of_slices(
    network: LaDnn, exported: Exported, number: int, tmp_path: Path
) -> None:
    x = np.random.default_rng(number).random((number, 1, *SIZE), dtype=np.float32)
    output = load(write(exported, tmp_path), threads=1).run(x)
    assert output["logits"].shape == (number, 1)
    assert output["lesion_logits"].shape == (number, 5)
    assert output["heat"].shape == (number, 2, 2)
    assert np.abs(output["logits"]).max() > 0.0
    assert largest_difference(network, dict(output), x) < TOLERANCE


def test_every_number_is_stored_once(network: LaDnn, exported: Exported) -> None:
    assert len(exported.graph) < 250_000
    stored = safetensors.numpy.load(exported.weights)
    state = network.state_dict()
    assert set(stored) == {k for k in state if not k.endswith("num_batches_tracked")}
    assert all((stored[k] == state[k].numpy()).all() for k in stored)
    graph = onnx.load_from_string(exported.graph)
    outside = {
        t.name for t in graph.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL
    }
    assert outside <= set(tensor_places(exported.weights))
    assert len(outside) > 150


def test_half_precision_halves_the_file_and_keeps_graph_and_network_equal(
    network: LaDnn, exported: Exported, tmp_path: Path
) -> None:
    rounded = copy.deepcopy(network)
    small = export(rounded, SIZE, half=True)
    x = np.random.default_rng(0).random((2, 1, *SIZE), dtype=np.float32)
    output = load(write(small, tmp_path), threads=1).run(x)
    assert len(small.weights) < 0.6 * len(exported.weights)
    assert largest_difference(rounded, dict(output), x) < TOLERANCE


def test_the_mean_of_two_networks_is_one_graph(network: LaDnn, tmp_path: Path) -> None:
    other = copy.deepcopy(network)
    torch.nn.init.normal_(other.head.weight, std=1.0)
    both = LaDnnMean([network, other]).eval()
    x = np.random.default_rng(0).random((2, 1, *SIZE), dtype=np.float32)
    output = load(write(export(both, SIZE), tmp_path), threads=1).run(x)
    assert largest_difference(both, dict(output), x) < TOLERANCE
    with torch.no_grad():
        single = [member(torch.from_numpy(x)).logits for member in (network, other)]
    want = ((single[0] + single[1]) / 2).numpy()
    assert np.abs(output["logits"] - want).max() < TOLERANCE


def test_eight_bits_keep_the_outputs(exported: Exported, tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((2, 1, *SIZE), dtype=np.float32)
    small = quantise(exported, x)
    assert len(small) < len(self_contained(exported)) / 2
    (tmp_path / "small.onnx").write_bytes(small)
    output = load(tmp_path / "small.onnx", threads=1).run(x)
    assert output["logits"].shape == (2, 1)
    assert all(np.isfinite(values).all() for values in output.values())
