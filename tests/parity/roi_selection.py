"""The batch of regions beside the authors' code, without any network."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from ctsieve.models._detector.config import RegionConfig
from ctsieve.models._detector.regions import (
    candidates,
    distance_order,
    random_repetition,
    region_batch,
    survivors,
    with_area,
)
from tests.parity import Arrays, Fill, Gold, Row, close, equal, noted

NAME = "region batch"


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Select, suppress, repeat and order given boxes."""
    del fill
    rows, columns = gold.get("image") or noted(gold, r"image (\d+ x \d+)", (512, 512))
    for case in gold["cases"]:
        yield from _case(case, arrays, gold["recommended_atol"], (rows, columns))


def _case(
    case: Mapping[str, Any], arrays: Arrays, tolerances: Mapping[str, float], size: tuple[int, int]
) -> Iterator[Row]:
    name = f"{NAME} (case {case['case']})"
    given = {
        k.split("_", 1)[1]: v for k, v in arrays.items() if k.startswith(f"case{case['case']}_")
    }
    config = RegionConfig(
        number=case["beta"], suppression=case["nms_thresh"], order="score", padding="random"
    )
    logits, deltas, proposals = (
        torch.from_numpy(given[k]) for k in ("class_logits", "box_regression", "proposals")
    )
    every = candidates(logits, deltas, proposals, size)
    num_large = len(with_area(every, config.min_area).scores)
    yield equal(
        name, "candidates_after_area_filter", num_large, case["candidates_after_area_filter"]
    )
    ranked = survivors(every, config)
    kept = len(ranked.scores)
    yield equal(name, "survivors_k", kept, case["survivors_k"])
    seed = case["torch_manual_seed"] or 0
    torch.manual_seed(seed)
    index = random_repetition(kept, config.number)
    yield equal(name, "selected_index", index, case["selected_index_into_survivors"])
    torch.manual_seed(seed)
    batch = region_batch(ranked, size, config)
    yield equal(name, "labels", batch.labels, case["labels"])
    yield close(name, "scores", batch.scores, case["scores"], tolerances["scores"])
    yield close(name, "boxes", batch.boxes, given["boxes"], tolerances["boxes"])
    yield close(name, "encoded", batch.deltas, given["encoded"], tolerances["encoded"])
    if case["distance_order_stable"] is not None:
        order = distance_order(batch.boxes)
        yield equal(name, "distance_order", order, case["distance_order_stable"])
