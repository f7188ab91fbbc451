"""What the laws of models need: inputs of every shape, weights that say something, a graph."""

import importlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ctsieve.export.onnx import SCAN, Exported, write
from ctsieve.runtime import Runtime
from ctsieve.runtime.onnx import load
from ctsieve.types.cards import ModelCard

Inputs = tuple[Tensor, ...]
SCAN_DIMENSIONS = 5


def takes_scans(card: ModelCard) -> bool:
    """Whether the model reads (B, S, C, R, C') with a mask, not (B, C, R, C')."""
    return len(card.example_shape) == SCAN_DIMENSIONS


def inputs(card: ModelCard, *, batch: int, length: int = 5, seed: int = 0) -> Inputs:
    """`batch` random images, or scans of up to `length` slices of which no two are equally long.

    A model that is exempt from batches gets one image whatever `batch` says.
    """
    if "batch" in card.exempt:
        batch = 1
    random = torch.Generator().manual_seed(seed)
    if not takes_scans(card):
        return (pictures(card, batch, random),)
    x = pictures(card, batch * length, random).unflatten(0, (batch, length))
    keep = torch.ones(batch, length, dtype=torch.bool)
    for scan in range(1, batch):
        keep[scan, torch.randperm(length, generator=random)[: scan % length]] = False
    return x, keep


def pictures(card: ModelCard, number: int, random: torch.Generator) -> Tensor:
    """Cloudy pictures with values in [0, 1]; plain noise looks all the same to a network."""
    channels, *sizes = card.example_shape[-3:]
    coarse = torch.rand(number, channels, 6, 6, generator=random)
    return interpolate(coarse, size=sizes, mode="bilinear", align_corners=True)


def built(card: ModelCard, **settings: object) -> nn.Module:
    """A model in evaluation mode whose random weights give numbers of ordinary size.

    `settings` are fields of its configuration that are not the default's.  Batch norm takes its
    statistics from one batch: with those it starts with, the signal of deep networks dies or grows
    so much that no law could fail.
    """
    torch.manual_seed(0)
    model: nn.Module = card.build(card.config(**settings))
    model.eval()
    sharpen(model)
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    run(model, inputs(card, batch=4 if takes_scans(card) else 8, length=3, seed=1))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
        if norm.running_var is not None:  # channels that hardly vary would only amplify rounding
            norm.running_var.clamp_(min=float(norm.running_var.mean()))
    return model


def section(name: str, title: str) -> str:
    """What stands under `title` in the docstring of the model's module, on one line."""
    doc = importlib.import_module(f"ctsieve.models.{name.replace('-', '_')}").__doc__ or ""
    found = re.search(rf"^{title} +(.+?)(?=^\w|\Z)", doc, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def presets_agree(card: ModelCard, fixed: nn.Module) -> bool:
    """Whether the `paper` preset is the same as `fixed`: its settings, weights and outputs."""
    config = card.config(preset="paper")
    if hasattr(config, "resolved"):  # a preset that only sets fields: the fields tell
        return bool(replace(config.resolved(), preset="fixed") == card.config())
    paper, weights = card.build(config).eval(), fixed.state_dict()
    if {k: v.shape for k, v in paper.state_dict().items()} != {
        k: v.shape for k, v in weights.items()
    }:
        return False
    paper.load_state_dict(weights)
    given = inputs(card, batch=1, length=getattr(config, "num_slices", 5))
    theirs, ours = run(paper, given), run(fixed, given)
    return theirs.keys() == ours.keys() and all(v.equal(ours[k]) for k, v in theirs.items())


def sharpen(model: nn.Module) -> None:
    """Let detectors see something: with their first weights all boxes and scores are alike."""
    for name, parameter in model.named_parameters():
        if name.endswith(("cls_logits.weight", "cls_score.weight")):
            nn.init.normal_(parameter, std=0.5)
        if name.endswith("bbox_pred.weight"):
            nn.init.normal_(parameter, std=0.05)


def run(model: nn.Module, given: Inputs) -> Mapping[str, Tensor]:
    """The model's outputs by name, without gradients."""
    with torch.no_grad():
        return named(model(*given))


def named(output: Any) -> Mapping[str, Tensor]:  # noqa: ANN401  # each family has its own type
    """The fields of a named tuple."""
    fields: dict[str, Tensor] = output._asdict()
    return fields


def slices(card: ModelCard, number: int, *, seed: int) -> Tensor:
    """`number` pictures of the model's size and one channel, as a runtime is given them."""
    return pictures(card, number, torch.Generator().manual_seed(seed))


def opened(exported: Exported, folder: Path) -> Runtime:
    """The engine of production with a network's graphs, written to `folder`."""
    graph = write(exported, folder)
    return load(graph, scan=None if exported.scan is None else folder / SCAN, threads=1)


def without_near_ties(scores: Tensor) -> Tensor:
    """Images (B,) no two of whose regions have scores (B, R) that rounding could swap."""
    gaps = scores.sort(dim=1).values.diff(dim=1)
    clear = ~((gaps > 0.0) & (gaps < 3e-6)).any(dim=1)
    assert clear.any(), "every image has near ties"
    return clear


def mass_per_slice(value: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
    """How much attention there is, and how much there should be."""
    if value.ndim == 2:
        assert not value[~keep].any()
        return value.sum(dim=1), torch.ones(len(value))
    return value.flatten(2).sum(dim=2), keep.float()


def size(value: Tensor) -> float:
    """The largest magnitude, at least 1: what "1e-4 of" refers to."""
    return max(1.0, float(value.abs().max()))
