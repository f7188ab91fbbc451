"""The contract of models that train in two steps, which the law of gradients leaves to this one.

A model belongs here by saying so in its card: `exempt={"gradients": ...}`.  Then it has
`trained_by(step)` and `train_for(step)`, and each step that trains anything trains exactly that.
"""

from typing import Any, get_args

import pytest
import torch
from tests.laws.trying import pictures, sharpen
from torch import Tensor

from ctsieve.models import MODELS
from ctsieve.models._detector.steps import Step, image_loss
from ctsieve.models._detector.training import Target

IN_STEPS = [name for name in MODELS if "gradients" in MODELS[name].exempt]
STEPS: tuple[Step, ...] = get_args(Step)


@pytest.mark.parametrize("name", IN_STEPS)
def test_each_step_trains_exactly_its_parts_and_together_what_the_card_says(name: str) -> None:
    card = MODELS[name]
    torch.manual_seed(0)
    model = card.build(card.config())
    sharpen(model)
    every = {key for key, _ in model.named_parameters()}
    own = {step: set(model.trained_by(step)) for step in STEPS}
    assert set().union(*own.values()) == {key for key in every if card.trains(key)}
    image = pictures(card, 1, torch.Generator().manual_seed(1))
    for step in STEPS:
        if own[step]:
            losses = losses_of(model, step, image)
            assert changed_by_a_step(model, losses) == own[step], step


def losses_of(model: Any, step: Step, image: Tensor) -> dict[str, Tensor]:  # noqa: ANN401
    """The named terms of a step's loss, of one image with one object and label 2."""
    learner = model.train_for(step)
    if step == "classification":
        return image_loss(learner(image).logits, torch.tensor([2]))
    masks = torch.zeros(1, *image.shape[2:], dtype=torch.uint8)
    masks[0, 8:40, 8:40] = 1
    target = Target(torch.tensor([[8.0, 8.0, 40.0, 40.0]]), torch.tensor([1]), masks)
    losses: dict[str, Tensor] = learner.segmentation_losses(image, [target])
    return losses


def changed_by_a_step(model: Any, losses: dict[str, Tensor]) -> set[str]:  # noqa: ANN401
    """Names of the parameters that one step of Adam with weight decay over all of them changes."""
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-3)
    optimiser.zero_grad()
    torch.stack(list(losses.values())).sum().backward()
    optimiser.step()
    optimiser.zero_grad()
    return {name for name, p in model.named_parameters() if not p.equal(before[name])}
