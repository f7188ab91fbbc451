"""Files of the exact layout that authors publish, filled with the golden weights."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import ROOT
from tests.parity import Fill, load_fill
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator

GOLDEN = Path(os.environ.get("CTSIEVE_GOLDEN", ROOT.parent / "shared" / "golden" / "public"))
SIZES, RATIOS = (2, 4, 8, 16, 32), (0.1, 0.25, 0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one repository's file looks, and what it is compared with."""

    keys: str
    model: str
    gold: str
    digest: str = "weights_sha256"
    wrap: Callable[[dict[str, Tensor]], object] = dict
    settings: Mapping[str, object] = field(default_factory=dict)


def with_optimiser(state: dict[str, Tensor]) -> object:
    """As the LSTM repository saves."""
    return {"epoch": "10", "model_weights": state, "optimizer_state": {"state": {}}, "lrate": 1e-5}


def with_anchors(state: dict[str, Tensor], num_levels: int = 1) -> object:
    """As the other three of that author save: with a live object."""
    anchors = AnchorGenerator((SIZES,) * num_levels, (RATIOS,) * num_levels)
    return {"model_weights": state, "lrate": 1e-5, "affinity": 64, "anchor_generator": anchors}


def with_state_dict(state: dict[str, Tensor]) -> object:
    """As LA-DNN saves."""
    return {"epoch": 9, "state_dict": state, "best_acc": 0, "optimizer": {"state": {}}}


LAYOUTS = {
    "lstm": Layout(
        keys="lstm",
        model="one-shot-lstm-attention",
        gold="lstm",
        wrap=with_optimiser,
        settings={"detector.backbone.name": "resnext50", "num_sieve_stages": 1, "units": 256},
    ),
    "affinity": Layout(
        keys="aff_resnet18_k64",
        model="one-shot-affinity",
        gold="aff",
        wrap=with_anchors,
        settings={"num_affinities": 64, "regions.number": 8, "num_sieve_stages": 3},
    ),
    "single-shot": Layout(
        keys="ssm_resnet18",
        model="single-shot",
        gold="ssm",
        wrap=lambda state: {"model_weights": state},
        settings={"regions.number": 128, "features": 512, "detector.backbone.last_layer": 3},
    ),
    "mask-net": Layout(
        keys="masknet_classifier_r18t1",
        model="mask-net",
        gold="masknet",
        digest="weights_sha256_classifier",
        wrap=lambda state: with_anchors(state, num_levels=5),
        settings={"stage": "classification", "detector.proposals.sizes": SIZES},
    ),
    "mask-rcnn": Layout(
        keys="masknet_segmentation_r18t1",
        model="mask-rcnn",
        gold="masknet",
        digest="weights_sha256_segmentation",
        wrap=lambda state: {"model_weights": state, "model_name": "light"},
        settings={"detector.branches.mask_channels": (128,), "detector.branches.num_kinds": 2},
    ),
    "att2": Layout(
        keys="loc_ctnet",
        model="resnet50-att2",
        gold="loc_ctnet",
        settings={"compatibility": "additive", "num_classes": 3},
    ),
    "lstm-att2": Layout(
        keys="loc_ctseqnet",
        model="resnet50-lstm-att2",
        gold="loc_ctseqnet",
        wrap=lambda state: {"epoch": 3, "model": state, "history": {"loss": [0.5]}},
        settings={"units": 128},
    ),
}
LA_DNN = Layout(keys="ladnn_densenet169", model="la-dnn", gold="ladnn", wrap=with_state_dict)


def fill_and_gold(layout: Layout) -> tuple[Fill, Mapping[str, Any]]:
    """The golden folder's `fill.py` and the golden file; the test is skipped without them."""
    path = GOLDEN / f"{layout.gold}_seed20.json"
    if not path.is_file():
        pytest.skip("golden files are not at hand: set CTSIEVE_GOLDEN to their folder")
    return load_fill(GOLDEN), json.loads(path.read_text(encoding="utf-8"))


def golden_state(layout: Layout) -> dict[str, Tensor]:
    """The golden weights under the authors' names, aliases as aliases."""
    fill, gold = fill_and_gold(layout)
    listed = json.loads((GOLDEN.parent / f"keys_{layout.keys}.json").read_text(encoding="utf-8"))
    empty = {
        entry["key"]: torch.empty(entry["shape"], dtype=getattr(torch, entry["dtype"]))
        for entry in listed["keys"]
        if "alias_of" not in entry
    }
    filled = fill.fill_state_dict(empty, gold["weights_seed"])
    return {e["key"]: filled[e.get("alias_of", e["key"])] for e in listed["keys"]}


def old_spelling(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As torchvision of the time spelled the pyramid, from a model trained on several devices.

    The transposed convolution of the mask has the name that the other repositories give it.
    """
    other = {".conv_mask.": ".conv5_mask.", ".conv5_mask.": ".conv_mask."}
    old = {}
    for key, value in state.items():
        spelled = re.sub(r"\.conv5?_mask\.", lambda found: other[found[0]], key)
        old[f"module.{spelled.replace('_blocks.0.0.', '_blocks.0.')}"] = value
    return old
