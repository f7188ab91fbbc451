"""The exported graph computes what the network does, with its weights in the safetensors file."""

import copy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
import safetensors.numpy
import torch
from tests.laws.trying import built, opened
from tests.models.small_detectors import SIDE, affinity, cloudy, lively, lstm_config
from torch.nn.functional import interpolate

from ctsieve.export.agreement import clear_order, computed
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
from ctsieve.models import MODELS
from ctsieve.models._detector.config import RegionConfig
from ctsieve.models.la_dnn import LaDnn, LaDnnConfig, LaDnnMean
from ctsieve.models.one_shot_lstm_attention import OneShotLstmAttention
from ctsieve.pipeline.package import require_agreement
from ctsieve.runtime.onnx import BATCH, load
from ctsieve.types.promise import BrokenPromise

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


@pytest.mark.slow
def test_the_published_detector_finds_the_same_at_its_own_size(tmp_path: Path) -> None:
    card = MODELS["one-shot-lstm-attention"]
    model = built(card)
    with torch.no_grad():  # sure enough for the paper's threshold of 0.75
        model.get_parameter("roi_heads.box_predictor.cls_score.weight").mul_(3.0)
    random = torch.Generator().manual_seed(3)
    x = interpolate(torch.rand(1, 1, 17, 17, generator=random), size=card.size, mode="bilinear")
    output = opened(export(model, card.size), tmp_path).run(x.numpy())
    assert (output["scores"] > 0.75).sum() == 4
    assert largest_difference(model, output, x.numpy()) < TOLERANCE


def test_batch_norm_of_the_papers_presets_has_a_graph(tmp_path: Path) -> None:
    config = lstm_config("paper")
    even = replace(config.resolved(), preset="fixed")
    model = lively(OneShotLstmAttention(replace(even, regions=RegionConfig())))
    x = cloudy(2).numpy()
    output = opened(export(model, (SIDE, SIDE)), tmp_path).run(x)
    assert largest_difference(model, output, x) < TOLERANCE


def test_a_large_even_picture_is_standardised_without_losing_digits(tmp_path: Path) -> None:
    model = lively(affinity())
    x = np.full((1, 1, 512, 512), 0.9, dtype=np.float32)
    x[..., 100:400, 60:220] = x[..., 120:380, 300:450] = 0.2
    output = opened(export(model, (512, 512)), tmp_path).run(x)
    # plain sums over all pixels were off by 6e-5 here, and boxes by hundreds of pixels
    assert np.abs(output["scores"] - computed(model, x)["scores"]).max() < 1e-5


def test_objects_whose_scores_rounding_could_swap_are_compared_by_score_alone() -> None:
    scores = np.array([[0.9, 0.5, 0.5, 0.2], [0.9, 0.500001, 0.5, 0.2]], dtype=np.float32)
    boxes = scores[..., None].repeat(4, axis=2)  # what scores alike is one object
    assert clear_order({"scores": scores, "boxes": boxes}, 2).tolist() == [True, False]
    assert clear_order({"logits": scores}, 2).tolist() == [True, True]


def test_a_wrong_graph_does_not_pass(network: LaDnn, tmp_path: Path) -> None:
    other = copy.deepcopy(network)
    torch.nn.init.normal_(other.head.weight, std=1.0)
    x = np.random.default_rng(0).random((2, 1, *SIZE), dtype=np.float32)
    engine = load(write(export(other, SIZE), tmp_path), threads=1)
    with pytest.raises(BrokenPromise, match="the graph equals the network"):
        require_agreement(network, engine, x)


def test_memory_for_a_scan_is_that_of_its_features(tmp_path: Path) -> None:
    model = built(MODELS["series-bilstm-attention"])
    engine = opened(export(model, SIZE), tmp_path)
    x = np.random.default_rng(0).random((30, 1, *SIZE), dtype=np.float32)
    seen: list[tuple[int, int]] = []
    output = engine.run(x, progress=lambda done, every: seen.append((done, every)))
    assert output["attention"].shape == (1, 30)
    assert max(b - a for (a, _), (b, _) in pairwise(seen)) <= BATCH
    assert "features" not in output
