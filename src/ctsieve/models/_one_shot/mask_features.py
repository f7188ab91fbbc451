"""The mask branch of the classification: features of regions instead of masks.

Paper    One Shot + LSTM + attention, section 3.6: "RoI mask features of fixed size".
Differs  The paper calls it identical to the segmentation's.  As in the authors' code the last layer
         is another one, `conv_reduce`, that no loss trains: it keeps its first random values.

Shapes   R regions, C channels, S side of a cut-out (14).
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class MaskFeatures(nn.Module):
    """Twice the rows and columns, then a rectified 3 x 3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_mask = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.conv_reduce = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "R C S S"]) -> Float[Tensor, "R C S2 S2"]:
        """Mask features; the transposed convolution is not rectified."""
        return F.relu(self.conv_reduce(self.conv_mask(x)))
