"""The closed form that a graph evaluates, beside Grad-CAM++ by differentiation of networks."""

import pytest
import torch
from torch import Tensor, nn

from ctsieve.models import MODELS
from ctsieve.models.la_dnn import LaDnn, LaDnnConfig


def reference(maps: Tensor, logit: Tensor) -> Tensor:
    """Chattopadhay et al., equations 10, 11 and 19, with gradients that torch computes.

    Derivatives of higher order are powers of the first, as the authors have it for exp(logit).
    """
    (gradient,) = torch.autograd.grad(logit.sum(), maps, retain_graph=True)
    total = maps.detach().sum(dim=(2, 3), keepdim=True)
    denominator = 2 * gradient**2 + total * gradient**3
    alpha = torch.where(denominator != 0, gradient**2 / denominator, torch.zeros_like(gradient))
    share = (alpha * gradient.relu()).sum(dim=(2, 3), keepdim=True)
    return (share * maps.detach()).sum(dim=1).relu()


def networks() -> dict[str, nn.Module]:
    torch.manual_seed(3)
    card = MODELS["resnet18"]
    return {
        "la-dnn": LaDnn(LaDnnConfig(backbone="resnet18", normalisation="imagenet")),
        "resnet18": card.build(card.config()),
    }


@pytest.mark.parametrize("name", ["la-dnn", "resnet18"])
def test_the_graph_s_heat_is_grad_cam_plus_plus_of_the_network(name: str) -> None:
    model, seen = networks()[name].double().eval(), list[Tensor]()
    model.get_submodule("layer4").register_forward_hook(lambda _, __, output: seen.append(output))
    output = model(torch.rand(3, 1, 96, 64, dtype=torch.float64))
    logits = torch.cat([v for k, v in output._asdict().items() if k.endswith("logits")], dim=1)
    assert output.heat.shape == (3, logits.shape[1], 3, 2)
    for number in range(logits.shape[1]):
        want = reference(seen[0], logits[:, number])
        assert want.max() > 0
        difference = (output.heat[:, number] - want).abs().max()
        assert difference <= 1e-5 * want.max()
