"""Proposal filter, anchors and decoding beside the authors' code, without any network."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from ctsieve.models._detector.config import ProposalConfig
from ctsieve.models._detector.proposals import ProposalNetwork, filter_proposals
from tests.parity import Arrays, Fill, Gold, Row, close, equal

NAME = "region proposals"


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Filter given boxes, place anchors, decode given deltas."""
    del fill
    size = tuple(gold["anchors"]["image"])
    boxes, logits = (torch.from_numpy(arrays[f"filter_{k}"]) for k in ("boxes", "logits"))
    for case, want in gold["filter"].items():
        config = ProposalConfig(
            num_before=(want["pre_nms"],) * 2,
            num_after=(want["post_nms"],) * 2,
            suppression=want["nms_thresh"],
            min_side=float(want["min_size"]),
        )
        kept = filter_proposals(
            boxes, logits, per_level=(len(logits),), size=(size[0], size[1]), config=config
        )
        yield equal(NAME, f"{case}: count", len(kept.anchor), want["count"])
        yield equal(NAME, f"{case}: kept", kept.anchor, want["kept_input_indices"])
    yield from _anchors(gold["anchors"], arrays, gold["recommended_atol"])


def _anchors(
    want: Mapping[str, Any], arrays: Arrays, tolerances: Mapping[str, float]
) -> Iterator[Row]:
    network = ProposalNetwork(ProposalConfig(min_side=0.0), num_levels=1, channels=8).eval()
    with torch.no_grad():
        image = torch.zeros(1, 3, *want["image"])
        anchored = network(image, {"0": torch.zeros(1, 8, *want["feature"])})
    anchors, atol = anchored.anchors, tolerances["anchors"]
    cells = network.anchor_generator.cell_anchors[0]
    place = next(k for k in want if k.startswith("anchor_"))
    per_place, places = (int(n) for n in place.removeprefix("anchor_").split("x"))
    yield equal(NAME, "anchors: count", len(anchors), want["count"])
    yield close(NAME, "anchors: cell", cells, want["cell_anchors"], atol)
    yield close(NAME, "anchors: first", anchors[: len(want["first4"])], want["first4"], atol)
    yield close(NAME, f"anchors: {place}", anchors[per_place * places], want[place], atol)
    yield close(NAME, "anchors: last", anchors[-1], want["last"], atol)
    yield close(NAME, "anchors: sum", anchors.double().sum(dim=0), want["sum"], atol)
    index = torch.from_numpy(arrays["decode_anchor_index"]).long()
    deltas = torch.from_numpy(arrays["decode_deltas"])
    decoded = network.coder.decode_single(deltas, anchors[index])
    yield close(NAME, "decoded", decoded, arrays["decoded"], tolerances["decoded"])
