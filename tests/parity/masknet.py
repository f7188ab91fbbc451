"""COVID-CT-Mask-Net beside the authors' code: both stages, and repeated regions."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from ctsieve.models._detector.mask_rcnn import MaskRcnn
from ctsieve.models._detector.region_scores import region_rows
from ctsieve.models.mask_net import MaskNet, MaskNetConfig, build
from tests.parity import (
    Arrays,
    Comparable,
    Fill,
    Gold,
    Network,
    Row,
    described,
    images,
    load_weights,
)
from tests.parity._detector import (
    FIRST,
    backbone_of,
    counts,
    objects,
    rows,
    seen,
    with_proposals,
)
from tests.parity.ssm import padding_case

NAME = "mask-net"


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Walk down the second stage, then the first."""
    pictures, same = images(gold, fill, name=NAME)
    yield same
    image = pictures[0][None]
    yield from _classifier(gold, arrays, fill, image)
    model = build(replace(config_of(gold, "segmentation"), stage="segmentation")).eval()
    name = f"{NAME} (segmentation)"
    digest = gold["weights_sha256_segmentation"]
    yield load_weights(model, {**gold, "weights_sha256": digest}, fill, name=name)
    want = {**gold["outputs"]["segmentation"], "det_scores_all": arrays["segmentation_scores"]}
    with torch.no_grad():
        for got in segmentation(model, image):
            yield from rows(name, got, want, gold["tolerances"]["segmentation"])


def _classifier(gold: Gold, arrays: Arrays, fill: Fill, image: Tensor) -> Iterator[Row]:
    model, name = MaskNet(config_of(gold, "classifier")).eval(), f"{NAME} (classifier)"
    digest = gold["weights_sha256_classifier"]
    yield load_weights(model, {**gold, "weights_sha256": digest}, fill, name=name)
    want = {**gold["outputs"]["classifier"], **arrays}
    with torch.no_grad():
        for got in classification(model, image):
            yield from rows(name, got, want, gold["tolerances"]["classifier"])
    for number, case in enumerate(gold["padding_cases"]):
        limit = case["rpn_post_nms_top_n_test"]
        limited = MaskNet(config_of(gold, "classifier", limit)).eval()
        limited.load_state_dict(model.state_dict())
        with torch.no_grad():
            yield from padding_case(limited, image, f"{name} (case {number})", case)


def networks(gold: Gold, fill: Fill) -> Iterator[Network]:
    """Both stages as users run them."""
    image = images(gold, fill)[0][0][None]
    for stage, name in (("classifier", NAME), ("segmentation", "mask-rcnn (light)")):
        own = gold[f"weights_sha256_{stage}"]
        kind: Literal["segmentation", "classification"] = (
            "segmentation" if stage == "segmentation" else "classification"
        )
        model = build(replace(sizes_of(gold, stage), stage=kind)).eval()
        load_weights(model, {**gold, "weights_sha256": own}, fill)
        yield Network(name=name, model=model, inputs=(image,))


def sizes_of(gold: Gold, stage: str, num_after: int | None = None) -> MaskNetConfig:
    """The `fixed` preset with a golden file's sizes and numbers of proposals."""
    config, outputs = MaskNetConfig(), gold["outputs"]["classifier"]
    detector = replace(config.detector, backbone=backbone_of(gold, config.detector.backbone))
    number = described(gold, r"\bbeta (\d+)", str(config.regions.number))
    return replace(
        config,
        detector=with_proposals(detector, gold["rpn"][stage], num_after),
        regions=replace(config.regions, number=int(number)),
        features=int(described(gold, r"\bS (\d+)", str(config.features))),
        num_labels=len(outputs["logits"]),
    )


def config_of(gold: Gold, stage: str, num_after: int | None = None) -> MaskNetConfig:
    """The `paper` preset with those sizes."""
    return replace(sizes_of(gold, stage, num_after), preset="paper")


def classification(model: MaskNet, image: Tensor) -> Iterator[dict[str, Comparable]]:
    """Everything that the golden file holds of the second stage."""
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


def segmentation(model: MaskNet | MaskRcnn, image: Tensor) -> Iterator[dict[str, Comparable]]:
    """Everything that the golden file holds of the first stage."""
    look = model.look(image)
    yield {**seen(look), "proposal_logits_first10": look.proposals.logits[:FIRST]}
    found = model.found(look)
    yield {
        "det_scores_all": found.regions.scores[found.regions.labels > 0],
        **objects(found, first=FIRST),
    }
