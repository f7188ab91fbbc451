"""What each region goes through: box and mask heads under the authors' names.

Paper    One Shot + LSTM + attention, section 3.5, after He et al., "Mask R-CNN".
Source   The box head and predictor are torchvision's.
Differs  The mask heads are shorter than torchvision's: one 3 x 3 convolution in the light models.

Shapes   R regions, C channels, K kinds with background, S side of a cut-out.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead

from ctsieve.models._detector.config import BranchConfig

BOX_SIDE = 7
"""Rows and columns of a region's cut-out for the box head."""
MASK_SIDE = 14
"""Rows and columns of a region's cut-out for the mask head; masks have twice as many."""


class MaskHead(nn.Sequential):
    """3 x 3 convolutions, each rectified."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        for number, width in enumerate(widths, start=1):
            conv = nn.Conv2d(channels, width, 3, padding=1)
            init_relu(conv)
            self.add_module(f"mask_fcn{number}", conv)
            self.add_module(f"relu{number}", nn.ReLU())
            channels = width


class MaskPredictor(nn.Module):
    """Twice the rows and columns, then one logit per kind and pixel."""

    def __init__(self, channels: int, num_kinds: int, name: str) -> None:
        super().__init__()
        self.up_name = name
        up = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        init_relu(up)
        self.add_module(name, up)
        self.mask_fcn_logits = nn.Conv2d(channels, num_kinds, 1)
        init_relu(self.mask_fcn_logits)

    def forward(self, x: Float[Tensor, "R C S S"]) -> Float[Tensor, "R K S2 S2"]:
        """Logits of every kind's mask."""
        logits: Tensor = self.mask_fcn_logits(F.relu(self.get_submodule(self.up_name)(x)))
        return logits


def box_head(channels: int, config: BranchConfig) -> nn.Module:
    """Two linear layers over a cut-out."""
    head: nn.Module = TwoMLPHead(channels * BOX_SIDE**2, config.box_features)
    return head


def box_predictor(config: BranchConfig) -> nn.Module:
    """Logits and box deltas of every kind."""
    predictor: nn.Module = FastRCNNPredictor(config.box_features, config.num_kinds)
    return predictor


def init_relu(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """He's initialisation for a rectified output, as the authors have it."""
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
