"""LA-DNN beside the authors' code: logits, features, both losses and the loss's gradient."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ctsieve.models.la_dnn import (
    COVID_WEIGHT,
    LaDnn,
    LaDnnConfig,
    LaDnnOutput,
    LaDnnTarget,
    paper_loss,
)
from tests.parity import (
    Arrays,
    Fill,
    Gold,
    Network,
    Row,
    close,
    images,
    load_weights,
    recommended,
)

NAME = "la-dnn"
SUFFIX = "_out."
"""The authors' names begin with that of the backbone and this."""


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Compare the net on the golden images, then the loss on given probabilities."""
    model, weights = loaded(replace(sizes_of(gold), preset="paper"), gold, fill)
    yield weights
    pictures, same = images(gold, fill, name=NAME)
    yield same
    yield from _network(model, torch.stack(pictures), gold, arrays)
    yield from _loss(gold)


def networks(gold: Gold, fill: Fill) -> Iterator[Network]:
    """The model as users run it."""
    model, _ = loaded(sizes_of(gold), gold, fill)
    yield Network(name=NAME, model=model, inputs=(torch.stack(images(gold, fill)[0]),))


def sizes_of(gold: Gold) -> LaDnnConfig:
    """The `fixed` preset with the backbone that the names of weights begin with."""
    name = next(iter(gold.get("weights_sample", {"densenet169_out.": ()})))
    return LaDnnConfig(
        backbone=name.split(SUFFIX)[0],
        num_lesions=len(gold["outputs"]["logits"][0]) - 1,
        normalisation="imagenet",
    )


def loaded(config: LaDnnConfig, gold: Gold, fill: Fill) -> tuple[LaDnn, Row]:
    """The network with golden weights, and whether they are exactly those."""
    model, prefix = LaDnn(config).eval(), config.backbone + SUFFIX
    return model, load_weights(model, gold, fill, name=NAME, author_key=lambda key: prefix + key)


def _network(model: LaDnn, x: Tensor, gold: Gold, arrays: Arrays) -> Iterator[Row]:
    pooled: list[Tensor] = []

    def watch(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        pooled.append(inputs[0])

    model.head.register_forward_pre_hook(watch)
    with torch.no_grad():
        output = model(x)
    logits = torch.cat([output.logits, output.lesion_logits], dim=1)
    yield close(NAME, "logits", logits, gold["outputs"]["logits"], recommended(gold, "logits"))
    atol = recommended(gold, "probabilities")
    yield close(NAME, "probabilities", logits.sigmoid(), arrays["probabilities"], atol)
    yield close(NAME, "features", pooled[0], arrays["features"], recommended(gold, "features"))
    for name, value in losses(output, gold["targets"]).items():
        yield close(NAME, name, value, gold["outputs"][name], recommended(gold, name))


def _loss(gold: Gold) -> Iterator[Row]:
    """The loss where probabilities are given: ours starts from logits, so the chain rule helps."""
    unit = gold["loss_unit"]
    atol = unit["recommended_atol"]
    probability = torch.tensor(unit["probabilities"], dtype=torch.float64)
    logits = torch.logit(probability).requires_grad_()
    output = LaDnnOutput(logits[:, :1], logits[:, 1:], logits.new_zeros(len(logits), 1, 1, 1))
    terms = losses(output, unit["targets"])
    (gradient,) = torch.autograd.grad(terms["loss"], logits)
    by_probability = gradient / (probability * (1.0 - probability))
    for name, value in terms.items():
        yield close(NAME, f"{name} (unit)", value, unit[name], atol)
    quantity, want = "loss gradient (unit)", np.asarray(unit["gradient_wrt_probabilities"])
    yield close(NAME, quantity, by_probability, want, atol)


def losses(output: LaDnnOutput, targets: list[list[float]]) -> dict[str, Tensor]:
    """The authors' loss, and the value by which they select a model."""
    cells = torch.tensor(targets, dtype=output.logits.dtype)
    known = torch.ones_like(cells[:, 1:])
    target = LaDnnTarget(cells[:, 0], cells[:, 1:], known, torch.ones_like(cells[:, 0]))
    terms = paper_loss(output, target)
    return {"loss": terms["covid"] + terms["lesions"], "covid_loss": terms["covid"] / COVID_WEIGHT}
