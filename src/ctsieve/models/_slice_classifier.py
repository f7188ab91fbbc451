"""A backbone that classifies single slices: the baselines that the papers compare with.

Paper    Baselines of the One Shot papers, the ATT2 and series papers and LA-DNN, which say no more
         than the name of the architecture; no code of them is public.
Differs  Both presets have torchvision's own head with another number of outputs, but for VGG16: its
         `fixed` preset has the pooled linear head that all others have anyway, for which Grad-CAM++
         has a closed form.  GoogLeNet has no auxiliary heads.  A picture may have one channel,
         which is replicated, and is normalised inside.
Licence  No weights come along; parameters are called as in torchvision (BSD-3-Clause), so that its
         ImageNet weights fit.

Shapes   B images, R C their rows and columns, F features, L classes,
         H W rows and columns of the last map.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ctsieve.models._backbones import ALL_BACKBONES, last_map, normalisation
from ctsieve.models._heat import grad_cam_plus_plus
from ctsieve.types.cards import ModelCard


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceClassifierConfig:
    """Changing either changes the weights of VGG16; for all others `preset` changes nothing."""

    preset: Literal["paper", "fixed"] = "fixed"
    num_classes: int = 3


class SliceClassifierOutput(NamedTuple):
    """What a slice classifier returns."""

    logits: Float[Tensor, "B L"]
    heat: Float[Tensor, "B L H W"]  # Grad-CAM++ of every class, unscaled, not negative


class SliceClassifier(nn.Module):
    """Backbone, global average pooling, dropout where the architecture has it, one linear."""

    def __init__(self, name: str, config: SliceClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = ALL_BACKBONES[name]
        net = self.backbone.build()
        for part in self.backbone.trunk:
            self.add_module(part, net.get_submodule(part))
        linear = nn.Linear(self.backbone.features, config.num_classes)
        owner, _, leaf = self.backbone.head.rpartition(".")
        head = nn.Sequential(net.get_submodule(f"{owner}.0"), linear) if owner else linear
        self.add_module(owner or leaf, head)
        self.dropout = getattr(net, "dropout", None) or nn.Identity()  # GoogLeNet's is outside
        mean, deviation = normalisation(name)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), False)

    def forward(self, x: Float[Tensor, "B C R C2"]) -> SliceClassifierOutput:
        """Classify slices with values in [0, 1] and one channel, or three."""
        x = (x.expand(-1, 3, -1, -1) - self.get_buffer("mean")) / self.get_buffer("deviation")
        map_BFHW = last_map(self, self.backbone, x)
        head = self.get_submodule(self.backbone.head.split(".")[0])
        logits_BL = head(self.dropout(map_BFHW.mean(dim=(2, 3))))
        weight_LF = self.get_parameter(f"{self.backbone.head}.weight")
        return SliceClassifierOutput(logits_BL, grad_cam_plus_plus(map_BFHW, weight_LF))


def baseline(name: str, *, title: str, paper: str) -> ModelCard:
    """The card of the baseline with the architecture `name` of `ALL_BACKBONES`."""

    def build(config: SliceClassifierConfig) -> SliceClassifier:
        return SliceClassifier(name, config)

    return ModelCard(
        title=title,
        paper=paper,
        config=SliceClassifierConfig,
        build=build,
        example_shape=(2, 1, 64, 64),
    )
