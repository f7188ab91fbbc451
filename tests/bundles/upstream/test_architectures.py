"""Which sizes a published file has is read off the shapes of its tensors."""

from dataclasses import replace

import pytest
import torch

from ctsieve.bundles.upstream import upstream_of
from ctsieve.models import MODELS
from ctsieve.models._detector.config import BackboneConfig, DetectorConfig, ResNetName
from ctsieve.models._detector.mask_rcnn import MaskRcnnConfig, lesion_detector
from ctsieve.models._one_shot.lstm import OneShotLstmConfig
from ctsieve.models.la_dnn import LaDnnConfig
from ctsieve.models.mask_net import REGIONS, MaskNetConfig
from ctsieve.models.one_shot_affinity import OneShotAffinityConfig, affinity_detector
from ctsieve.models.resnet50_att2 import ResNet50Att2Config
from ctsieve.models.resnet50_lstm_att2 import ResNet50LstmAtt2Config
from ctsieve.models.single_shot import SingleShotConfig, single_shot_detector
from ctsieve.pipeline.import_checkpoint import build


def on(backbone: ResNetName) -> DetectorConfig:
    """The One Shot detector on another residual network."""
    return DetectorConfig(backbone=BackboneConfig(name=backbone))


FULL_MASK_NET = MaskNetConfig(
    detector=lesion_detector(), regions=replace(REGIONS, number=256), features=1024
)

ARCHITECTURES: dict[str, tuple[str, object]] = {
    "ResNeXt101": ("one-shot-lstm-attention", OneShotLstmConfig(detector=on("resnext101"))),
    "ResNet50, no attention": ("one-shot-lstm", OneShotLstmConfig(detector=on("resnet50"))),
    "affinity ResNet50": (
        "one-shot-affinity",
        OneShotAffinityConfig(detector=affinity_detector("resnet50"), num_affinities=512),
    ),
    "single shot ResNet34": (
        "single-shot",
        SingleShotConfig(detector=single_shot_detector("resnet34")),
    ),
    "mask net full": ("mask-net", FULL_MASK_NET),
    "mask net ResNet34": (
        "mask-net",
        MaskNetConfig(detector=lesion_detector("light", "resnet34", num_kinds=2)),
    ),
    "mask net full, first stage": ("mask-net", replace(FULL_MASK_NET, stage="segmentation")),
    "mask r-cnn full": ("mask-rcnn", MaskRcnnConfig()),
    "equation 12": ("resnet50-att2", ResNet50Att2Config(compatibility="dot", num_classes=2)),
    "narrow lstm": ("resnet50-lstm-att2", ResNet50LstmAtt2Config(units=64)),
    "densenet121": ("la-dnn", LaDnnConfig(preset="paper", backbone="densenet121")),
}
"""Every published architecture that no golden file has, and some of the authors' options."""


@pytest.mark.parametrize("what", ARCHITECTURES)
def test_shapes_tell_the_architecture(what: str) -> None:
    name, config = ARCHITECTURES[what]
    with torch.device("meta"):
        published = MODELS[name].build(config).state_dict()
        shapes = {key: tuple(value.shape) for key, value in published.items()}
        ours = build(name, upstream_of(name).settings(name, shapes)).state_dict()
    assert {key: tuple(value.shape) for key, value in ours.items()} == shapes
