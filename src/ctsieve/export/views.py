"""What the graphs of a bundle take and return: views of a network, one for each graph.

Every graph speaks the recipe's language: the primary label first, one heat map, masks cell by cell
of their boxes.  A network of slices becomes one graph.  A network of scans becomes two, one that
keeps some features of every slice and one that reads the sequence of them, so that a long scan
never has to be in memory at once (docs/decisions/0009-graphs-of-a-bundle.md).

Shapes   N slices, S slices of one scan, F features, L labels, H W rows and columns.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ctsieve.types.promise import promise

IMAGE, FEATURES = "image", "features"
"""Inputs of the graph of slices and of the graph of scans."""

LEFT_OUT = frozenset({"masks", "embedding", "embeddings", "states", "global_vector", "context"})
"""Outputs of networks that screening does not read; `roi_masks` say the same as `masks`."""
BY_LABEL = ("logits", "slice_logits", "positive_logits", "negative_logits")
"""Outputs whose last axis is the label."""


@runtime_checkable
class ReadsScans(Protocol):
    """A network of scans in two parts: `forward(x, keep)` is the second after the first."""

    def slice_features(self, x: Tensor) -> tuple[Tensor, ...]:
        """What is kept of slices (K, C, R, C'): a named tuple; `features` (K, F) first."""
        ...

    def read_scan(self, features: Tensor, keep: Tensor) -> tuple[Tensor, ...]:
        """The answer from features (K, F) of the slices kept by a mask (B, S): `logits` (B, L)."""
        ...


@runtime_checkable
class LooksAtOneImage(Protocol):
    """A network that finds objects, whose number differs from image to image."""

    def look(self, image: Tensor) -> tuple[object, ...]:
        """What is seen in one image (1, C, R, C')."""
        ...


class SliceView(nn.Module):
    """The graph of slices: `image` (N, 1, H, W) with values in [0, 1], N fixed to 1 or free."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.one_at_a_time = isinstance(model, LooksAtOneImage)

    def named(self, image: Tensor) -> dict[str, Tensor]:
        """What the graph returns, by name."""
        if isinstance(self.model, ReadsScans):
            return shown(self.model.slice_features(image))
        return shown(self.model(image))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The same, in order."""
        return tuple(self.named(image).values())


class ScanView(nn.Module):
    """The graph of scans: the `features` (S, F) of the slices of one scan, in their order."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def named(self, features: Tensor) -> dict[str, Tensor]:
        """What the graph returns, by name."""
        promise(isinstance(self.model, ReadsScans), "a network of scans has two parts")
        assert isinstance(self.model, ReadsScans)  # noqa: S101  # for the type checker
        keep = torch.ones_like(features[:, 0], dtype=torch.bool)[None]
        return shown(self.model.read_scan(features, keep))

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """The same, in order."""
        return tuple(self.named(features).values())


def shown(output: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """The fields of a network's named tuple as a graph returns them.

    Networks count their classes from healthy to COVID-19, recipes from COVID-19 on.
    """
    fields: Mapping[str, Tensor] = output._asdict()  # type: ignore[attr-defined]  # a named tuple
    kept = {name: value for name, value in fields.items() if name not in LEFT_OUT}
    for name in kept.keys() & set(BY_LABEL):
        kept[name] = kept[name].flip(-1) if kept[name].shape[-1] > 1 else kept[name]
    if "heat" in kept:
        kept["heat"] = kept["heat"][:, kept["logits"].shape[-1] - 1]
    return kept
