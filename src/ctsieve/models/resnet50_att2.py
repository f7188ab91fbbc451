"""ResNet50-ATT2: one slice, classified from what two spatial attention modules collect.

Paper    Loconte, Colavito, "Screening CT images for COVID-19 infections and pneumonia", University
         of Bari 2021, sections III-B and IV-A; attention after Jetley et al., arXiv:1804.02391.
         The paper preset is the authors' code (peppocola/Screening-COVID19, commit 4ed681b).
Differs  The paper preset computes equation 11 as printed, <u, x + g>: its part <u, g> is the same
         at every position and cancels in the softmax.  So the global vector g, the three extra
         bottlenecks that make it and the projection have no effect there at all; they are kept
         because the authors' checkpoints have them.  `fixed` scores <u, tanh(x + g)>, which is what
         Bahdanau et al., the paper's source for equation 11, define and which does depend on g.
         Equation 12, <x, g>, depends on g anyway and is the same in both presets.
         Equation 7 projects x into the space of g; the authors' code projects g into that of x, for
         the first module only, and so do both presets (for equation 12 that is the same form).
         Any image size of 32 pixels and more, not 224 only; pictures of one channel or three.
Licence  MIT (2021 peppocola); no code is taken from it.  No weights are published.

Shapes   B images, R C their rows and columns, F features of a map, G global features,
         H W rows and columns of a map, E = 3072 features of the embedding, L classes.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.models.resnet import Bottleneck

from ctsieve.types.cards import ModelCard

NUM_EXTRA_BLOCKS = 3
MIDDLE, LAST = 1024, 2048
"""Channels after layer3 and layer4; their attended vectors together are the embedding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNet50Att2Config:
    """Which scores; changing `compatibility` or `num_classes` changes the weights."""

    preset: Literal["paper", "fixed"] = "fixed"
    compatibility: Literal["additive", "dot"] = "additive"
    """"additive" is equation 11, "dot" is equation 12 (which needs no vector u)."""
    num_classes: int = 3


class Attended(NamedTuple):
    """One attention module's answer."""

    vector: Float[Tensor, "B F"]
    attention: Float[Tensor, "B H W"]  # sums to 1


class Embedded(NamedTuple):
    """A slice as its classifier sees it."""

    embedding: Float[Tensor, "B 3072"]
    attention1: Float[Tensor, "B H W"]  # over layer3's map, stride 16; sums to 1
    attention2: Float[Tensor, "B h w"]  # over layer4's map, stride 32; sums to 1


class ResNet50Att2Output(NamedTuple):
    """What `ResNet50Att2` returns."""

    logits: Float[Tensor, "B L"]  # normal, pneumonia, COVID-19 where L is 3
    attention1: Float[Tensor, "B H W"]  # over layer3's map, stride 16; sums to 1
    attention2: Float[Tensor, "B h w"]  # over layer4's map, stride 32; sums to 1
    embedding: Float[Tensor, "B 3072"]


class SpatialAttention(nn.Module):
    """Weigh the positions of a map by their compatibility with a global vector (section III-B)."""

    def __init__(self, config: ResNet50Att2Config, *, features: int, global_features: int) -> None:
        super().__init__()
        self.is_printed = config.preset == "paper"
        if features != global_features:
            self.proj: nn.Module = nn.Conv2d(global_features, features, 1, bias=False)
        else:
            self.proj = nn.Identity()
        if config.compatibility == "additive":
            self.score: nn.Module | None = nn.Conv2d(features, 1, 1, bias=False)
        else:
            self.score = None

    def forward(
        self, map_BFHW: Float[Tensor, "B F H W"], global_BG11: Float[Tensor, "B G 1 1"]
    ) -> Attended:
        """Score every position (equation 11 or 12), then average by equations 9 and 10."""
        attention_BHW = _softmax(self._score(map_BFHW, self.proj(global_BG11)))
        vector_BF = torch.einsum("bhw,bfhw->bf", attention_BHW, map_BFHW)
        return Attended(vector_BF, attention_BHW)

    def _score(self, map_BFHW: Tensor, global_BF11: Tensor) -> Tensor:
        if self.score is None:
            return (map_BFHW * global_BF11).sum(dim=1)
        both_BFHW = map_BFHW + global_BF11
        score_B1HW: Tensor = self.score(both_BFHW if self.is_printed else both_BFHW.tanh())
        return score_B1HW.squeeze(1)


class ResNet50Att2(nn.Module):
    """ResNet50, three more bottlenecks for the global vector, two attention modules, one linear.

    Parameters are called as in the authors' checkpoints; those of ResNet50 as in torchvision.
    """

    def __init__(self, config: ResNet50Att2Config) -> None:
        super().__init__()
        self.config = config
        net = resnet50(weights=None)
        for name, part in net.named_children():
            if name not in ("avgpool", "fc"):
                self.add_module(name, part)
        self.layer5 = nn.Sequential(*(_bottleneck() for _ in range(NUM_EXTRA_BLOCKS)))
        self.attention1 = SpatialAttention(config, features=MIDDLE, global_features=LAST)
        self.attention2 = SpatialAttention(config, features=LAST, global_features=LAST)
        self.fc = nn.Linear(MIDDLE + LAST, config.num_classes)

    def forward(self, x: Float[Tensor, "B C R C2"]) -> ResNet50Att2Output:
        """Classify slices with values in [0, 1] and one channel, or three."""
        embedding_BE, attention1_BHW, attention2_BHW = self.embed(x)
        logits_BL = self.fc(embedding_BE)
        return ResNet50Att2Output(logits_BL, attention1_BHW, attention2_BHW, embedding_BE)

    def embed(self, x: Float[Tensor, "B C R C2"]) -> Embedded:
        """The 3072 features that the classifier reads, and both attention maps."""
        x = (x.expand(-1, 3, -1, -1) - 0.5) / 0.5
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2"):
            x = self.get_submodule(name)(x)
        middle_BFHW = self.get_submodule("layer3")(x)
        last_BFHW = self.get_submodule("layer4")(middle_BFHW)
        global_BG11 = self.layer5(last_BFHW).mean(dim=(2, 3), keepdim=True)

        middle: Attended = self.attention1(middle_BFHW, global_BG11)
        last: Attended = self.attention2(last_BFHW, global_BG11)
        embedding_BE = torch.cat([middle.vector, last.vector], dim=1)
        return Embedded(embedding_BE, middle.attention, last.attention)


def _softmax(score_BHW: Float[Tensor, "B H W"]) -> Float[Tensor, "B H W"]:
    """Equation 9 over all positions of a map."""
    return score_BHW.flatten(1).softmax(dim=1).view_as(score_BHW)


def _bottleneck() -> Bottleneck:
    """A residual block like layer4's last ones, initialised as the authors do."""
    block = Bottleneck(LAST, LAST // Bottleneck.expansion)
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return block


CARD = ModelCard(
    title="ResNet50-ATT2 (spatial attention on single slices)",
    paper="https://github.com/peppocola/Screening-COVID19",
    config=ResNet50Att2Config,
    build=ResNet50Att2,
    example_shape=(2, 1, 64, 64),
    num_parameters=39_005_251,
)
