"""Recomputing activations changes neither numbers nor gradients nor statistics, only memory."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ctsieve.learning.classification import padded
from ctsieve.learning.recompute import features
from ctsieve.models import MODELS
from ctsieve.models._backbones import last_map


class Blocks(nn.Module):
    """A frozen stem and two trained parts with batch norm, as in a series model."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)).eval()
        self.stem.requires_grad_(requires_grad=False)
        self.one = nn.Sequential(*(_block() for _ in range(6)))
        self.two = _block()


def _block() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.ReLU()
    )


def plain(model: Blocks, x: Tensor) -> Tensor:
    result: Tensor = model.two(model.one(model.stem(x)))
    return result


def again(model: Blocks, x: Tensor) -> Tensor:
    return features(model, x, trunk=("stem", "one", "two"), at_once=2)


def trained(how: Any, x: Tensor) -> tuple[Tensor, dict[str, Tensor], int]:  # noqa: ANN401
    """Output, gradients with buffers, and how many values were kept for the backward pass."""
    model = Blocks()
    kept: list[Tensor] = []

    def pack(value: Tensor) -> Tensor:
        if not isinstance(value, nn.Parameter):
            kept.append(value)
        return value

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        y = how(model, x)
        size = sum(value.numel() for value in kept)
    y.square().sum().backward()
    state = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    return y.detach(), state | dict(model.named_buffers()), size


def test_numbers_gradients_and_statistics_are_the_same_and_less_is_kept() -> None:
    x = torch.rand(7, 1, 12, 12)
    y, state, size = trained(plain, x)
    y2, state2, size2 = trained(again, x)
    torch.testing.assert_close(y, y2, rtol=0, atol=0)
    assert state.keys() == state2.keys()
    for name in state:
        torch.testing.assert_close(state[name], state2[name], rtol=1e-5, atol=1e-6)
    assert size2 < size / 3


def test_a_series_backbone_gives_the_same_features() -> None:
    card = MODELS["series-bilstm"]
    model = card.build(card.config(backbone="googlenet")).eval()
    x = torch.rand(5, 3, 40, 40)
    with torch.no_grad():
        wanted = last_map(model, model.backbone, x)
        torch.testing.assert_close(
            features(model, x, trunk=model.backbone.trunk, at_once=2), wanted, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("lengths", [[1], [3, 1, 2]])
def test_padding_keeps_every_slice_and_adds_zeros(lengths: list[int]) -> None:
    scans = [torch.rand(length, 1, 2, 2) + 0.1 for length in lengths]
    x, keep = padded(scans)
    assert keep.sum(dim=1).tolist() == lengths
    assert torch.equal(x[keep], torch.cat(scans))
    assert not x[~keep].any()
