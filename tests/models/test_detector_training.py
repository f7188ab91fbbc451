"""Detectors in training: what each step changes, what copies, and what the losses are."""

from typing import Any, Literal

import pytest
import torch
from tests.models.small_detectors import (
    DETECTORS,
    cloudy,
    lively,
    lstm_attention,
    mask_net,
    mask_rcnn,
    single_shot,
    target,
)
from torch import Tensor, nn

from ctsieve.models._detector.mask_rcnn import MaskRcnn
from ctsieve.models._detector.normalise import BatchNorm2d
from ctsieve.models._detector.steps import image_loss, improved

SEGMENTERS = ("one-shot-lstm-attention", "one-shot-affinity", "single-shot", "mask-rcnn")
CLASSIFIERS = ("one-shot-lstm-attention", "one-shot-affinity", "single-shot", "mask-net")
TERMS = {
    "loss_objectness",
    "loss_rpn_box_reg",
    "loss_classifier",
    "loss_box_reg",
    "loss_mask",
}


def with_gradient(model: nn.Module) -> set[str]:
    return {name for name, p in model.named_parameters() if p.grad is not None}


def changed_by_a_step(model: nn.Module, losses: dict[str, Tensor]) -> set[str]:
    """Names of the parameters that one step of Adam with weight decay changes."""
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-3)
    optimiser.zero_grad()
    torch.stack(list(losses.values())).sum().backward()
    optimiser.step()
    return {name for name, p in model.named_parameters() if not p.equal(before[name])}


@pytest.mark.parametrize("name", SEGMENTERS)
def test_the_segmentation_step_trains_exactly_its_parts(name: str) -> None:
    model: Any = lively(DETECTORS[name]())
    losses = model.train_for("segmentation").segmentation_losses(cloudy(1), [target()])
    assert set(losses) == TERMS
    changed = changed_by_a_step(model, losses)
    assert changed == set(model.trained_by("segmentation")) == with_gradient(model)
    parts = {key.split(".")[0] for key in changed}
    assert parts == {"backbone", "rpn", "roi_heads"}
    assert not any("_s2" in key for key in changed)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_classification_step_trains_exactly_its_parts(name: str) -> None:
    model: Any = lively(DETECTORS[name]())
    logits = model.train_for("classification")(cloudy(1)).logits
    losses = image_loss(logits, torch.tensor([2]))
    changed = changed_by_a_step(model, losses)
    assert changed == set(model.trained_by("classification")) == with_gradient(model)
    assert not {key.split(".")[0] for key in changed} & {"rpn", "roi_heads"}


def test_the_steps_share_the_backbone_only() -> None:
    for name in ("one-shot-lstm-attention", "one-shot-affinity", "single-shot"):
        model: Any = DETECTORS[name]()
        both = set(model.trained_by("segmentation")) & set(model.trained_by("classification"))
        assert {key.split(".")[0] for key in both} == {"backbone"}
        every = set(model.trained_by("segmentation")) | set(model.trained_by("classification"))
        rest = {key for key, _ in model.named_parameters()} - every
        assert rest
        assert all("_s2" in key for key in rest)


def test_mask_nets_second_stage_trains_module_s_and_batch_norm_outside_shortcuts() -> None:
    names = set(mask_net().trained_by("classification"))
    assert "backbone.body.layer2.0.bn1.weight" in names
    assert not any("downsample" in name or "conv" in name for name in names)
    assert {name.split(".")[0] for name in names} == {"backbone", "s2new"}


def training_modes(model: nn.Module) -> set[str]:
    """Top parts of which batch norm is in training mode."""
    return {
        name.split(".")[0]
        for name, module in model.named_modules()
        if isinstance(module, BatchNorm2d) and module.training
    }


def test_batch_norm_learns_statistics_where_the_authors_do() -> None:
    model = lstm_attention()
    assert training_modes(model.train_for("segmentation")) == {"backbone"}
    assert training_modes(model.train_for("classification")) == {"backbone", "attn_layer"}
    assert training_modes(single_shot().train_for("segmentation")) == {"backbone"}
    assert training_modes(single_shot().train_for("classification")) == set()
    assert training_modes(mask_net().train_for("classification")) == set()


def test_losses_are_means_over_the_images_of_a_batch() -> None:
    model = lively(mask_rcnn())
    assert isinstance(model, MaskRcnn)
    images, targets = cloudy(2), [target(), target()]
    torch.manual_seed(4)
    both = model.segmentation_losses(images, targets)
    torch.manual_seed(4)
    single = [model.segmentation_losses(images[i][None], [targets[i]]) for i in range(2)]
    for term, value in both.items():
        torch.testing.assert_close(value, (single[0][term] + single[1][term]) / 2)


def test_an_image_without_objects_teaches_background() -> None:
    model = lively(mask_rcnn())
    assert isinstance(model, MaskRcnn)
    empty = target()._replace(
        boxes=torch.zeros(0, 4),
        labels=torch.zeros(0, dtype=torch.int64),
        masks=torch.zeros(0, 96, 96, dtype=torch.uint8),
    )
    losses = model.segmentation_losses(cloudy(1), [empty])
    assert all(value.isfinite() for value in losses.values())
    assert losses["loss_objectness"] > 0
    assert losses["loss_box_reg"] == losses["loss_mask"] == losses["loss_rpn_box_reg"] == 0


@pytest.mark.parametrize(("rule", "copies"), [("previous", [1, 0, 1, 0]), ("best", [1, 0, 0, 0])])
def test_branches_copy_when_the_loss_improves(
    rule: Literal["previous", "best"], copies: list[int]
) -> None:
    reference, seen = float("inf"), []
    for loss in (3.0, 5.0, 4.0, float("nan")):
        copy, reference = improved(loss, reference, rule)
        seen.append(int(copy))
    assert seen == copies
    assert reference == {"previous": 4.0, "best": 3.0}[rule]


def test_copies_reach_the_twins_and_leave_the_layer_that_has_none() -> None:
    model, other = lstm_attention(), single_shot()
    reduce = model.roi_heads.get_parameter("mask_predictor_s2.conv_reduce.weight").clone()
    source = model.roi_heads.get_parameter("box_head.fc6.weight")
    assert not model.roi_heads.get_parameter("box_head_s2.fc6.weight").equal(source)
    copied = model.copy_to_twins()
    assert len(copied) == 12
    assert len(other.copy_to_twins()) == 8
    for name in copied:
        assert model.get_parameter(name).equal(model.get_parameter(name.replace("_s2", "")))
    assert model.roi_heads.get_parameter("mask_predictor_s2.conv_reduce.weight").equal(reduce)


def test_after_a_copy_both_branches_judge_alike() -> None:
    model = lively(single_shot())
    model.copy_to_twins()  # type: ignore[operator]
    with torch.no_grad():
        look = model.look(cloudy(1))  # type: ignore[operator]
        one = model.roi_heads.judge(look, look.proposals.boxes)  # type: ignore[union-attr,operator]
        two = model.roi_heads.judge(look, look.proposals.boxes, "_s2")  # type: ignore[union-attr,operator]
    assert one[0].equal(two[0])
