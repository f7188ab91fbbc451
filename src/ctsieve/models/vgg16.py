"""VGG16 on single slices: one of the baselines (see `_slice_classifier`).

Paper    Simonyan, Zisserman, ICLR 2015, arXiv:1409.1556.  LA-DNN names it as a backbone.
Differs  The `paper` preset has torchvision's three linear layers over 7 x 7 cells; `fixed` has one
         linear layer over the mean of the map, 120 million parameters less and with Grad-CAM++ in
         closed form.  Weights of one do not fit the other.

Shapes   B images, R C their rows and columns, L classes.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models import vgg16

from ctsieve.models._backbones import normalisation
from ctsieve.models._slice_classifier import SliceClassifier, SliceClassifierConfig
from ctsieve.types.cards import ModelCard

NAME = "vgg16"


class WholeVgg16Output(NamedTuple):
    """What the `paper` preset returns."""

    logits: Float[Tensor, "B L"]


class WholeVgg16(nn.Module):
    """torchvision's VGG16 as it is, with another number of outputs."""

    def __init__(self, config: SliceClassifierConfig) -> None:
        super().__init__()
        net = vgg16(weights=None)
        self.features, self.avgpool = net.features, net.avgpool
        *layers, last = net.classifier
        self.classifier = nn.Sequential(*layers, nn.Linear(last.in_features, config.num_classes))
        mean, deviation = normalisation(NAME)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), False)

    def forward(self, x: Float[Tensor, "B C R C2"]) -> WholeVgg16Output:
        """Classify slices with values in [0, 1] and one channel, or three."""
        x = (x.expand(-1, 3, -1, -1) - self.get_buffer("mean")) / self.get_buffer("deviation")
        cells = self.avgpool(self.features(x)).flatten(1)
        return WholeVgg16Output(self.classifier(cells))


def build(config: SliceClassifierConfig) -> WholeVgg16 | SliceClassifier:
    """The network of the preset."""
    return WholeVgg16(config) if config.preset == "paper" else SliceClassifier(NAME, config)


CARD = ModelCard(
    title="VGG16 on slices",
    paper="https://arxiv.org/abs/1409.1556",
    config=SliceClassifierConfig,
    build=build,
    example_shape=(2, 1, 64, 64),
)
