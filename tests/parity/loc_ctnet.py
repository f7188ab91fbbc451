"""ResNet50-ATT2 beside the authors' CTNet: logits, both maps, the embedding and the stages."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ctsieve.models.resnet50_att2 import ResNet50Att2, ResNet50Att2Config
from tests.parity import Arrays, Fill, Gold, Row, close, images, load_weights, recommended

NAME = "resnet50-att2"
CELLS = {"layer3": (6, 6), "layer4": (3, 3)}
"""The row and column at which the golden file holds the first channels of a map."""
CHANNELS = 4


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Compare what the net returns and what leaves its layers 3, 4 and 5."""
    num_classes = arrays["logits"].shape[1]
    model = ResNet50Att2(ResNet50Att2Config(preset="paper", num_classes=num_classes)).eval()
    yield load_weights(model, gold, fill, name=NAME)
    pictures, same = images(gold, fill, name=NAME)
    yield same

    stages = watch(model, ("layer3", "layer4", "layer5"))
    with torch.no_grad():
        output = model(torch.stack(pictures))
    for name in ("logits", "attention1", "attention2", "embedding"):
        got = getattr(output, name).reshape(arrays[name].shape)
        yield close(NAME, name, got, arrays[name], recommended(gold, name))
    for name, stage in stages.items():
        quantity, want = f"{name}_mean", gold["outputs"][f"{name}_mean"]
        got = stage.mean(dim=(1, 2, 3))
        yield close(NAME, quantity, got, want, recommended(gold, quantity))
    for name, (row_index, column) in CELLS.items():
        quantity, want = f"{name}_slice", gold["outputs"][f"{name}_slice"]
        got = stages[name][:, :CHANNELS, row_index, column]
        yield close(NAME, quantity, got, want, recommended(gold, quantity))


def watch(model: nn.Module, names: tuple[str, ...]) -> dict[str, Tensor]:
    """What the modules called `names` return, filled in when `model` is called."""
    seen: dict[str, Tensor] = {}
    for name in names:

        def keep(_module: nn.Module, _inputs: object, output: Tensor, name: str = name) -> None:
            seen[name] = output

        model.get_submodule(name).register_forward_hook(keep)
    return seen
