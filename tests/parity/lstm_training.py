"""Both training steps of One Shot + LSTM + attention: losses and the gradients of their sum.

Three variants of the segmentation step: the authors', and torchvision's loss formulas with and
without the random number that torchvision draws first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ctsieve.models._detector.steps import image_loss
from ctsieve.models._detector.training import Target
from ctsieve.models._one_shot.lstm import OneShotLstmConfig
from ctsieve.models.one_shot_lstm_attention import OneShotLstmAttention
from tests.parity import Arrays, Fill, Gold, Row, close, equal, load_weights
from tests.parity.lstm import NAME, config_of

TORCHVISION_BETA = 1.0 / 9.0
STEM, STEM_RTOL, RTOL = "backbone.body.conv1.weight", 5e-2, 5e-3
"""Gradient norms: how far the golden files say that one machine's may be from another's."""


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """The segmentation step in all variants, then the classification step."""
    image, same = _image(gold["image"], fill)
    yield same
    target, areas = _target(gold["target"], arrays, image)
    yield areas
    for variant, want in gold["results"].items():
        name = f"{NAME} ({variant})"
        model = OneShotLstmAttention(_config(gold, variant))
        yield load_weights(model, gold, fill, name=name)
        torch.manual_seed(gold["torch_manual_seed"])
        if variant == "torchvision":
            torch.empty(1).uniform_()
        losses = model.train_for("segmentation").segmentation_losses(image, [target])
        total = torch.stack(list(losses.values())).sum()
        total.backward()
        for term, value in losses.items():
            rtol = want["tolerances"][term]["recommended_rtol"]
            expected = want["losses"][term]
            yield close(name, term, value, expected, rtol * abs(expected))
        yield close(name, "total", total, want["total"], RTOL_TOTAL * want["total"])
        yield from _norms(model, name, want["gradient_norms"], RTOL)
    yield from _classification(gold, fill)


RTOL_TOTAL = 1e-4
"""As for each of its terms."""


def _image(spec: Mapping[str, Any], fill: Fill) -> tuple[Tensor, Row]:
    image = fill.make_image(spec["seed"], tuple(spec["shape"]), spec["kind"])
    return image[None], equal(NAME, "images", fill.image_sha256(image), spec["sha256"])


def _target(spec: Mapping[str, Any], arrays: Arrays, image: Tensor) -> tuple[Target, Row]:
    labels = torch.tensor(spec["labels"])
    bits = np.unpackbits(arrays["target_masks_packed"], axis=1)
    rows, columns = image.shape[-2:]
    masks = torch.from_numpy(bits[:, : rows * columns].reshape(-1, rows, columns))
    areas = masks.sum(dim=(1, 2))
    row = equal(NAME, "mask_areas", areas, spec["mask_areas"])
    return Target(torch.tensor(spec["boxes"]), labels, masks), row


def _config(gold: Gold, variant: str) -> OneShotLstmConfig:
    config = config_of(gold, "author")
    if variant == "author":
        return config
    detector = config.detector
    proposals = replace(detector.proposals, min_side=1e-3, beta=TORCHVISION_BETA)
    branches = replace(detector.branches, beta=TORCHVISION_BETA)
    return replace(config, detector=replace(detector, proposals=proposals, branches=branches))


def _norms(
    model: OneShotLstmAttention, name: str, want: Mapping[str, float], rtol: float
) -> Iterator[Row]:
    for key, norm in want.items():
        gradient = model.get_parameter(key).grad
        got = torch.zeros(()) if gradient is None else gradient.norm()
        atol = (STEM_RTOL if key == STEM else rtol) * norm
        yield close(name, f"gradient {key}", got, norm, atol)


def _classification(gold: Gold, fill: Fill) -> Iterator[Row]:
    want, name = gold["classification_step"], f"{NAME} (classification)"
    image, same = _image(want["image"], fill)
    yield same
    model = OneShotLstmAttention(_config(gold, "author"))
    yield load_weights(model, gold, fill, name=name)
    model.requires_grad_()  # the golden norms were taken before any gradient was discarded
    torch.manual_seed(gold["torch_manual_seed"])
    logits = model.train_for("classification")(image).logits
    label = torch.tensor([int(np.argmax(want["target_one_hot"]))])
    (loss,) = image_loss(logits, label).values()
    loss.backward()
    atol = want["recommended_atol_loss"]
    yield close(name, "loss", loss, want["loss"], atol)
    yield close(name, "logits", logits[0], want["logits"], atol)
    yield from _norms(model, name, want["gradient_norms"], want["recommended_rtol_gradient"])
