"""ResNet50-ATT2 beside the authors' CTNet: logits, both maps, the embedding and the stages."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ctsieve.models.resnet50_att2 import ResNet50Att2, ResNet50Att2Config
from tests.parity import (
    Arrays,
    Fill,
    Gold,
    Network,
    Row,
    close,
    images,
    load_weights,
    recommended,
)

NAME = "resnet50-att2"
STAGES = ("layer3", "layer4", "layer5")


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Compare what the net returns and what leaves its layers 3, 4 and 5."""
    model = ResNet50Att2(replace(sizes_of(gold), preset="paper")).eval()
    yield load_weights(model, gold, fill, name=NAME)
    pictures, same = images(gold, fill, name=NAME)
    yield same

    stages = watch(model, STAGES)
    with torch.no_grad():
        output = model(torch.stack(pictures))
    for name in ("logits", "attention1", "attention2", "embedding"):
        got = getattr(output, name).reshape(arrays[name].shape)
        yield close(NAME, name, got, arrays[name], recommended(gold, name))
    for name, stage in stages.items():
        quantity, want = f"{name}_mean", gold["outputs"][f"{name}_mean"]
        got = stage.mean(dim=(1, 2, 3))
        yield close(NAME, quantity, got, want, recommended(gold, quantity))
    for name in ("layer3", "layer4"):
        quantity, want = f"{name}_slice", gold["outputs"][f"{name}_slice"]
        yield close(NAME, quantity, nearest(stages[name], want), want, recommended(gold, quantity))


def networks(gold: Gold, fill: Fill) -> Iterator[Network]:
    """The model as users run it."""
    model = ResNet50Att2(sizes_of(gold)).eval()
    load_weights(model, gold, fill)
    yield Network(name=NAME, model=model, inputs=(torch.stack(images(gold, fill)[0]),))


def sizes_of(gold: Gold) -> ResNet50Att2Config:
    """The `fixed` preset with as many classes as there are golden logits."""
    return ResNet50Att2Config(num_classes=len(gold["outputs"]["logits"][0]))


def nearest(stage: Tensor, want: list[list[float]]) -> Tensor:
    """The first channels of a map (B, F, H, W) at one cell; no file says at which, so the nearest.

    Several channels of several images are near in no wrong cell.
    """
    values = torch.from_numpy(np.asarray(want, dtype=np.float32))
    cells = stage[:, : values.shape[1]].flatten(2)
    off = (cells - values[:, :, None]).abs().amax(dim=(0, 1))
    return cells[:, :, int(off.argmin())]


def watch(model: nn.Module, names: tuple[str, ...]) -> dict[str, Tensor]:
    """What the modules called `names` return, filled in when `model` is called."""
    seen: dict[str, Tensor] = {}
    for name in names:

        def keep(_module: nn.Module, _inputs: object, output: Tensor, name: str = name) -> None:
            seen[name] = output

        model.get_submodule(name).register_forward_hook(keep)
    return seen
