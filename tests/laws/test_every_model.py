"""The contract that every model signs; a new file under `models/` is held to it by being there.

A family that cannot keep a law says so in its card: `exempt={"batch": "one image at a time"}`.
Exempt from "batch", a model is tried on one image at a time by all other laws.  Outputs are held
to the shapes in the annotations of the named tuple that the model returns; those whose names begin
with "attention" must sum to 1.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import pytest
import torch
from jaxtyping import jaxtyped
from safetensors.torch import load_model, save_model
from tests.laws.trying import (
    built,
    inputs,
    mass_per_slice,
    named,
    opened,
    presets_agree,
    run,
    section,
    size,
    slices,
    takes_scans,
    without_near_ties,
)
from tests.models.small_detectors import DETECTORS
from torch import Tensor, nn

from ctsieve.export.onnx import export
from ctsieve.models import MODELS
from ctsieve.types.cards import ModelCard

LAWS = ("outputs", "mask", "batch", "attention", "gradients", "saving", "onnx")
SLOW = ("resnext101",)
"""Models whose export takes more than a few seconds."""
BY_LABEL = {"logits", "slice_logits", "positive_logits", "negative_logits"}
"""Outputs that graphs return from COVID-19 on, where networks begin with the healthy."""
LEFT_OUT = {"masks", "embedding", "embeddings", "states", "global_vector", "context"}
"""Outputs of networks that no graph returns.  Both are said here again, not taken from the code."""


def bound_by(law: str) -> list[str]:
    """The models that the law `law` holds for."""
    return [name for name in MODELS if law not in MODELS[name].exempt]


def scans_bound_by(law: str) -> list[str]:
    return [name for name in bound_by(law) if takes_scans(MODELS[name])]


@pytest.fixture(scope="module")
def model(name: str) -> nn.Module:
    """One model of each name, in evaluation mode, for all laws that leave it as it was."""
    return built(MODELS[name])


@pytest.fixture
def card(name: str) -> ModelCard:
    return MODELS[name]


def for_models(names: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names, scope="module")


@for_models(list(MODELS))
def test_a_card_says_which_laws_cannot_hold_and_why(name: str, card: ModelCard) -> None:
    assert card.title
    assert card.paper
    assert set(card.exempt) <= set(LAWS)
    assert all(len(reason.split()) > 2 for reason in card.exempt.values())


@for_models(list(MODELS))
def test_the_parameters_are_as_many_as_published(card: ModelCard, model: nn.Module) -> None:
    number = sum(parameter.numel() for parameter in model.parameters())
    assert card.num_parameters in (None, number)


@for_models(list(MODELS))
def test_a_model_has_both_presets_and_says_how_they_differ(
    name: str, card: ModelCard, model: nn.Module
) -> None:
    assert card.config().preset == "fixed"
    assert card.config(preset="paper").preset == "paper"
    differs = section(name, "Differs")
    same = "`paper` and `fixed` are the same" in differs
    assert same or ("paper" in differs and "`fixed`" in differs)
    assert presets_agree(card, model) is same


@for_models(bound_by("outputs"))
def test_outputs_have_names_and_the_shapes_that_are_written_beside_them(
    card: ModelCard, model: nn.Module
) -> None:
    given = inputs(card, batch=3)
    with torch.no_grad():
        output = model(*given)
    written = type(output).__annotations__
    assert "logits" in written
    with jaxtyped("context"):  # a letter is the same number in all of them
        for field, value in named(output).items():
            assert isinstance(value, written[field]), f"{field}: {tuple(value.shape)}"
            assert value.isfinite().all()
            assert "batch" in card.exempt or len(value) == 3


@for_models(list(MODELS))
def test_slices_may_have_any_size(card: ModelCard, model: nn.Module) -> None:
    """Sides that no stride divides, one an odd number and one longer than the other."""
    odd = replace(card, example_shape=(*card.example_shape[:-2], 75, 106))
    output = run(model, inputs(odd, batch=1, length=3))
    assert all(value.isfinite().all() for value in output.values())
    places = {"boxes": output.get("boxes"), "regions": output.get("regions")}
    for boxes in (value for value in places.values() if value is not None):
        assert (boxes >= 0).all()
        assert (boxes <= torch.tensor([106.0, 75.0, 106.0, 75.0])).all()
    if "masks" in output:
        assert output["masks"].shape[-2:] == (75, 106)


@for_models(scans_bound_by("mask"))
def test_a_masked_slice_changes_nothing(card: ModelCard, model: nn.Module) -> None:
    x, keep = inputs(card, batch=3)
    before = run(model, (x, keep))
    x[~keep] = 1e4
    for field, value in run(model, (x, keep)).items():
        torch.testing.assert_close(value, before[field], rtol=0.0, atol=0.0)


@for_models(scans_bound_by("mask"))
def test_a_masked_slice_is_as_good_as_none(card: ModelCard, model: nn.Module) -> None:
    x, every = inputs(card, batch=1)
    for gone in ([0, 3], [1, 2, 4]):  # of a maximum only one of the two halves could tell
        keep = every.clone()
        keep[0, gone] = False
        shorter = x[keep].unsqueeze(0)
        want = run(model, (shorter, torch.ones(shorter.shape[:2], dtype=torch.bool)))["logits"]
        torch.testing.assert_close(run(model, (x, keep))["logits"], want, rtol=1e-5, atol=1e-5)


def test_what_is_named_after_attention_or_lstm_is_held_to_its_laws() -> None:
    """The lists that the laws run over would shrink in silence if an output were renamed."""
    with_attention = {
        name
        for name in MODELS
        if any(field.startswith("attention") for field in fields_of(MODELS[name]))
    }
    assert with_attention == {
        "one-shot-lstm-attention",
        "resnet50-att2",
        "resnet50-lstm-att2",
        "series-attention",
        "series-bilstm-attention",
    }
    assert set(scans_bound_by("mask")) == {
        name for name in MODELS if name.startswith("series-") or name == "resnet50-lstm-att2"
    }
    assert set(MODELS) - set(bound_by("gradients")) == set(DETECTORS)
    assert set(MODELS) - set(bound_by("batch")) == {"mask-rcnn"}
    for law in ("saving", "onnx", "attention"):
        assert set(bound_by(law)) == set(MODELS)


@for_models(bound_by("batch"))
def test_a_batch_is_as_good_as_one_after_another(card: ModelCard, model: nn.Module) -> None:
    given = inputs(card, batch=3)
    together = run(model, given)
    alone = [run(model, tuple(part[i : i + 1] for part in given)) for i in range(3)]
    assert together["logits"].std(dim=0).max() > 1e-4, "all images give the same"
    for field, value in together.items():
        one_by_one = torch.cat([output[field] for output in alone])
        torch.testing.assert_close(value, one_by_one, rtol=1e-4, atol=1e-4 * size(value))


@for_models(bound_by("attention"))
def test_attention_sums_to_one_where_there_is_something(card: ModelCard, model: nn.Module) -> None:
    given = inputs(card, batch=3)
    maps = {k: v for k, v in run(model, given).items() if k.startswith("attention")}
    for value in maps.values():
        assert (value >= 0.0).all()
        if takes_scans(card) and value.ndim != 3:  # weights of slices, or maps inside slices
            torch.testing.assert_close(*mass_per_slice(value, given[1]))
        else:
            torch.testing.assert_close(value.flatten(1).sum(dim=1), torch.ones(3))


@for_models(bound_by("gradients"))
def test_training_reaches_exactly_what_the_paper_trains(card: ModelCard, model: nn.Module) -> None:
    learner = deepcopy(model).train()
    before = {name: value.clone() for name, value in learner.named_buffers()}
    torch.manual_seed(0)
    logits = learner(*inputs(card, batch=3, length=3))[0]
    (logits * torch.randn_like(logits)).sum().backward()
    trained = {name for name, _ in learner.named_parameters() if card.trains(name)}
    with_gradient = {
        name
        for name, parameter in learner.named_parameters()
        if parameter.grad is not None and parameter.grad.count_nonzero() > 0
    }
    assert with_gradient == trained
    assert {n for n, p in learner.named_parameters() if p.requires_grad} == trained
    for name, value in learner.named_buffers():  # frozen modules keep their statistics
        owner, _, leaf = name.rpartition(".")
        if leaf == "running_mean":
            assert value.equal(before[name]) is not card.trains(f"{owner}.weight"), name


@for_models(bound_by("saving"))
def test_saved_and_loaded_it_gives_the_same_bits(
    card: ModelCard, model: nn.Module, tmp_path: Path
) -> None:
    save_model(model, str(tmp_path / "weights.safetensors"))
    torch.manual_seed(9)
    copy = card.build(card.config()).eval()
    load_model(copy, str(tmp_path / "weights.safetensors"))
    given = inputs(card, batch=2)
    want = run(model, given)
    for field, value in run(copy, given).items():
        assert value.equal(want[field]), field


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in bound_by("onnx")],
    scope="module",
)
def test_the_graphs_of_its_bundle_agree_whatever_number_of_slices(
    card: ModelCard, model: nn.Module, tmp_path: Path
) -> None:
    *_, rows, columns = card.example_shape
    exported = export(model, (rows, columns))
    assert (exported.scan is not None) is takes_scans(card)
    engine = opened(exported, tmp_path)
    every = slices(card, 5, seed=1)
    fields = of_one_study(card, model, every)
    if "region_scores" in fields:
        every = every[without_near_ties(fields["region_scores"])]
    for x in (every, every[:1]):
        want = of_one_study(card, model, x)
        got = engine.run(x.numpy())
        assert set(got) == set(want) - LEFT_OUT == set(engine.outputs)
        for field, array in got.items():
            value, wanted = torch.from_numpy(array), want[field].float()
            if field in ("boxes", "regions"):
                torch.testing.assert_close(value, wanted, rtol=0.0, atol=0.01, msg=field)
            elif "labels" in field:
                assert value.equal(wanted), field
            else:
                share = 1e-4 if field == "logits" else 1e-3
                atol = share * size(wanted)
                torch.testing.assert_close(value, wanted, rtol=share, atol=atol, msg=field)


def of_one_study(card: ModelCard, model: nn.Module, x: Tensor) -> Mapping[str, Tensor]:
    """What the network says of slices, as its graphs must: COVID-19 first, and its heat alone."""
    if takes_scans(card):
        want = dict(run(model, (x[None], torch.ones(1, len(x), dtype=torch.bool))))
        per_slice = [k for k in want if k in ("attention1", "attention2")]
        want |= {k: want[k][0] for k in per_slice}
    else:
        each = [run(model, (image,)) for image in x.split(1)]
        want = {k: torch.cat([one[k] for one in each]) for k in each[0]}
    for name in want.keys() & BY_LABEL:
        want[name] = want[name][..., list(range(want[name].shape[-1]))[::-1]]
    if "heat" in want:
        want["heat"] = want["heat"][:, 0 if want["logits"].shape[1] == 1 else 2]
    return want


def fields_of(card: ModelCard) -> tuple[str, ...]:
    """The names of what a model returns, from what its `forward` is annotated with."""
    with torch.device("meta"):
        model = card.build(card.config())
    written = get_type_hints(getattr(model, "head", model).forward)["return"]
    if isinstance(getattr(model, "head", None), nn.Linear) or not hasattr(written, "_fields"):
        written = get_type_hints(model.forward)["return"]
    return tuple(written._fields)
