"""ImageNet weights: from torchvision's download, or from a file of folded MobileNetV2 weights.

Source   torchvision's model zoo (weights: BSD-3-Clause, trained on ImageNet), or an .npz file with
         `000.w`, `000.b` ... in forward order, batch norm folded in (TensorFlow's MobileNetV2
         1.0/224, Apache-2.0).
Differs  Folded weights are unfolded again into batch norm layers that hold the statistics of given
         images, so that fine-tuning behaves as usual; the function stays the same.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models import get_weight

from ctsieve.models._backbones import ALL_BACKBONES
from ctsieve.models.la_dnn import LaDnn
from ctsieve.types.errors import CtsieveError, InputRejected
from ctsieve.types.promise import promise

ZOO = {
    "vgg16": "VGG16_Weights.IMAGENET1K_V1",
    "resnet18": "ResNet18_Weights.IMAGENET1K_V1",
    "resnet34": "ResNet34_Weights.IMAGENET1K_V1",
    "resnet50": "ResNet50_Weights.IMAGENET1K_V1",
    "densenet121": "DenseNet121_Weights.IMAGENET1K_V1",
    "densenet169": "DenseNet169_Weights.IMAGENET1K_V1",
    "efficientnet-b0": "EfficientNet_B0_Weights.IMAGENET1K_V1",
    "efficientnet-b1": "EfficientNet_B1_Weights.IMAGENET1K_V1",
    "mobilenet-v2": "MobileNet_V2_Weights.IMAGENET1K_V1",
    "resnext50": "ResNeXt50_32X4D_Weights.IMAGENET1K_V1",
    "resnext101": "ResNeXt101_32X8D_Weights.IMAGENET1K_V1",
    "googlenet": "GoogLeNet_Weights.IMAGENET1K_V1",
}


def load_from_torchvision(model: LaDnn) -> None:
    """Fill the backbone with torchvision's ImageNet weights, downloading them once.

    Raises:
        CtsieveError: the weights are neither cached nor reachable.
    """
    load_trunk(model, model.config.backbone)


def load_trunk(model: nn.Module, name: str) -> None:
    """Fill what `model` has of the backbone `name`, under torchvision's names, likewise.

    Everything else keeps its numbers: the classifier, attention, an LSTM, blocks of a paper's own.

    Raises:
        CtsieveError: the weights are neither cached nor reachable.
    """
    state = _downloaded(name)
    parts = ALL_BACKBONES[name].trunk
    trunk = {key: value for key, value in state.items() if key.split(".")[0] in parts}
    missing = set(trunk) - set(model.state_dict())
    promise(not missing, f"the model has the backbone {name!r} under torchvision's names")
    model.load_state_dict(trunk, strict=False)


def load_body(body: nn.Module, name: str) -> None:
    """Fill a residual network, which may end early, with the ImageNet weights of `name`.

    Raises:
        CtsieveError: the weights are neither cached nor reachable.
    """
    own = body.state_dict()
    state = {key: value for key, value in _downloaded(name).items() if key in own}
    promise(set(own) == set(state), f"the body is the beginning of {name!r}")
    body.load_state_dict(state)


def _downloaded(name: str) -> Mapping[str, Tensor]:
    try:
        state: Mapping[str, Tensor] = get_weight(ZOO[name]).get_state_dict(
            progress=False, check_hash=True
        )
    except (URLError, OSError, RuntimeError) as error:
        raise CtsieveError(
            f"ImageNet weights of {name} cannot be downloaded: {error}",
            hint="connect once, copy them into torch's hub folder, or set initial = 'random'",
        ) from error
    return state


def load_folded(model: LaDnn, path: Path) -> None:
    """Fill a MobileNetV2 with weights whose batch norm is folded in.

    Batch norm layers become the identity plus the bias; `spread_statistics` makes them normalise.

    Raises:
        InputRejected: the file does not hold this network's convolutions.
    """
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    pairs = list(zip(layers[::2], layers[1::2], strict=True))
    if not path.is_file():
        raise InputRejected(f"{path.name} is missing", hint="set `weights` to the .npz file")
    with np.load(path) as arrays:
        for number, (conv, norm) in enumerate(pairs):
            weight, bias = (torch.from_numpy(arrays[f"{number:03d}.{k}"].copy()) for k in "wb")
            if weight.numel() != conv.weight.numel() or not isinstance(norm, nn.BatchNorm2d):
                raise InputRejected(f"{path.name}: convolution {number} has another shape")
            with torch.no_grad():
                conv.weight.copy_(weight.reshape(conv.weight.shape))
                norm.bias.copy_(bias)
                norm.running_var.fill_(1.0 - norm.eps)  # type: ignore[union-attr]


@torch.no_grad()
def spread_statistics(model: LaDnn, images: Float[Tensor, "B C R C2"]) -> None:
    """Give every batch norm layer the statistics of `images` without changing the function."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def watch(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
        seen[norm] = (mean, variance.clamp(min=1e-6))

    hooks = [norm.register_forward_pre_hook(watch) for norm in norms]
    was_training = model.training
    model.eval()
    model(images)
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        mean, variance = seen[norm]
        _renormalise(norm, mean, variance)


def _renormalise(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """New statistics, with scale and shift such that the layer computes what it did."""
    running_mean, running_var = norm.running_mean, norm.running_var
    assert running_mean is not None and running_var is not None  # noqa: S101, PT018  # as built
    scale = norm.weight / (running_var + norm.eps).sqrt()
    shift = norm.bias - running_mean * scale
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.bias.copy_(shift + mean * scale)
    running_mean.copy_(mean)
    running_var.copy_(variance)
