"""A residual network with a feature pyramid, under torchvision's own names.

Paper    One Shot + LSTM + attention, section 3.3: "only the last layer of the backbone".
Source   torchvision 0.21 and later (BSD-3-Clause).  No weights come along.
Differs  The paper's main results use ResNeXt101; the authors' code builds, and they publish,
         ResNeXt50.
"""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn
from torchvision import models as zoo
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FeaturePyramidNetwork

from ctsieve.models._detector.config import BackboneConfig, ResNetName
from ctsieve.models._detector.normalise import BatchNorm2d, use_input_statistics

ZOO_NAMES: dict[ResNetName, str] = {
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "resnext50": "resnext50_32x4d",
    "resnext101": "resnext101_32x8d",
}


class PyramidBackbone(nn.Module):
    """Residual layers (`body`) and their feature pyramid (`fpn`)."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        net = zoo.get_model(ZOO_NAMES[config.name], weights=None, norm_layer=BatchNorm2d)
        layers = range(config.last_layer - config.num_levels + 1, config.last_layer + 1)
        widths = [net.inplanes // 2 ** (4 - layer) for layer in layers]
        levels = {f"layer{layer}": str(level) for level, layer in enumerate(layers)}
        self.body = IntermediateLayerGetter(net, return_layers=levels)
        self.fpn = FeaturePyramidNetwork(widths, config.channels)
        if config.input_statistics:
            use_input_statistics(self.body)

    def forward(self, x: Float[Tensor, "1 3 H W"]) -> Mapping[str, Tensor]:
        """Maps of the pyramid's levels, the finest first, called "0", "1" ..."""
        maps: Mapping[str, Tensor] = self.fpn(self.body(x))
        return maps
