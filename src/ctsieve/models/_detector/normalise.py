"""Normalisation of images, and batch norm that can take its statistics from its input.

Paper    One Shot + LSTM + attention is silent on both; the authors' code normalises each channel of
         each image with its unbiased deviation, and predicts with batch norm in training mode.
Differs  Predicting leaves running statistics as they are (the authors' code moves them); a channel
         without contrast becomes 0 instead of not-a-number.

Shapes   B images, C channels, H W rows and columns.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
MIN_DEVIATION = 1e-6
"""Below half a grey level of 16 bits: such a channel has no contrast."""
STRIDE = 32
"""Images are padded to a multiple of this, the stride of the last residual layer."""


class BatchNorm2d(nn.BatchNorm2d):
    """Batch norm; with `input_statistics` it uses those of its input at evaluation too.

    Running statistics change in training mode only.
    """

    input_statistics = False

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Normalise every channel."""
        if self.training or not self.input_statistics:
            return super().forward(x)
        if torch.onnx.is_in_onnx_export():  # runtimes have no batch norm in training mode
            centred = x - _mean(x).mean(dim=0, keepdim=True)
            variance = _mean(centred.square()).mean(dim=0, keepdim=True)
            scale = self.weight.view(1, -1, 1, 1) / (variance + self.eps).sqrt()
            return centred * scale + self.bias.view(1, -1, 1, 1)
        return F.batch_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)


def use_input_statistics(part: nn.Module) -> None:
    """Make every batch norm in `part` use the statistics of its input."""
    for module in part.modules():
        if isinstance(module, BatchNorm2d):
            module.input_statistics = True


def standardised(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Mean 0 and unbiased standard deviation 1 in every channel of every image."""
    centred = x - _mean(x)
    bessel = x[0, 0].numel() / max(1, x[0, 0].numel() - 1)
    deviation = (_mean(centred.square()) * bessel).sqrt()
    return centred / deviation.clamp(min=MIN_DEVIATION)


def _mean(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C 1 1"]:
    """Row by row, then over rows: runtimes that add up plainly lose four digits over all pixels."""
    return x.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)


def imagenet_normalised(x: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
    """Mean and deviation of ImageNet's channels taken out."""
    mean, deviation = x.new_tensor(IMAGENET_MEAN), x.new_tensor(IMAGENET_DEVIATION)
    return (x - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)


def padded(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H2 W2"]:
    """Zeros below and to the right, up to a multiple of the network's stride."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % STRIDE, 0, -height % STRIDE))
