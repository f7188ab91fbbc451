"""Mask sieve and vectoriser: mask features of regions become one vector each.

Paper    One Shot + LSTM + attention, section 3.7 and figure 2.
Differs  As in the authors' code, not the paper's text: the sieve is convolution, batch norm, ReLU,
         transposed convolution (text: ReLU last); N sieves are one module applied N^2 times; each
         convolution of the vectoriser is followed by ReLU and then batch norm (text: none).

Shapes   R regions, C channels, S side of mask features (28).
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ctsieve.models._detector.heads import init_relu
from ctsieve.models._detector.normalise import BatchNorm2d

SMALL_BIAS = 0.01
"""Initial value of every bias of these parts, batch norm included."""


class Sieve(nn.Module):
    """Half the channels and sides, and back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_down = nn.Conv2d(channels, channels // 2, 2, stride=2)
        self.bn = BatchNorm2d(channels // 2)
        self.conv_up = nn.ConvTranspose2d(channels // 2, channels, 2, stride=2)

    def forward(self, x: Float[Tensor, "R C S S"]) -> Float[Tensor, "R C S S"]:
        """Filter the mask features."""
        filtered: Tensor = self.conv_up(F.relu(self.bn(self.conv_down(x))))
        return filtered


class SievedVectors(nn.Module):
    """Mask features to vectors: N^2 sieves, then three convolutions down to one pixel."""

    def __init__(self, channels: int, num_stages: int) -> None:
        super().__init__()
        self.num_sieves = num_stages**2
        self.sieve = nn.ModuleList([Sieve(channels)])
        self.conv_d1 = nn.Conv2d(channels, channels, 2, stride=2)
        self.conv_d2 = nn.Conv2d(channels, channels, 2, stride=2)
        self.conv_d_final = nn.Conv2d(channels, channels, 7)
        self.bn1 = BatchNorm2d(channels)
        self.bn2 = BatchNorm2d(channels)
        self.bn3 = BatchNorm2d(channels)

    def vectors(self, x: Float[Tensor, "R C S S"]) -> Float[Tensor, "R C"]:
        """One vector per region, in the regions' order."""
        for _ in range(self.num_sieves):
            x = self.sieve[0](x)
        x = self.bn1(F.relu(self.conv_d1(x)))
        x = self.bn2(F.relu(self.conv_d2(x)))
        x = self.bn3(F.relu(self.conv_d_final(x)))
        return x.flatten(1)


def initialise(part: nn.Module) -> None:
    """Convolutions for ReLU; every bias of the part small and positive, also of LSTMs."""
    for module in part.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            init_relu(module)
    for name, parameter in part.named_parameters():
        if "bias" in name:
            nn.init.constant_(parameter, SMALL_BIAS)
