"""Two steps of training that take turns, and branches that copy what the other step learned.

Paper    One Shot + LSTM + attention, sections 3.6 ("they copy weights from the segmentation branch
         if there is an improvement in the segmentation loss") and 3.9, equation 8.
Differs  Equation 8 adds two losses; the authors' code takes a step for each in turn.  "Improvement"
         is against the previous step there; in the Single Shot Model against the best so far.

Use      model.train_for("segmentation"); sum the losses; backward;
         copy, reference = improved(loss, reference, "previous"); if copy: model.copy_to_twins();
         then the optimiser's step: what is copied are the weights that gave the loss.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

Step = Literal["segmentation", "classification"]
TWIN = "_s2"
"""What the authors append to the name of a branch of the classification."""


def improved(
    loss: float, reference: float, rule: Literal["previous", "best"]
) -> tuple[bool, float]:
    """Whether the classification branches copy now, and the reference of the next step.

    Start with an infinite `reference` (the authors: 1000 or 10000).  A loss that is not finite
    neither copies nor becomes a reference.
    """
    if not math.isfinite(loss):
        return False, reference
    better = loss < reference
    return better, loss if better or rule == "previous" else reference


@torch.no_grad()
def copy_to_twins(branches: nn.Module) -> tuple[str, ...]:
    """Copy every tensor of a branch to its twin; the names of the twins' tensors.

    What a twin has alone (`conv_reduce`) stays as it is.
    """
    sources = dict(branches.named_parameters())
    copied = []
    for name, twin in branches.named_parameters():
        source = sources.get(name.replace(f"{TWIN}.", ".", 1))
        if source is not None and source is not twin:
            twin.copy_(source)
            copied.append(name)
    return tuple(copied)


def freeze_twins(branches: nn.Module) -> None:
    """No optimiser changes the branches of the classification; gradients pass through them."""
    for name, parameter in branches.named_parameters():
        if f"{TWIN}." in name:
            parameter.requires_grad = False


def is_trained(name: str) -> bool:
    """Whether either step trains the parameter of that name; twins only copy."""
    return f"{TWIN}." not in name


EXEMPT = {
    "gradients": "two steps train different parts; tests/laws/test_every_detector.py holds both",
}
"""Laws of models that detectors keep in their own way."""


def trained(model: nn.Module, prefixes: tuple[str, ...]) -> dict[str, nn.Parameter]:
    """The parameters below `prefixes` that are not frozen."""
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if name.startswith(prefixes) and parameter.requires_grad
    }


def image_loss(
    logits: Float[Tensor, "B L"], labels: Int64[Tensor, " B"]
) -> dict[str, Float[Tensor, ""]]:
    """The classification's loss: binary cross entropy of each of the L logits."""
    one_hot = F.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return {"loss_image": F.binary_cross_entropy_with_logits(logits, one_hot)}
