"""An untrained network from settings, and the weights it starts from."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from ctsieve.models import MODELS
from ctsieve.models._detector.detector import Detector
from ctsieve.models._imagenet import load_body, load_trunk
from ctsieve.pipeline.train_config import ModelSection
from ctsieve.types.errors import InputRejected, UsageError

WEIGHTS = "weights.safetensors"
"""The result of a run, in its folder."""
CLASSES = ("num_classes", "num_labels")
"""What configurations call the number of logits."""


def build_network(section: ModelSection, labels: tuple[str, ...], *, folder: Path) -> nn.Module:
    """The network of a configuration with the weights that it starts from.

    `folder` is what a relative `start` is relative to.

    Raises:
        UnknownName: there is no such model.
        UsageError: a setting does not fit.
        InputRejected: the weights to start from are missing or of another network.
        CtsieveError: ImageNet weights are neither cached nor reachable.
    """
    card = MODELS[section.name]
    config = card.config(preset=section.preset)
    known = {field.name for field in fields(config)}
    sizes = {name: len(labels) for name in CLASSES if name in known}
    config = with_settings(config, {**sizes, **section.settings}, place="model.settings")
    network: nn.Module = card.build(config)
    if section.initial == "torchvision":
        _load_imagenet(network, section.name)
    if section.start:
        start_from(network, folder / section.start, prefix=section.start_prefix)
    return network


def with_settings(config: Any, settings: Mapping[str, Any], *, place: str) -> Any:  # noqa: ANN401
    """A frozen dataclass with some fields changed; a table changes fields of a field.

    Raises:
        UsageError: there is no such field, or its value does not fit.
    """
    known = {field.name: getattr(config, field.name) for field in fields(config)}
    changes: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in known:
            hint = f"known: {', '.join(known)}"
            raise UsageError(f"{place} has no {name!r}", hint=hint)
        changes[name] = _fitting(known[name], value, f"{place}.{name}")
    try:
        return replace(config, **changes)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{place}: {error}") from error


def _fitting(before: Any, value: Any, place: str) -> Any:  # noqa: ANN401  # any field's value
    if is_dataclass(before):
        if not isinstance(value, Mapping):
            raise UsageError(f"{place} is a section, not {value!r}")
        return with_settings(before, value, place=place)
    if isinstance(before, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(before, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if before is not None and type(value) is not type(before):
        raise UsageError(f"{place} is {value!r}, which is no {type(before).__name__}")
    return value


def start_from(network: nn.Module, path: Path, *, prefix: str = "") -> tuple[str, ...]:
    """Take the tensors of a file that `network` has too; their names.

    Raises:
        InputRejected: there is no such file, or it has nothing that fits.
    """
    file = path / WEIGHTS if path.is_dir() else path
    if not file.is_file():
        raise InputRejected(
            f"{path.name!r} holds no weights to start from",
            hint="set model.start to the run folder of the first stage, or to weights.safetensors",
        )
    own = network.state_dict()
    given = {prefix + name: value for name, value in load_file(file).items()}
    shared = {k: v for k, v in given.items() if k in own and v.shape == own[k].shape}
    if not shared:
        raise InputRejected(
            f"no tensor of {file.name!r} fits this network",
            hint="model.start must be a run of the same architecture; see model.start_prefix",
        )
    network.load_state_dict({**own, **shared})
    return tuple(shared)


def _load_imagenet(network: nn.Module, name: str) -> None:
    """ImageNet weights for whatever of a torchvision backbone the network has."""
    if isinstance(network, Detector):
        load_body(network.backbone.body, network.detector.backbone.name)
        return
    chosen = getattr(getattr(network, "config", None), "backbone", None)
    load_trunk(getattr(network, "embeddings", network), chosen or _plain_name(name))


def _plain_name(name: str) -> str:
    """The torchvision architecture of a model without a choice."""
    return "resnet50" if name.startswith("resnet50-") else name


def to_cpu(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies of tensors on the CPU, each with memory of its own, as safetensors asks."""
    return {name: value.detach().cpu().clone().contiguous() for name, value in state.items()}
