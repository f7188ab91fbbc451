"""One Shot + LSTM + attention beside the authors' code: every stage, in both modes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ctsieve.models._detector.detector import Look
from ctsieve.models._detector.regions import region_batch
from ctsieve.models._one_shot.lstm import OneShotLstmConfig
from ctsieve.models.one_shot_lstm_attention import OneShotLstmAttention
from tests.parity import (
    Arrays,
    Comparable,
    Fill,
    Gold,
    Network,
    Row,
    images,
    load_weights,
)
from tests.parity._detector import (
    FIRST,
    aligned,
    backbone_of,
    counts,
    objects,
    rows,
    seen,
)

NAME = "one-shot-lstm-attention"


def sizes_of(gold: Gold, *, num_after: int | None = None) -> OneShotLstmConfig:
    """The `fixed` preset with a golden file's settings."""
    config, settings = OneShotLstmConfig(), gold.get("settings", {})
    detector, branches = config.detector, config.detector.branches
    after = both(settings, "rpn_post_nms_top_n", detector.proposals.num_after)
    proposals = replace(
        detector.proposals,
        num_before=both(settings, "rpn_pre_nms_top_n", detector.proposals.num_before),
        num_after=(num_after, num_after) if num_after else after,
        suppression=settings.get("rpn_nms_thresh", 0.75),
        batch=settings.get("rpn_batch_size_per_image", 256),
        positive_share=settings.get("rpn_positive_fraction", 0.75),
    )
    branches = replace(
        branches,
        num_kinds=settings.get("num_classes", 4),
        score=settings.get("box_score_thresh", 0.75),
        suppression=settings.get("box_nms_thresh", 0.5),
        num_detections=settings.get("box_detections_per_img", 4),
        foreground=settings.get("box_fg_iou_thresh", 0.75),
        background=settings.get("box_bg_iou_thresh", 0.5),
        batch=settings.get("box_batch_size_per_image", 256),
        positive_share=settings.get("box_positive_fraction", 0.5),
    )
    backbone = backbone_of(gold, detector.backbone)
    return replace(
        config,
        detector=replace(detector, backbone=backbone, proposals=proposals, branches=branches),
        regions=replace(
            config.regions,
            number=settings.get("box_detections_per_img_s2new", 16),
            suppression=settings.get("box_nms_thresh_classifier", 0.25),
        ),
        num_sieve_stages=settings.get("x_stages", 1),
        units=settings.get("lstm_feature_size", 256),
        num_labels=settings.get("num_classes_img", 3),
    )


def config_of(gold: Gold, mode: str, *, num_after: int | None = None) -> OneShotLstmConfig:
    """The `paper` preset's quirks with those settings; mode "eval" has running statistics."""
    paper = replace(sizes_of(gold, num_after=num_after), preset="paper").resolved()
    own = mode == "author"
    backbone = replace(paper.detector.backbone, input_statistics=own)
    detector = replace(paper.detector, backbone=backbone)
    return replace(paper, preset="fixed", detector=detector, input_statistics=own)


def both(settings: Mapping[str, Any], key: str, default: tuple[int, int]) -> tuple[int, int]:
    """A setting for training and evaluation, of which a file may name one."""
    train, test = (settings.get(f"{key}_{mode}") for mode in ("train", "test"))
    return (train or test or default[0], test or train or default[1])


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Walk down the network in both modes, then compare what one forward returns."""
    for mode, want in gold["outputs"].items():
        name = f"{NAME} ({mode})"
        model = OneShotLstmAttention(config_of(gold, mode)).eval()
        yield load_weights(model, gold, fill, name=name)
        pictures, same = images(gold, fill, name=name)
        yield same
        expected = {**want, **_of_mode(arrays, mode)}
        tolerances = gold["tolerances"][mode]
        with torch.no_grad():
            for got in stages(model, pictures[0][None], expected, tolerances):
                yield from rows(name, got, expected, tolerances)
            output = model(pictures[0][None])
        forward = {"logits_final": output.logits[0], "det_boxes": output.boxes[output.labels > 0]}
        yield from rows(name, forward, expected, tolerances, note=" (forward)")


def networks(gold: Gold, fill: Fill) -> Iterator[Network]:
    """The model as users run it."""
    model = OneShotLstmAttention(sizes_of(gold)).eval()
    load_weights(model, gold, fill)
    yield Network(name=NAME, model=model, inputs=(images(gold, fill)[0][0][None],))


def _of_mode(arrays: Arrays, mode: str) -> dict[str, Any]:
    return {k.removeprefix(f"{mode}_"): v for k, v in arrays.items() if k.startswith(f"{mode}_")}


def stages(
    model: OneShotLstmAttention,
    image: Tensor,
    want: Mapping[str, Any],
    tolerances: Mapping[str, Any],
) -> Iterator[dict[str, Comparable]]:
    """Everything that the golden file holds, stage by stage."""
    normal = model.normalised(image)[0]
    deviation, mean = torch.std_mean(image[0].double(), dim=(1, 2))
    yield {"channel_mean": mean, "channel_std": deviation}
    yield {"normalised_first8": normal[:, 0, :8]}

    look = model.look(image)
    atol = float(tolerances["proposal_logits"]["recommended_atol"])
    boxes, logits = aligned(look.proposals, want["proposals"], want["proposal_logits"], atol)
    yield {
        **seen(look),
        "fpn_slice": look.maps["0"][0, :4, 5, :8],
        "proposals_first10": boxes[:FIRST],
        "proposals": boxes,
        "proposal_logits": logits,
    }

    yield counts(model, look, "_s2")
    yield from classified(model, look)
    yield objects(model.found(look))


def classified(
    model: OneShotLstmAttention, look: Look, seed: int = 0
) -> Iterator[dict[str, Comparable]]:
    """The classification's stages; `seed` is for the repetition of regions."""
    torch.manual_seed(seed)
    ranked = region_batch(model.survivors(look), look.size, model.region_config)
    torch.manual_seed(seed)
    regions = model.regions(look)
    order = [_row(ranked.boxes, box) for box in regions.boxes]
    yield {
        "roi_boxes_score_order": ranked.boxes,
        "roi_scores": ranked.scores,
        "roi_labels": ranked.labels,
        "roi_order_by_distance": order,
        "roi_boxes_distance_order": regions.boxes,
    }
    features = model.mask_features(look, regions)
    yield {
        "mask_features_mean": features.double().mean(),
        "mask_features_std": features.double().std(correction=1),
        "mask_features_first8": features.flatten()[:8],
        "mask_features_roi_means": features.double().mean(dim=(1, 2, 3)),
        "mask_features_center": features[:, :8, 14, 14],
    }
    readings = model.attn_layer(features)
    positive, negative = readings.positive, readings.negative
    yield {
        "sequence_vectors": readings.sequence,
        "attention_pos": positive.attention,
        "attention_neg": negative.attention,
        "lstm_out_pos": positive.vector,
        "lstm_out_neg": negative.vector,
    }
    for_class = model.pos_classifier_attn(positive.vector)
    against = model.neg_classifier_attn(negative.vector)
    yield {"logits_pos": for_class, "logits_neg": against, "logits_final": for_class - against}


def _row(boxes: Tensor, box: Tensor) -> int:
    """The first row of `boxes` that is `box`."""
    return int((boxes == box).all(dim=1).nonzero()[0])
