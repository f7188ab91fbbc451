"""What is said of the series models and of the baselines: order, backbones, classes, key names."""

from typing import Literal

import pytest
import torch
from torch import nn
from torchvision import models as zoo

from ctsieve.models import MODELS
from ctsieve.models._series import LAST_TWO, SeriesConfig
from ctsieve.models._slice_classifier import SliceClassifierConfig
from ctsieve.models.vgg16 import WholeVgg16
from ctsieve.types.errors import UnknownName

BackboneName = Literal["resnet50", "googlenet"]
WIDTHS: tuple[tuple[BackboneName, int], ...] = (("resnet50", 1024), ("googlenet", 512))
"""Hidden units of a direction: half of the features."""
SERIES = ("series-maxpool", "series-bilstm", "series-bilstm-attention", "series-attention")
TORCHVISION = {
    "densenet121": zoo.densenet121,
    "densenet169": zoo.densenet169,
    "efficientnet-b0": zoo.efficientnet_b0,
    "efficientnet-b1": zoo.efficientnet_b1,
    "resnet18": zoo.resnet18,
    "resnet50": zoo.resnet50,
    "resnext50": zoo.resnext50_32x4d,
    "resnext101": zoo.resnext101_32x8d,
}


def series(name: str, config: SeriesConfig) -> nn.Module:
    torch.manual_seed(0)
    model: nn.Module = MODELS[name].build(config)
    return model.eval()


def turned_logits(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of a scan from the head and from the feet."""
    model = series(name, SeriesConfig(backbone="googlenet"))
    x, keep = torch.rand(1, 4, 1, 48, 48), torch.ones(1, 4, dtype=torch.bool)
    if name == "series-attention":  # its query starts at 0, where every slice weighs the same
        nn.init.normal_(model.get_parameter("head.query"), std=0.1)
    with torch.no_grad():
        return model(x, keep).logits, model(x.flip(1), keep).logits


@pytest.mark.parametrize("name", ["series-maxpool", "series-attention"])
def test_without_an_lstm_the_order_does_not_matter(name: str) -> None:
    one, other = turned_logits(name)
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", ["series-bilstm", "series-bilstm-attention"])
def test_with_an_lstm_the_order_matters(name: str) -> None:
    one, other = turned_logits(name)
    assert not one.equal(other)


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("backbone", ["resnet50", "googlenet"])
def test_backbones_have_torchvision_s_names_and_two_trained_modules(
    name: str, backbone: BackboneName
) -> None:
    with torch.device("meta"):
        model = MODELS[name].build(SeriesConfig(backbone=backbone, num_classes=3))
        net = (
            zoo.resnet50()
            if backbone == "resnet50"
            else zoo.googlenet(aux_logits=False, init_weights=False)
        )
    ours = {key for key in model.state_dict() if not key.startswith("head.")}
    assert ours == {key for key in net.state_dict() if not key.startswith("fc.")}
    trained = {key.split(".")[0] for key, p in model.named_parameters() if p.requires_grad}
    expected = set() if name == "series-maxpool" else set(LAST_TWO[backbone])
    assert trained == {"head"} | expected
    assert {key for key, p in model.named_parameters() if p.requires_grad} == {
        key for key, _ in model.named_parameters() if MODELS[name].trains(key)
    }


def test_the_lstm_is_as_wide_as_the_paper_says() -> None:
    with torch.device("meta"):
        for backbone, units in WIDTHS:
            model = MODELS["series-bilstm"].build(SeriesConfig(backbone=backbone))
            lstm = model.get_submodule("head.lstm")
            assert (lstm.hidden_size, lstm.num_layers, lstm.bidirectional) == (units, 1, True)


@pytest.mark.parametrize("preset", ["paper", "fixed"])
@pytest.mark.parametrize("num_classes", [1, 4])
def test_one_class_or_several(preset: Literal["paper", "fixed"], num_classes: int) -> None:
    config = SeriesConfig(preset=preset, backbone="googlenet", num_classes=num_classes)
    x, keep = torch.rand(2, 3, 3, 48, 48), torch.tensor([[True, True, True], [False, True, False]])
    with torch.no_grad():
        for name in SERIES:
            assert series(name, config)(x, keep).logits.shape == (2, num_classes)


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(UnknownName, match="'resnet51'"):
        SeriesConfig(backbone="resnet51")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TORCHVISION)
def test_baselines_have_torchvision_s_names_and_sizes(name: str) -> None:
    with torch.device("meta"):
        ours = MODELS[name].build(SliceClassifierConfig(num_classes=1000)).state_dict()
        theirs = TORCHVISION[name]().state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def test_baselines_compute_what_torchvision_computes() -> None:
    ours = MODELS["densenet121"].build(SliceClassifierConfig(num_classes=7)).eval()
    theirs = zoo.densenet121(num_classes=7).eval()
    theirs.load_state_dict(ours.state_dict())
    x = torch.rand(2, 3, 64, 64)
    mean, deviation = ours.get_buffer("mean"), ours.get_buffer("deviation")
    with torch.no_grad():
        torch.testing.assert_close(ours(x).logits, theirs((x - mean) / deviation))


def test_googlenet_normalises_as_torchvision_s_weights_expect() -> None:
    ours = MODELS["googlenet"].build(SliceClassifierConfig(num_classes=7)).eval()
    theirs = zoo.googlenet(
        num_classes=7, aux_logits=False, transform_input=True, init_weights=False
    ).eval()
    theirs.load_state_dict(ours.state_dict())
    x = torch.rand(2, 3, 64, 64)
    imagenet = ours.get_buffer("mean").new_tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    mean, deviation = imagenet.view(2, 1, 3, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(ours(x).logits, theirs((x - mean) / deviation))


def test_the_paper_s_vgg16_is_torchvision_s() -> None:
    with torch.device("meta"):
        model = MODELS["vgg16"].build(SliceClassifierConfig(preset="paper", num_classes=1000))
        theirs = zoo.vgg16(weights=None).state_dict()
    assert isinstance(model, WholeVgg16)
    assert {k: v.shape for k, v in model.state_dict().items()} == {
        k: v.shape for k, v in theirs.items()
    }
