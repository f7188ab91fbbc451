"""Single Shot Model beside the authors' code: every stage, and repeated regions."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ctsieve.models._detector.region_scores import region_rows
from ctsieve.models.single_shot import SingleShot, SingleShotConfig
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
from tests.parity._detector import (
    FIRST,
    backbone_of,
    counts,
    objects,
    rows,
    seen,
    with_proposals,
)

NAME = "single-shot"


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Walk down the network, then where fewer regions are found than needed."""
    model = SingleShot(config_of(gold)).eval()
    yield load_weights(model, gold, fill, name=NAME)
    pictures, same = images(gold, fill, name=NAME)
    yield same
    image = pictures[0][None]
    want = {**gold["outputs"], **arrays}
    with torch.no_grad():
        for got in stages(model, image):
            yield from rows(NAME, got, want, gold["tolerances"])
    for number, case in enumerate(gold["padding_cases"]):
        name = f"{NAME} (case {number})"
        limited = SingleShot(config_of(gold, case["rpn_post_nms_top_n_test"])).eval()
        limited.load_state_dict(model.state_dict())
        with torch.no_grad():
            yield from padding_case(limited, image, name, case)


def networks(gold: Gold, fill: Fill) -> Iterator[Network]:
    """The model as users run it."""
    model = SingleShot(sizes_of(gold)).eval()
    load_weights(model, gold, fill)
    yield Network(name=NAME, model=model, inputs=(images(gold, fill)[0][0][None],))


def sizes_of(gold: Gold, num_after: int | None = None) -> SingleShotConfig:
    """The `fixed` preset with a golden file's sizes and numbers of proposals."""
    config, outputs = SingleShotConfig(), gold["outputs"]
    detector = replace(config.detector, backbone=backbone_of(gold, config.detector.backbone))
    number = described(gold, r"\b(\d+) RoIs", str(config.regions.number))
    return replace(
        config,
        detector=with_proposals(detector, gold["rpn"], num_after),
        regions=replace(config.regions, number=int(number)),
        features=int(described(gold, r"\bS module \d+-(\d+)", str(config.features))),
        num_labels=len(outputs["logits"]),
    )


def config_of(gold: Gold, num_after: int | None = None) -> SingleShotConfig:
    """The `paper` preset with those sizes."""
    return replace(sizes_of(gold, num_after), preset="paper")


def stages(model: SingleShot, image: Tensor) -> Iterator[dict[str, Comparable]]:
    """Everything that the golden file holds, stage by stage."""
    look = model.look(image)
    yield {**seen(look), "proposal_logits_first10": look.proposals.logits[:FIRST]}
    yield counts(model, look, "_s2")
    regions = model.regions(look)
    yield {
        "roi_boxes_first10": regions.boxes[:FIRST],
        "roi_scores": regions.scores,
        "s_input": region_rows(regions),
    }
    yield {"logits": model(image).logits[0]}
    yield objects(model.found(look), first=FIRST)


def padding_case(model: Any, image: Tensor, name: str, case: Mapping[str, Any]) -> Iterator[Row]:  # noqa: ANN401
    """Repeat regions as the authors' generator does, and compare what comes of it."""
    look, seed = model.look(image), case["torch_manual_seed"]
    survivors = model.survivors(look)
    yield equal(name, "survivors_k", len(survivors.scores), case["survivors_k"])
    torch.manual_seed(seed)
    regions = model.regions(look)
    # the golden index was found by score: of survivors with one score it names the first
    index = torch.tensor(case["padding_index"])
    yield equal(name, "padding_index", regions.scores, survivors.scores[index])
    atol = float(case["recommended_atol_logits"])
    sums = region_rows(regions).double().sum(dim=0)
    yield close(name, "s_input_sum", sums, case["s_input_sum"], atol)
    torch.manual_seed(seed)
    yield close(name, "logits", model(image).logits[0], case["logits"], atol)
