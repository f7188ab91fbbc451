"""What the checks of all detectors share: named quantities with their tolerances."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor

from ctsieve.models._detector.config import BackboneConfig, DetectorConfig, ResNetName
from ctsieve.models._detector.detector import Branches, Found, Look
from ctsieve.models._detector.proposals import Proposals
from ctsieve.models._detector.regions import Regions, candidates, with_area
from tests.parity import Comparable, Gold, Row, close, described, equal

FIRST = 10
"""How many rows of long lists the golden files hold."""
NEIGHBOURS = 4
"""Proposals may change places with this many neighbours where their logits are equal."""


def backbone_of(gold: Gold, like: BackboneConfig) -> BackboneConfig:
    """The residual network that a file's description names: "ResNet18 (layer3)", "R18-t1"."""
    depth = described(gold, r"\bR(?:esNet|esNeXt)?(\d+)", "")
    kind = "resnext" if described(gold, r"\b(ResNeXt)\d", "") else "resnet"
    name = cast("ResNetName", f"{kind}{depth}") if depth else like.name
    cut = described(gold, r"\bR\d+-t(\d)", "")
    last = 4 - int(cut) if cut else int(described(gold, r"\(layer(\d)\)", str(like.last_layer)))
    return replace(like, name=name, last_layer=last)


def with_proposals(
    detector: DetectorConfig, counts: Mapping[str, Any], num_after: int | None = None
) -> DetectorConfig:
    """The detector with a golden file's numbers of proposals, or `num_after` at evaluation."""
    proposals = replace(
        detector.proposals,
        num_before=(counts["pre"]["training"], counts["pre"]["testing"]),
        num_after=(counts["post"]["training"], num_after or counts["post"]["testing"]),
    )
    return replace(detector, proposals=proposals)


class Classifying(Protocol):
    """A detector that selects regions for its classification."""

    roi_heads: Branches

    def survivors(self, look: Look) -> Regions:
        """All regions that suppression leaves."""
        ...


def rows(
    name: str,
    got: Mapping[str, Comparable],
    want: Mapping[str, Any],
    tolerances: Gold,
    *,
    note: str = "",
) -> Iterator[Row]:
    """Compare the quantities of `got`; `tolerances` says how far each may be, or "exact"."""
    for quantity, value in got.items():
        tolerance, expected = tolerances[quantity], want[quantity]
        if np.size(expected) == 0 and isinstance(value, Tensor):
            expected = np.reshape(expected, (0, *value.shape[1:]))  # an empty list has no columns
        if tolerance.get("exact"):
            yield equal(name, quantity + note, value, expected)
        else:
            atol = float(tolerance["recommended_atol"])
            yield close(name, quantity + note, value, expected, atol)


def seen(look: Look) -> dict[str, Comparable]:
    """Pyramid and proposals as the golden files describe them."""
    fpn = look.maps["0"].double()
    return {
        "fpn_mean": fpn.mean(),
        "fpn_std": fpn.std(correction=1),
        "proposals_count": len(look.proposals.logits),
        "proposals_first10": look.proposals.boxes[:FIRST],
    }


def counts(model: Classifying, look: Look, suffix: str = "") -> dict[str, Comparable]:
    """How many candidates have an area, and how many suppression leaves."""
    judged = model.roi_heads.judge(look, look.proposals.boxes, suffix)
    every = candidates(*judged, look.proposals.boxes, look.size)
    min_area = 1e-5 if suffix else 0.0
    return {
        "candidates_after_area_filter": len(with_area(every, min_area).scores),
        "kept_after_class_nms": len(model.survivors(look).scores),
    }


def objects(
    found: Found, *, first: int | None = None, threshold: float = 0.5
) -> dict[str, Comparable]:
    """Detections as the golden files describe them: all of them, or the `first`."""
    suffix = "" if first is None else f"_first{first}"
    number = int((found.regions.labels > 0).sum())
    regions = found.regions.take(torch.arange(number)[:first])
    masks = found.masks[:number][:first]
    got: dict[str, Comparable] = {
        f"det_boxes{suffix}": regions.boxes,
        f"det_labels{suffix}": regions.labels,
        f"det_scores{suffix}": regions.scores,
        f"det_mask_area{suffix}": (masks > threshold).sum(dim=(1, 2)),
        f"det_mask_sum{suffix}": masks.double().sum(dim=(1, 2)),
    }
    if first is not None:
        got["det_count"] = number
    return got


def aligned(got: Proposals, want: Any, want_logits: Any, atol: float) -> tuple[Tensor, Tensor]:  # noqa: ANN401
    """Our boxes and logits, where equal logits may have changed places, in the golden order."""
    boxes, logits = torch.as_tensor(np.asarray(want)), torch.as_tensor(np.asarray(want_logits))
    if boxes.shape != got.boxes.shape:
        return got.boxes, got.logits
    left = list(range(len(boxes)))
    order = []
    for row in range(len(boxes)):
        near = [
            i
            for i in left[: 2 * NEIGHBOURS]
            if abs(i - row) <= NEIGHBOURS and abs(float(got.logits[i] - logits[row])) <= atol
        ] or left[:1]
        best = min(near, key=lambda i: float((got.boxes[i] - boxes[row]).abs().max()))
        order.append(best)
        left.remove(best)
    return got.boxes[order], got.logits[order]
