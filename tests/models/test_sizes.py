"""Numbers of parameters of models that nobody has published one of: their formula gives it."""

import pytest
import torch
from torchvision import models as zoo

from ctsieve.models import MODELS
from ctsieve.models._backbones import BACKBONES
from ctsieve.models._series import SeriesConfig
from ctsieve.models._slice_classifier import SliceClassifierConfig
from ctsieve.models.la_dnn import LaDnnConfig

HEADS = {
    "series-maxpool": lambda f: f + 1,
    "series-attention": lambda f: f + f + 1,
    "series-bilstm": lambda f: _lstm(f) + f + 1,
    "series-bilstm-attention": lambda f: _lstm(f) + f + 1,
}
"""What each series model adds to a backbone with F features, by the paper's formulas."""


def _lstm(features: int) -> int:
    """One layer in two directions, each half of the features wide, with torch's two biases."""
    units = features // 2
    return 2 * 4 * units * (features + units + 2)


def counted(name: str, config: object) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in MODELS[name].build(config).parameters())


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize(("backbone", "features"), [("resnet50", 2048), ("googlenet", 1024)])
def test_series_are_a_backbone_and_their_formula(name: str, backbone: str, features: int) -> None:
    config = SeriesConfig(backbone=backbone)  # type: ignore[arg-type]  # one of the two
    with torch.device("meta"):
        net = (
            zoo.resnet50()
            if backbone == "resnet50"
            else zoo.googlenet(aux_logits=False, init_weights=False)
        )
    trunk = sum(p.numel() for key, p in net.named_parameters() if not key.startswith("fc."))
    assert counted(name, config) == trunk + HEADS[name](features)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_la_dnn_is_a_trunk_and_six_outputs(backbone: str) -> None:
    config = LaDnnConfig(backbone=backbone, num_lesions=5)
    with torch.device("meta"):
        net = BACKBONES[backbone].build()
    head = BACKBONES[backbone].head.split(".")[0]
    trunk = sum(p.numel() for key, p in net.named_parameters() if not key.startswith(f"{head}."))
    assert counted("la-dnn", config) == trunk + 6 * (BACKBONES[backbone].features + 1)


@pytest.mark.parametrize("preset", ["paper", "fixed"])
def test_slice_baselines_end_in_as_many_outputs_as_classes(preset: str) -> None:
    names = [n for n in MODELS if MODELS[n].config is SliceClassifierConfig]
    assert len(names) == 10
    for name in names:
        three, five = (
            counted(name, SliceClassifierConfig(preset=preset, num_classes=number))  # type: ignore[arg-type]
            for number in (3, 5)
        )
        width = (five - three) // 2 - 1
        assert (five - three) % 2 == 0
        assert width in (512, 1024, 1280, 1664, 2048, 4096), name
