"""COVID-CT-Mask-Net beside the authors' code: both stages, and repeated regions."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ctsieve.models._detector.mask_rcnn import MaskRcnn
from ctsieve.models._detector.region_scores import region_rows
from ctsieve.models.mask_net import MaskNet, MaskNetConfig, build
from tests.parity import Arrays, Comparable, Fill, Gold, Row, images, load_weights
from tests.parity._detector import FIRST, counts, objects, rows, seen
from tests.parity.ssm import padding_case

NAME = "mask-net"


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Walk down the second stage, then the first."""
    pictures, same = images(gold, fill, name=NAME)
    yield same
    image = pictures[0][None]
    yield from _classifier(gold, arrays, fill, image)
    model = build(replace(config_of(gold["rpn"]["segmentation"]), stage="segmentation")).eval()
    name = f"{NAME} (segmentation)"
    digest = gold["weights_sha256_segmentation"]
    yield load_weights(model, {**gold, "weights_sha256": digest}, fill, name=name)
    want = {**gold["outputs"]["segmentation"], "det_scores_all": arrays["segmentation_scores"]}
    with torch.no_grad():
        for got in _segmentation(model, image):
            yield from rows(name, got, want, gold["tolerances"]["segmentation"])


def _classifier(gold: Gold, arrays: Arrays, fill: Fill, image: Tensor) -> Iterator[Row]:
    model, name = MaskNet(config_of(gold["rpn"]["classifier"])).eval(), f"{NAME} (classifier)"
    digest = gold["weights_sha256_classifier"]
    yield load_weights(model, {**gold, "weights_sha256": digest}, fill, name=name)
    want = {**gold["outputs"]["classifier"], **arrays}
    with torch.no_grad():
        for got in _classification(model, image):
            yield from rows(name, got, want, gold["tolerances"]["classifier"])
    for number, case in enumerate(gold["padding_cases"]):
        limit = case["rpn_post_nms_top_n_test"]
        limited = MaskNet(config_of(gold["rpn"]["classifier"], limit)).eval()
        limited.load_state_dict(model.state_dict())
        with torch.no_grad():
            yield from padding_case(limited, image, f"{name} (case {number})", case)


def config_of(rpn: Mapping[str, Any], num_after: int | None = None) -> MaskNetConfig:
    """The `paper` preset with a golden file's numbers of proposals."""
    paper = MaskNetConfig.paper()
    proposals = replace(
        paper.detector.proposals,
        num_before=(rpn["pre"]["training"], rpn["pre"]["testing"]),
        num_after=(rpn["post"]["training"], num_after or rpn["post"]["testing"]),
    )
    return replace(paper, detector=replace(paper.detector, proposals=proposals))


def _classification(model: MaskNet, image: Tensor) -> Iterator[dict[str, Comparable]]:
    look = model.look(image)
    yield {**seen(look), "proposal_logits_first10": look.proposals.logits[:FIRST]}
    yield counts(model, look)
    regions = model.regions(look)
    yield {
        "roi_boxes_first10": regions.boxes[:FIRST],
        "roi_scores": regions.scores,
        "s_input": region_rows(regions),
    }
    yield {"logits": model(image).logits[0]}


def _segmentation(model: MaskNet | MaskRcnn, image: Tensor) -> Iterator[dict[str, Comparable]]:
    look = model.look(image)
    yield {**seen(look), "proposal_logits_first10": look.proposals.logits[:FIRST]}
    found = model.found(look)
    yield {
        "det_scores_all": found.regions.scores[found.regions.labels > 0],
        **objects(found, first=FIRST),
    }
