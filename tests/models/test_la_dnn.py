"""LA-DNN: parity with the authors' code, laws of its losses, and its closed-form explanation."""

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest
import torch
from tests.collection import GOLDEN, needs_golden
from torch import Tensor

from ctsieve.models._backbones import BACKBONES
from ctsieve.models._heat import grad_cam_plus_plus
from ctsieve.models.la_dnn import (
    LOSSES,
    LaDnn,
    LaDnnConfig,
    LaDnnOutput,
    LaDnnTarget,
    fixed_loss,
    paper_loss,
)
from ctsieve.types.errors import UnknownName


def fill() -> ModuleType:
    """The module that makes weights and images from numbers."""
    spec = importlib.util.spec_from_file_location("golden_fill", GOLDEN / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys  # noqa: PLC0415

    sys.modules["golden_fill"] = module
    spec.loader.exec_module(module)
    return module


def vectors() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((GOLDEN / "public" / "ladnn_seed20.json").read_text())
    return loaded


def target_of(rows: list[list[float]], dtype: torch.dtype = torch.float32) -> LaDnnTarget:
    cells = torch.tensor(rows, dtype=dtype)
    return LaDnnTarget(
        covid=cells[:, 0],
        lesions=cells[:, 1:],
        known=torch.ones_like(cells[:, 1:]),
        trust=torch.ones_like(cells[:, 0]),
    )


def output_of(logits: Tensor) -> LaDnnOutput:
    return LaDnnOutput(logits[:, :1], logits[:, 1:], torch.zeros(len(logits), 6, 1, 1))


@pytest.fixture(scope="module")
def authors_output() -> tuple[LaDnnOutput, dict[str, Any]]:
    """The paper preset with the authors' key names, on the authors' images."""
    gold, module = vectors(), fill()
    model = LaDnn(LaDnnConfig(preset="paper", backbone="densenet169")).eval()
    prefix = "densenet169_out."
    named = {prefix + k: v for k, v in model.state_dict().items()}
    filled = module.fill_state_dict(named, gold["weights_seed"])
    assert module.fingerprint(filled) == gold["weights_sha256"]
    model.load_state_dict({k.removeprefix(prefix): v for k, v in filled.items()})
    images = torch.stack([module.make_image(i["seed"], tuple(i["shape"])) for i in gold["images"]])
    with torch.no_grad():
        return model(images), gold


@needs_golden
def test_logits_are_the_authors(authors_output: tuple[LaDnnOutput, dict[str, Any]]) -> None:
    output, gold = authors_output
    logits = torch.cat([output.logits, output.lesion_logits], dim=1)
    want = torch.tensor(gold["outputs"]["logits"])
    atol = gold["tolerances"]["logits"]["recommended_atol"]
    torch.testing.assert_close(logits, want, atol=atol, rtol=0.0)


@needs_golden
def test_loss_is_the_authors(authors_output: tuple[LaDnnOutput, dict[str, Any]]) -> None:
    output, gold = authors_output
    terms = paper_loss(output, target_of(gold["targets"]))
    total = float(terms["covid"] + terms["lesions"])
    assert total == pytest.approx(gold["outputs"]["loss"], abs=5e-6)
    assert float(terms["covid"]) / 5 == pytest.approx(gold["outputs"]["covid_loss"], abs=5e-7)


@needs_golden
def test_gradient_of_the_loss_is_the_authors() -> None:
    unit = vectors()["loss_unit"]
    p = torch.tensor(unit["probabilities"], dtype=torch.float64)
    logits = torch.logit(p).requires_grad_()
    terms = paper_loss(output_of(logits), target_of(unit["targets"], torch.float64))
    total = terms["covid"] + terms["lesions"]
    assert float(total.detach()) == pytest.approx(unit["loss"], abs=5e-6)
    assert float(terms["covid"].detach()) / 5 == pytest.approx(unit["covid_loss"], abs=5e-7)
    (slope,) = torch.autograd.grad(total, logits)
    want = torch.tensor(unit["gradient_wrt_probabilities"], dtype=torch.float64)
    torch.testing.assert_close(slope / (p * (1 - p)), want, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_answers_in_one_shape(name: str) -> None:
    torch.manual_seed(0)
    model = LaDnn(LaDnnConfig(backbone=name)).eval()
    with torch.no_grad():
        output = model(torch.rand(2, 1, 64, 64))
    assert output.logits.shape == (2, 1)
    assert output.lesion_logits.shape == (2, 5)
    assert output.heat.shape == (2, 6, 2, 2)
    assert (output.heat >= 0).all()
    inside = {id(p) for block in model.blocks for p in block.parameters()}
    assert {id(p) for p in model.parameters()} - inside == {id(p) for p in model.head.parameters()}
    trunk = set(BACKBONES[name].build().state_dict())
    head = {f"{BACKBONES[name].head}.{leaf}" for leaf in ("weight", "bias")}
    assert set(model.state_dict()) <= trunk | head


def test_one_channel_is_three_equal_ones() -> None:
    model = LaDnn(LaDnnConfig()).eval()
    x = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(model(x).logits, model(x.repeat(1, 3, 1, 1)).logits)


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(UnknownName, match="resnet19"):
        LaDnnConfig(backbone="resnet19")


def test_closed_form_is_grad_cam_plus_plus_by_autograd() -> None:
    torch.manual_seed(1)
    maps = torch.rand(2, 9, 4, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 9, dtype=torch.float64)
    for o in range(3):
        logit = (maps.mean(dim=(2, 3)) @ weight[o]).sum()
        (g,) = torch.autograd.grad(logit, maps)
        total = maps.detach().sum(dim=(2, 3), keepdim=True)
        alpha = g**2 / (2 * g**2 + total * g**3)
        share = (alpha * g.relu()).sum(dim=(2, 3), keepdim=True)
        want = (share * maps.detach()).sum(dim=1).relu()
        closed = grad_cam_plus_plus(maps.detach(), weight)[:, o]
        torch.testing.assert_close(closed, want)


@pytest.mark.parametrize("preset", LOSSES)
def test_an_image_without_known_lesions_teaches_none(preset: str) -> None:
    logits = torch.randn(3, 6, requires_grad=True)
    target = target_of([[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    known = torch.tensor([[1.0] * 5, [0.0] * 5, [0.0] * 5])
    terms = LOSSES[preset](output_of(logits), target._replace(known=known))
    (slope,) = torch.autograd.grad(terms["covid"] + terms["lesions"], logits)
    assert (slope[1:, 1:] == 0).all()
    assert (slope[0, 1:] != 0).all()
    assert (slope[:, 0] != 0).all()


def test_fixed_counts_single_flags_and_ignores_the_values_of_unknown_ones() -> None:
    output = output_of(torch.randn(2, 6))
    known = torch.tensor([[1.0, 1, 0, 0, 0], [0, 0, 0, 0, 0]])
    one = target_of([[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])._replace(known=known)
    other = target_of([[1, 1, 0, 1, 1, 1], [0, 1, 1, 1, 1, 1]])._replace(known=known)
    assert fixed_loss(output, one)["lesions"] == fixed_loss(output, other)["lesions"]


def test_a_batch_without_any_known_lesion_is_finite() -> None:
    target = target_of([[0.0] * 6])
    terms = fixed_loss(output_of(torch.randn(1, 6)), target._replace(known=torch.zeros(1, 5)))
    assert terms["lesions"] == 0


def test_an_untrusted_label_teaches_nothing() -> None:
    logits = torch.randn(2, 6, requires_grad=True)
    target = target_of([[1.0] * 6, [1.0] * 6])._replace(trust=torch.tensor([1.0, 0.0]))
    (slope,) = torch.autograd.grad(fixed_loss(output_of(logits), target)["covid"], logits)
    assert slope[1, 0] == 0
