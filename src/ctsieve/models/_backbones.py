"""Image backbones of torchvision, cut before their pooling, under torchvision's own key names.

Source   torchvision 0.21 and later (BSD-3-Clause).  No weights come along; see `_imagenet.py`.
Differs  MobileNetV2 can pad like TensorFlow ("SAME": below and right at stride 2), which weights
         trained there need; the parameters are the same.

Shapes   B images, F features, H W rows and columns of the last map.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models as zoo


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """How one architecture is built and where its last linear layer stands."""

    build: Callable[[], nn.Module]
    head: str
    """torchvision's name of the classifying layer, replaced by ours."""
    features: int
    """F: channels of the last map."""
    trunk: tuple[str, ...] = ("features",)
    """Children that are applied in order to get the last map."""
    rectify: bool = False
    """DenseNet's last map is rectified outside its `features`."""


RESNET_TRUNK = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")


class SamePadConv2d(nn.Conv2d):
    """A 3 x 3 convolution of stride 2 padded as TensorFlow's SAME does on even sizes."""

    def forward(self, x: Float[Tensor, "B F H W"]) -> Float[Tensor, "B G h w"]:
        """Convolve with one row of zeros below and one column to the right."""
        padded = F.pad(x, (0, 1, 0, 1))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, 1, self.groups)


def _mobilenet_v2() -> nn.Module:
    net: nn.Module = zoo.mobilenet_v2(weights=None)
    for block in [m for m in net.modules() if isinstance(m, nn.Sequential)]:
        for name, layer in list(block.named_children()):
            if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2):
                setattr(block, name, _same_padded(layer))
    return net


def _same_padded(layer: nn.Conv2d) -> SamePadConv2d:
    twin = SamePadConv2d(
        layer.in_channels, layer.out_channels, 3, stride=2, groups=layer.groups, bias=False
    )
    twin.load_state_dict(layer.state_dict())
    return twin


BACKBONES: dict[str, Backbone] = {
    "vgg16": Backbone(build=lambda: zoo.vgg16(weights=None), head="classifier", features=512),
    "resnet18": Backbone(
        build=lambda: zoo.resnet18(weights=None), head="fc", features=512, trunk=RESNET_TRUNK
    ),
    "resnet50": Backbone(
        build=lambda: zoo.resnet50(weights=None), head="fc", features=2048, trunk=RESNET_TRUNK
    ),
    "densenet121": Backbone(
        build=lambda: zoo.densenet121(weights=None),
        head="classifier",
        features=1024,
        rectify=True,
    ),
    "densenet169": Backbone(
        build=lambda: zoo.densenet169(weights=None),
        head="classifier",
        features=1664,
        rectify=True,
    ),
    "efficientnet-b0": Backbone(
        build=lambda: zoo.efficientnet_b0(weights=None), head="classifier.1", features=1280
    ),
    "efficientnet-b1": Backbone(
        build=lambda: zoo.efficientnet_b1(weights=None), head="classifier.1", features=1280
    ),
    "mobilenet-v2": Backbone(build=_mobilenet_v2, head="classifier.1", features=1280),
}
"""The seven of LA-DNN's paper, and MobileNetV2, which an ordinary computer can train."""


INCEPTIONS = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
GOOGLENET_TRUNK = (
    *("conv1", "maxpool1", "conv2", "conv3", "maxpool2"),
    *(f"inception{block}" for block in INCEPTIONS[:2]),
    "maxpool3",
    *(f"inception{block}" for block in INCEPTIONS[2:7]),
    "maxpool4",
    *(f"inception{block}" for block in INCEPTIONS[7:]),
)

ALL_BACKBONES: dict[str, Backbone] = BACKBONES | {
    "resnext50": Backbone(
        build=lambda: zoo.resnext50_32x4d(weights=None),
        head="fc",
        features=2048,
        trunk=RESNET_TRUNK,
    ),
    "resnext101": Backbone(
        build=lambda: zoo.resnext101_32x8d(weights=None),
        head="fc",
        features=2048,
        trunk=RESNET_TRUNK,
    ),
    "googlenet": Backbone(
        # Without the heads that only training uses, which no paper here mentions.
        build=lambda: zoo.googlenet(weights=None, aux_logits=False, init_weights=False),
        head="fc",
        features=1024,
        trunk=GOOGLENET_TRUNK,
    ),
}
"""Those, and what the One Shot and the series papers compare with."""

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def normalisation(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of values in [0, 1] that torchvision's weights of `name` expect.

    Its GoogLeNet weights come from TensorFlow; torchvision hides that in `transform_input`.
    """
    return HALF if name == "googlenet" else IMAGENET


def last_map(net: nn.Module, backbone: Backbone, x: Float[Tensor, "B 3 R C"]) -> Tensor:
    """The map before pooling, (B, F, H, W)."""
    for name in backbone.trunk:
        x = net.get_submodule(name)(x)
    return torch.relu(x) if backbone.rectify else x
