"""Detectors in use: batches, presets, statistics, sizes, and the graph of each."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest
import torch
from tests.models.small_detectors import (
    DETECTORS,
    affinity,
    cloudy,
    lively,
    lstm_attention,
    lstm_config,
)
from torch import Tensor, nn

from ctsieve.models import MODELS
from ctsieve.models._detector.config import BackboneConfig, DetectorConfig, Preset, ResNetName
from ctsieve.models._detector.mask_rcnn import MaskRcnn, MaskRcnnConfig, lesion_detector
from ctsieve.models._detector.normalise import standardised
from ctsieve.models._one_shot.lstm import OneShotLstmConfig
from ctsieve.models.mask_net import REGIONS, MaskNet, MaskNetConfig
from ctsieve.models.one_shot_lstm_attention import OneShotLstmAttention
from ctsieve.types.errors import UnknownName


def test_every_detector_is_tried_here() -> None:
    assert set(DETECTORS) == {name for name in MODELS if "gradients" in MODELS[name].exempt}


@pytest.mark.parametrize("name", list(DETECTORS))
def test_a_batch_is_as_good_as_one_after_another_to_the_bit(name: str) -> None:
    model = lively(DETECTORS[name]())
    images = cloudy(3)
    with torch.no_grad():
        together = model(images)
        alone = [model(image) for image in images.split(1)]
    for field, value in together._asdict().items():
        assert value.equal(torch.cat([getattr(one, field) for one in alone])), field


@pytest.mark.parametrize("name", [name for name in DETECTORS if name != "mask-net"])
def test_objects_lie_inside_the_image_and_empty_places_are_zero(name: str) -> None:
    model = lively(DETECTORS[name]())
    with torch.no_grad():
        output = model(cloudy(4))
    empty = output.labels == 0
    assert not empty.all()
    for values in (output.boxes, output.scores, output.masks):
        assert not values[empty].any()
    assert (output.scores[~empty] > 0.2).all()
    assert (output.boxes >= 0).all()
    assert (output.boxes <= 96).all()
    assert (output.scores.diff(dim=1) <= 0).all(), "the surest first"
    assert ((output.masks >= 0) & (output.masks <= 1)).all()


def test_fixed_gives_one_image_one_answer_and_paper_may_not() -> None:
    presets: tuple[Preset, ...] = ("fixed", "paper")
    fixed, paper = (lively(OneShotLstmAttention(few(lstm_config(preset)))) for preset in presets)
    image = cloudy(1)
    with torch.no_grad():
        state = torch.get_rng_state()
        assert fixed(image).logits.equal(fixed(image).logits)
        assert torch.get_rng_state().equal(state)
        drawn = [paper(image, torch.Generator().manual_seed(seed)).logits for seed in (1, 1, 2)]
    assert drawn[0].equal(drawn[1])
    assert not drawn[0].equal(drawn[2])


def few(config: OneShotLstmConfig) -> OneShotLstmConfig:
    """Three proposals only, so that regions have to be repeated."""
    proposals = replace(config.detector.proposals, num_after=(3, 3))
    return replace(config, detector=replace(config.detector, proposals=proposals))


def test_paper_predicts_with_the_statistics_of_the_image_and_keeps_the_running_ones() -> None:
    model = OneShotLstmAttention(lstm_config("paper")).eval()
    before = {name: value.clone() for name, value in model.named_buffers()}
    image = cloudy(1)
    with torch.no_grad():
        maps = model.look(image).maps["0"]
        assert all(value.equal(before[name]) for name, value in model.named_buffers())
        model.backbone.train()
        trained = model.look(image).maps["0"]
    assert maps.equal(trained)
    assert not all(value.equal(before[name]) for name, value in model.named_buffers())


@pytest.mark.parametrize("name", list(DETECTORS))
def test_an_image_without_contrast_has_finite_outputs(name: str) -> None:
    model = lively(DETECTORS[name]())
    with torch.no_grad():
        output = model(torch.full((1, 1, 96, 96), 0.25))
    assert all(value.isfinite().all() for value in output)


def test_sizes_need_not_be_multiples_of_the_stride() -> None:
    model = lively(lstm_attention())
    with torch.no_grad():
        output = model(cloudy(1)[..., :90, :70])
    assert output.masks.shape[2:] == (90, 70)
    assert (output.regions[..., 0::2] <= 70).all()
    assert (output.regions[..., 1::2] <= 90).all()


def test_one_channel_is_as_good_as_three_equal_ones() -> None:
    model = lively(affinity())
    with torch.no_grad():
        one, three = (model(cloudy(1).expand(-1, n, -1, -1)).logits for n in (1, 3))
    assert one.equal(three)


def test_every_channel_is_standardised_with_its_unbiased_deviation() -> None:
    x = standardised(cloudy(2, channels=3))
    torch.testing.assert_close(x.mean(dim=(2, 3)), torch.zeros(2, 3), rtol=0.0, atol=1e-5)
    torch.testing.assert_close(x.std(dim=(2, 3), correction=1), torch.ones(2, 3))


def on(backbone: ResNetName) -> DetectorConfig:
    """The One Shot detector on another residual network."""
    return DetectorConfig(backbone=BackboneConfig(name=backbone))


def light(backbone: ResNetName) -> DetectorConfig:
    return lesion_detector("light", backbone, num_kinds=2)


def full_mask_net() -> MaskNetConfig:
    regions = replace(REGIONS, number=256)
    return MaskNetConfig(detector=lesion_detector(), regions=regions, features=1024)


@pytest.mark.parametrize(
    ("model", "number"),
    [
        (lambda: OneShotLstmAttention(OneShotLstmConfig(detector=on("resnext101"))), 99_315_848),
        (lambda: MaskNet(full_mask_net()), 31_469_672),
        (lambda: MaskNet(MaskNetConfig(detector=light("resnet34"))), 11_670_755),
        (lambda: MaskRcnn(MaskRcnnConfig(detector=light("resnet34"))), 11_439_330),
        (lambda: MaskRcnn(MaskRcnnConfig(detector=light("resnet18"))), 6_051_810),
    ],
)
def test_other_sizes_have_as_many_parameters_as_published(
    model: Callable[[], nn.Module], number: int
) -> None:
    with torch.device("meta"):
        built = model()
    assert sum(p.numel() for p in built.parameters()) == number


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "resnext50"])
def test_every_backbone_has_one_level_of_256_channels(backbone: ResNetName) -> None:
    model = OneShotLstmAttention(OneShotLstmConfig(detector=on(backbone))).eval()
    with torch.no_grad():
        maps = model.look(cloudy(1)).maps
    assert {level: tuple(value.shape) for level, value in maps.items()} == {"0": (1, 256, 3, 3)}


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(UnknownName, match="vgg16"):
        BackboneConfig(name="vgg16")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(DETECTORS))
def test_the_exported_graph_finds_the_same(name: str, tmp_path: Path) -> None:
    model, path = lively(DETECTORS[name]()), tmp_path / "model.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's age, and of sizes that never change
        names = list(model(cloudy(1))._fields)
        torch.onnx.export(
            model, (cloudy(1),), path, dynamo=False, opset_version=17, output_names=names
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    for seed in (1, 2):
        image = cloudy(1, seed)
        with torch.no_grad():
            want = model(image)
        got = session.run(names, {session.get_inputs()[0].name: image.numpy()})
        for field, value in zip(names, got, strict=True):
            close_enough(field, torch.from_numpy(value), getattr(want, field))


def close_enough(field: str, got: Tensor, want: Tensor) -> None:
    if "labels" in field:
        assert got.equal(want), field
    else:
        atol = 0.01 if field in ("boxes", "regions") else 1e-4
        torch.testing.assert_close(got, want, rtol=0.0, atol=atol, msg=field)
