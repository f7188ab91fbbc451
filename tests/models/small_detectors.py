"""Every detector with a small backbone and few boxes, for tests that run it often."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ctsieve.models._detector.config import DetectorConfig, Preset
from ctsieve.models._detector.mask_rcnn import MaskRcnn, MaskRcnnConfig, lesion_detector
from ctsieve.models._detector.training import Target
from ctsieve.models._one_shot.lstm import OneShotLstmConfig
from ctsieve.models.mask_net import MaskNet, MaskNetConfig
from ctsieve.models.one_shot_affinity import OneShotAffinity, OneShotAffinityConfig
from ctsieve.models.one_shot_lstm import OneShotLstm
from ctsieve.models.one_shot_lstm_attention import OneShotLstmAttention
from ctsieve.models.single_shot import SingleShot, SingleShotConfig

SIDE = 96
WIDTH = 32


def small(config: DetectorConfig, *, score: float = 0.2) -> DetectorConfig:
    """The same detector on ResNet18, narrower, with 40 proposals and up to 5 objects."""
    backbone = replace(config.backbone, name="resnet18", channels=WIDTH)
    proposals = replace(config.proposals, num_before=(80, 80), num_after=(40, 40))
    branches = replace(
        config.branches,
        box_features=WIDTH,
        mask_channels=(WIDTH,) * len(config.branches.mask_channels),
        score=score,
        num_detections=5,
    )
    return replace(config, backbone=backbone, proposals=proposals, branches=branches)


def lstm_config(preset: Preset = "fixed", *, score: float = 0.2) -> OneShotLstmConfig:
    config = OneShotLstmConfig(preset=preset)
    return replace(config, detector=small(config.detector, score=score))


def lstm_attention() -> OneShotLstmAttention:
    return OneShotLstmAttention(lstm_config())


def lstm() -> OneShotLstm:
    return OneShotLstm(lstm_config())


def affinity() -> OneShotAffinity:
    config = OneShotAffinityConfig()
    return OneShotAffinity(replace(config, detector=small(config.detector)))


def single_shot() -> SingleShot:
    config = SingleShotConfig()
    return SingleShot(replace(config, detector=small(config.detector)))


def mask_net() -> MaskNet:
    config = MaskNetConfig()
    return MaskNet(replace(config, detector=small(config.detector)))


def mask_rcnn() -> MaskRcnn:
    return MaskRcnn(MaskRcnnConfig(detector=small(lesion_detector())))


DETECTORS: dict[str, Callable[[], nn.Module]] = {
    "one-shot-lstm-attention": lstm_attention,
    "one-shot-lstm": lstm,
    "one-shot-affinity": affinity,
    "single-shot": single_shot,
    "mask-net": mask_net,
    "mask-rcnn": mask_rcnn,
}


def lively(model: nn.Module, seed: int = 1) -> nn.Module:
    """Random heads that find something: with their first weights all boxes and scores are alike."""
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        if name.endswith(("cls_logits.weight", "cls_score.weight")):
            nn.init.normal_(parameter, std=0.5)
        if name.endswith("bbox_pred.weight"):
            nn.init.normal_(parameter, std=0.05)
    return model.eval()


def cloudy(number: int, seed: int = 0, *, channels: int = 1) -> Tensor:
    """Pictures that are no plain noise, (number, channels, SIDE, SIDE) in [0, 1]."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(number, channels, 7, 7, generator=random)
    return interpolate(coarse, size=(SIDE, SIDE), mode="bilinear", align_corners=True)


def target() -> Target:
    """Two objects of kind 1."""
    boxes = torch.tensor([[10.0, 12.0, 50.0, 40.0], [40.0, 50.0, 90.0, 90.0]])
    masks = torch.zeros(2, SIDE, SIDE, dtype=torch.uint8)
    masks[0, 15:38, 12:45] = 1
    masks[1, 55:85, 45:88] = 1
    return Target(boxes, torch.tensor([1, 1]), masks)
