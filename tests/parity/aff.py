"""One Shot + affinity beside the authors' code: every stage in both modes, and repeated regions."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ctsieve.models.one_shot_affinity import OneShotAffinity, OneShotAffinityConfig
from tests.parity import Arrays, Comparable, Fill, Gold, Row, close, equal, images, load_weights
from tests.parity._detector import FIRST, counts, objects, rows, seen

NAME = "one-shot-affinity"


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Walk down the network in both modes, then where fewer regions are found than needed."""
    pictures, same = images(gold, fill, name=NAME)
    yield same
    image = pictures[0][None]
    for mode, want in gold["outputs"].items():
        name = f"{NAME} ({mode})"
        model = OneShotAffinity(config_of(mode)).eval()
        yield load_weights(model, gold, fill, name=name)
        expected = {**want, "affinity_vector": arrays[f"{mode}_affinity_vector"]}
        with torch.no_grad():
            for got in _stages(model, image):
                yield from rows(name, got, expected, gold["tolerances"][mode])
    for number, case in enumerate(gold["padding_cases"]):
        name = f"{NAME} ({case['mode']}, case {number})"
        limit = case["rpn_post_nms_top_n_test"]
        model = OneShotAffinity(config_of(case["mode"], num_after=limit)).eval()
        yield load_weights(model, gold, fill, name=name)
        with torch.no_grad():
            yield from _padding(model, image, name, case)


def config_of(mode: str, *, num_after: int | None = None) -> OneShotAffinityConfig:
    """The `paper` preset; mode "eval" has running statistics."""
    paper = OneShotAffinityConfig.paper()
    proposals = paper.detector.proposals
    after = (num_after, num_after) if num_after else proposals.num_after
    detector = replace(paper.detector, proposals=replace(proposals, num_after=after))
    return replace(paper, detector=detector, input_statistics=mode == "author")


def _stages(model: OneShotAffinity, image: Tensor) -> Iterator[dict[str, Comparable]]:
    look = model.look(image)
    yield {**seen(look), "proposal_logits_first10": look.proposals.logits[:FIRST]}
    yield counts(model, look, "_s2")
    regions = model.regions(look)
    yield {
        "roi_boxes": regions.boxes,
        "roi_scores": regions.scores,
        "roi_labels": regions.labels,
    }
    features = model.mask_features(look, regions)
    yield {
        "mask_features_mean": features.double().mean(),
        "mask_features_std": features.double().std(correction=1),
        "mask_features_first8": features.flatten()[:8],
        "mask_features_roi_means": features.double().mean(dim=(1, 2, 3)),
    }
    affinities = model.affinity_layer(features)
    yield {
        "feature_vectors_first8": affinities.vectors[:, :8],
        "affinity_vector": affinities.vector,
    }
    yield {"logits": model(image).logits[0]}
    yield objects(model.found(look), first=FIRST)


def _padding(
    model: OneShotAffinity, image: Tensor, name: str, case: Mapping[str, Any]
) -> Iterator[Row]:
    look, seed = model.look(image), case["torch_manual_seed"]
    survivors = model.survivors(look)
    yield equal(name, "survivors_k", len(survivors.scores), case["survivors_k"])
    index = torch.tensor(case["padding_index"])
    torch.manual_seed(seed)
    regions = model.regions(look)
    yield equal(name, "padding_index", regions.boxes, survivors.take(index).boxes)
    yield close(name, "roi_boxes", regions.boxes, case["roi_boxes"], BOX_ATOL)
    yield close(name, "roi_scores", regions.scores, case["roi_scores"], SCORE_ATOL)
    torch.manual_seed(seed)
    atol = float(case["recommended_atol_logits"])
    yield close(name, "logits", model(image).logits[0], case["logits"], atol)


BOX_ATOL, SCORE_ATOL = 1e-3, 1e-5
"""As for the other boxes and scores of these files; these cases recommend none."""
