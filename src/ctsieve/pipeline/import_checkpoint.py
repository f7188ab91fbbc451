"""An authors' checkpoint becomes a bundle, checked tensor by tensor.

The network is the `paper` preset, whose arithmetic the weights were trained for, but for what would
give one image two answers or masks that are no probabilities (`FOR_SCREENING`).  Beside the members
of every bundle there is `architecture.json`, from which `load_imported` builds the network again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ctsieve.bundles.bundle import Bundle
from ctsieve.bundles.upstream import upstream_of
from ctsieve.models import MODELS
from ctsieve.pipeline.checkpoint import Anchors, read_checkpoint
from ctsieve.pipeline.uncalibrated import Origin, write_uncalibrated
from ctsieve.types.cards import Settings
from ctsieve.types.errors import BundleError, UsageError
from ctsieve.types.promise import promise
from ctsieve.types.provenance import file_digest

WEIGHTS, ARCHITECTURE = "weights.safetensors", "architecture.json"
FOR_SCREENING: Settings = {
    "regions.padding": "even",
    "detector.branches.mask_values": "probability",
}
"""Settings of the paper's detectors that a screening graph has otherwise."""
NOTE = "not calibrated: probabilities are the network's own, and thresholds are 0.5"
Preset = Literal["fixed", "paper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import wrote."""

    bundle: Bundle
    model: str
    num_tensors: int
    note: str
    """What must be known before use, in one sentence."""


def import_checkpoint(source: Path, *, model: str, folder: Path) -> Imported:
    """Read `source` safely, check it against the model called `model`, write a bundle to `folder`.

    Raises:
        UnknownName: no authors' checkpoint fits a model of that name.
        UsageError: `folder` is not empty.
        BundleError: the file is unsafe, damaged, or of another model; the first tensor is named.
    """
    name, upstream = model.replace("_", "-"), upstream_of(model)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder.name!r} exists and is not empty", hint="give a new --out folder")
    checkpoint = read_checkpoint(source)
    shapes = {key: tuple(value.shape) for key, value in checkpoint.tensors.items()}
    settings = {**upstream.settings(name, shapes), **anchor_settings(checkpoint.anchors)}
    with torch.device("meta"):  # names and shapes alone
        wanted = build(name, settings).state_dict()
    state = fitted(wanted, checkpoint.tensors, upstream.rename)
    digest = file_digest(source)
    network = build_for_screening(name, settings)
    network.load_state_dict(state)
    document = {
        "format": "ctsieve-architecture",
        "format_version": "1",
        "model": name,
        "settings": settings,
        "source": upstream.source,
        "licence": upstream.licence,
        "checkpoint_sha256": digest,
    }
    origin = Origin(
        model=name,
        upstream=upstream,
        digest=digest,
        variant=str(settings.get("backbone") or settings.get("detector.backbone.name", "")),
        extra={ARCHITECTURE: (json.dumps(document, indent=1) + "\n").encode()},
    )
    bundle = write_uncalibrated(network.eval(), origin, folder)
    return Imported(bundle=bundle, model=name, num_tensors=len(state), note=NOTE)


def load_imported(folder: Path, *, preset: Preset = "fixed") -> nn.Module:
    """The network of an imported folder, in evaluation mode.

    Raises:
        BundleError: the folder holds no import, or its weights do not fit its architecture.
    """
    hint = "make it with `ctsieve bundle import authors.pth --as MODEL --out FOLDER`"
    for name in (ARCHITECTURE, WEIGHTS):
        if not (folder / name).is_file():
            raise BundleError(f"{folder.name!r} holds no {name}", hint=hint)
    try:
        document = json.loads((folder / ARCHITECTURE).read_text(encoding="utf-8"))
        name, listed = str(document["model"]), dict(document["settings"])
        state = safetensors.torch.load((folder / WEIGHTS).read_bytes())
    except (ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise BundleError(f"the import in {folder.name!r} is damaged", hint=hint) from error
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in listed.items()}
    model = build(name, settings, preset=preset)
    model.load_state_dict(fitted(model.state_dict(), state, str))
    return model.eval()


def build(model: str, settings: Settings, *, preset: Preset = "fixed") -> nn.Module:
    """The model called `model` with the sizes that `settings` give, and untrained weights."""
    card = MODELS[model]
    network: nn.Module = card.build(_configured(card.config(preset=preset), settings))
    return network


def build_for_screening(model: str, settings: Settings) -> nn.Module:
    """The `paper` preset of the model with `FOR_SCREENING`, and untrained weights."""
    card = MODELS[model]
    config = _configured(card.config(preset="paper"), settings)
    own = {k: v for k, v in FOR_SCREENING.items() if _has(config, k.split("."))}
    network: nn.Module = card.build(_configured(config, own))
    return network


def _has(config: object, path: list[str]) -> bool:
    head, *rest = path
    return hasattr(config, head) and (not rest or _has(getattr(config, head), rest))


def _configured(config: Any, settings: Settings) -> Any:  # noqa: ANN401  # any dataclass
    if hasattr(config, "resolved"):  # quirks become fields, so that settings can say otherwise
        config = replace(config.resolved(), preset="fixed")
    for path, value in settings.items():
        config = _with(config, path.split("."), value)
    return config


def _with(config: Any, path: list[str], value: object) -> Any:  # noqa: ANN401  # any dataclass
    promise(is_dataclass(config), f"{path} leads to a field of a configuration")
    head, *rest = path
    inner = _with(getattr(config, head), rest, value) if rest else value
    return replace(config, **{head: inner})


def anchor_settings(anchors: Anchors | None) -> Settings:
    """Anchors as settings; the models here have the same ones on every level.

    Raises:
        BundleError: levels differ, or a size is no whole number.
    """
    if anchors is None:
        return {}
    sizes, ratios = set(anchors.sizes), set(anchors.ratios)
    if len(sizes) != 1 or len(ratios) != 1:
        raise BundleError("anchors differ between levels of the pyramid; here they cannot")
    (own_sizes,), (own_ratios,) = sizes, ratios
    if any(size != int(size) for size in own_sizes):
        raise BundleError(f"anchors have the sizes {own_sizes}; here they are whole pixels")
    return {
        "detector.proposals.sizes": tuple(int(size) for size in own_sizes),
        "detector.proposals.ratios": tuple(float(ratio) for ratio in own_ratios),
    }


def fitted(
    wanted: Mapping[str, Tensor], published: Mapping[str, Tensor], rename: Callable[[str], str]
) -> dict[str, Tensor]:
    """The published tensors under our names, every one of `wanted` and no other.

    Counters of batches, which prediction does not use, may be absent and become 0.

    Raises:
        BundleError: a tensor is missing, unknown, of another shape, or two names of one tensor hold
            different numbers; the first such tensor is named.
    """
    ours = _renamed(published, rename)
    hint = "choose the model that the file was trained as"
    state: dict[str, Tensor] = {}
    for name, like in wanted.items():
        if name not in ours and name.endswith("num_batches_tracked"):
            state[name] = torch.zeros((), dtype=like.dtype)
            continue
        if name not in ours:
            raise BundleError(f"the checkpoint lacks {name}", hint=hint)
        value = ours[name]
        if value.shape != like.shape:
            shapes = f"{tuple(value.shape)}, the model {tuple(like.shape)}"
            raise BundleError(f"{name}: the checkpoint has the shape {shapes}", hint=hint)
        if not bool(torch.isfinite(value).all()):
            raise BundleError(f"{name} holds numbers that are not finite", hint="get it again")
        state[name] = value.detach().to(like.dtype).clone().contiguous()
    unknown = [name for name in ours if name not in wanted]
    if unknown:
        raise BundleError(f"the model has no {unknown[0]}, which the checkpoint has", hint=hint)
    return state


def _renamed(published: Mapping[str, Tensor], rename: Callable[[str], str]) -> dict[str, Tensor]:
    ours: dict[str, Tensor] = {}
    for name, value in published.items():
        first = ours.setdefault(rename(name), value)
        if first is not value and not first.equal(value):
            raise BundleError(
                f"{name} should be the same tensor as {rename(name)}, and differs",
                hint="the file was changed, or is of another model",
            )
    return ours
