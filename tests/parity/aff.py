"""One Shot + affinity beside the authors' code: every stage in both modes, and repeated regions."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ctsieve.models.one_shot_affinity import OneShotAffinity, OneShotAffinityConfig
from tests.parity import (
    Arrays,
    Comparable,
    Fill,
    Gold,
    Network,
    Row,
    close,
    described,
    equal,
    images,
    load_weights,
)
from tests.parity._detector import FIRST, backbone_of, counts, objects, rows, seen

NAME = "one-shot-affinity"


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Walk down the network in both modes, then where fewer regions are found than needed."""
    pictures, same = images(gold, fill, name=NAME)
    yield same
    image = pictures[0][None]
    for mode, want in gold["outputs"].items():
        name = f"{NAME} ({mode})"
        model = OneShotAffinity(config_of(gold, mode)).eval()
        yield load_weights(model, gold, fill, name=name)
        expected = {**want, "affinity_vector": arrays[f"{mode}_affinity_vector"]}
        with torch.no_grad():
            for got in stages(model, image):
                yield from rows(name, got, expected, gold["tolerances"][mode])
    for number, case in enumerate(gold["padding_cases"]):
        name = f"{NAME} ({case['mode']}, case {number})"
        limit = case["rpn_post_nms_top_n_test"]
        model = OneShotAffinity(config_of(gold, case["mode"], num_after=limit)).eval()
        yield load_weights(model, gold, fill, name=name)
        with torch.no_grad():
            yield from _padding(model, image, name, case)


def networks(gold: Gold, fill: Fill) -> Iterator[Network]:
    """The model as users run it."""
    model = OneShotAffinity(sizes_of(gold)).eval()
    load_weights(model, gold, fill)
    yield Network(name=NAME, model=model, inputs=(images(gold, fill)[0][0][None],))


def sizes_of(gold: Gold) -> OneShotAffinityConfig:
    """The `fixed` preset with the sizes that the file's description and lists have."""
    config = OneShotAffinityConfig()
    outputs = next(iter(gold["outputs"].values()))
    return replace(
        config,
        detector=replace(config.detector, backbone=backbone_of(gold, config.detector.backbone)),
        regions=replace(config.regions, number=len(outputs["roi_scores"])),
        num_affinities=int(described(gold, r"\bk (\d+)", str(config.num_affinities))),
        num_sieve_stages=int(described(gold, r"\bx_stages (\d+)", str(config.num_sieve_stages))),
        num_labels=len(outputs["logits"]),
    )


def config_of(gold: Gold, mode: str, *, num_after: int | None = None) -> OneShotAffinityConfig:
    """The `paper` preset's quirks; mode "eval" has running statistics."""
    paper = replace(sizes_of(gold), preset="paper").resolved()
    proposals = paper.detector.proposals
    after = (num_after, num_after) if num_after else proposals.num_after
    detector = replace(paper.detector, proposals=replace(proposals, num_after=after))
    own = mode == "author"
    return replace(paper, preset="fixed", detector=detector, input_statistics=own)


def stages(model: OneShotAffinity, image: Tensor) -> Iterator[dict[str, Comparable]]:
    """Everything that the golden file holds, stage by stage."""
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
