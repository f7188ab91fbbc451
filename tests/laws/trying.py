"""What the laws of models need: inputs of every shape, weights that say something, a graph."""

import importlib
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

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


def built(card: ModelCard) -> nn.Module:
    """A model in evaluation mode whose random weights give numbers of ordinary size.

    Batch norm takes its statistics from one batch: with those it starts with, the signal of deep
    networks dies or grows so much that no law could fail.
    """
    torch.manual_seed(0)
    model: nn.Module = card.build(card.config())
    model.eval()
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


def run(model: nn.Module, given: Inputs) -> Mapping[str, Tensor]:
    """The model's outputs by name, without gradients."""
    with torch.no_grad():
        return named(model(*given))


def named(output: Any) -> Mapping[str, Tensor]:  # noqa: ANN401  # each family has its own type
    """The fields of a named tuple."""
    fields: dict[str, Tensor] = output._asdict()
    return fields


def export(model: nn.Module, given: Inputs, path: Path) -> "Graph":
    """Export `model` to ONNX with any number of images, or of scans and slices."""
    axes = {0: "batch"} if len(given) == 1 else {0: "batch", 1: "slices"}
    names = ("image", "keep")[: len(given)]
    with warnings.catch_warnings():
        # The exporter warns of itself, and of checks on sizes that are the same for every input.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            given,
            path,
            dynamo=False,
            do_constant_folding=False,  # slow, and ONNX Runtime does it anyway
            opset_version=17,
            input_names=list(names),
            output_names=list(run(model, given)),
            dynamic_axes=dict.fromkeys(names, axes),
        )
    return Graph(path)


class Graph:
    """An exported graph, opened."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(path, options, providers=providers)
        self._inputs = [put.name for put in self._session.get_inputs()]
        self._outputs = [put.name for put in self._session.get_outputs()]

    def run(self, given: Inputs) -> Mapping[str, Tensor]:
        """Its outputs by name."""
        fed = {name: part.numpy() for name, part in zip(self._inputs, given, strict=True)}
        arrays = self._session.run(self._outputs, fed)
        return {k: torch.from_numpy(a) for k, a in zip(self._outputs, arrays, strict=True)}
