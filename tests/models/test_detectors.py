"""Detectors: both training steps, copies, statistics, presets, and the graph of each."""

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import onnxruntime
import pytest
import torch
from tests.models.small_detectors import (
    DETECTORS,
    affinity,
    cloudy,
    lively,
    lstm_attention,
    lstm_config,
    mask_net,
    mask_rcnn,
    single_shot,
    target,
)
from torch import Tensor, nn

from ctsieve.models._detector.authors import from_authors, load_authors
from ctsieve.models._detector.config import BackboneConfig, ResNetName
from ctsieve.models._detector.mask_rcnn import MaskRcnn, MaskRcnnConfig
from ctsieve.models._detector.normalise import BatchNorm2d, standardised
from ctsieve.models._detector.steps import image_loss, improved
from ctsieve.models._one_shot.lstm import OneShotLstmConfig
from ctsieve.models.mask_net import MaskNet, MaskNetConfig, build
from ctsieve.models.one_shot_affinity import OneShotAffinity, OneShotAffinityConfig
from ctsieve.models.one_shot_lstm_attention import OneShotLstmAttention
from ctsieve.types.errors import InputRejected, UnknownName

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


@pytest.mark.parametrize("name", list(DETECTORS))
def test_a_batch_is_as_good_as_one_after_another_to_the_bit(name: str) -> None:
    model = lively(DETECTORS[name]())
    images = cloudy(3)
    with torch.no_grad():
        together = model(images)
        alone = [model(image) for image in images.split(1)]
    for field, value in together._asdict().items():
        assert value.equal(torch.cat([getattr(one, field) for one in alone])), field


@pytest.mark.parametrize("name", [name for name in DETECTORS if name != "mask-net"])
def test_objects_lie_inside_the_image_and_empty_places_are_zero(name: str) -> None:
    model = lively(DETECTORS[name]())
    with torch.no_grad():
        output = model(cloudy(4))
    empty = output.labels == 0
    assert not empty.all()
    for values in (output.boxes, output.scores, output.masks):
        assert not values[empty].any()
    assert (output.scores[~empty] > 0.2).all()
    assert (output.boxes >= 0).all()
    assert (output.boxes <= 96).all()
    assert (output.scores.diff(dim=1) <= 0).all(), "the surest first"
    assert ((output.masks >= 0) & (output.masks <= 1)).all()


def test_fixed_gives_one_image_one_answer_and_paper_may_not() -> None:
    fixed, paper = (
        lively(OneShotLstmAttention(few(lstm_config(preset)))) for preset in ("fixed", "paper")
    )
    image = cloudy(1)
    with torch.no_grad():
        state = torch.get_rng_state()
        assert fixed(image).logits.equal(fixed(image).logits)
        assert torch.get_rng_state().equal(state)
        drawn = [paper(image, torch.Generator().manual_seed(seed)).logits for seed in (1, 1, 2)]
    assert drawn[0].equal(drawn[1])
    assert not drawn[0].equal(drawn[2])


def few(config: OneShotLstmConfig) -> OneShotLstmConfig:
    """Three proposals only, so that regions have to be repeated."""
    proposals = replace(config.detector.proposals, num_after=(3, 3))
    return replace(config, detector=replace(config.detector, proposals=proposals))


def test_paper_predicts_with_the_statistics_of_the_image_and_keeps_the_running_ones() -> None:
    model = OneShotLstmAttention(lstm_config("paper")).eval()
    before = {name: value.clone() for name, value in model.named_buffers()}
    image = cloudy(1)
    with torch.no_grad():
        maps = model.look(image).maps["0"]
        assert all(value.equal(before[name]) for name, value in model.named_buffers())
        model.backbone.train()
        trained = model.look(image).maps["0"]
    assert maps.equal(trained)
    assert not all(value.equal(before[name]) for name, value in model.named_buffers())


@pytest.mark.parametrize("name", list(DETECTORS))
def test_an_image_without_contrast_has_finite_outputs(name: str) -> None:
    model = lively(DETECTORS[name]())
    with torch.no_grad():
        output = model(torch.full((1, 1, 96, 96), 0.25))
    assert all(value.isfinite().all() for value in output)


def test_sizes_need_not_be_multiples_of_the_stride() -> None:
    model = lively(lstm_attention())
    with torch.no_grad():
        output = model(cloudy(1)[..., :90, :70])
    assert output.masks.shape[2:] == (90, 70)
    assert (output.regions[..., 0::2] <= 70).all()
    assert (output.regions[..., 1::2] <= 90).all()


def test_one_channel_is_as_good_as_three_equal_ones() -> None:
    model = lively(affinity())
    with torch.no_grad():
        one, three = (model(cloudy(1).expand(-1, n, -1, -1)).logits for n in (1, 3))
    assert one.equal(three)


def test_every_channel_is_standardised_with_its_unbiased_deviation() -> None:
    x = standardised(cloudy(2, channels=3))
    torch.testing.assert_close(x.mean(dim=(2, 3)), torch.zeros(2, 3), rtol=0.0, atol=1e-5)
    torch.testing.assert_close(x.std(dim=(2, 3), correction=1), torch.ones(2, 3))


@pytest.mark.parametrize(
    ("model", "number"),
    [
        (lambda: OneShotLstmAttention(OneShotLstmConfig.paper("resnext101")), 99_315_848),
        (lambda: MaskNet(MaskNetConfig.paper("full", num_kinds=3)), 31_469_672),
        (lambda: MaskNet(MaskNetConfig.paper("light", "resnet34")), 11_670_755),
        (lambda: MaskRcnn(MaskRcnnConfig.paper("light", "resnet34", num_kinds=2)), 11_439_330),
        (lambda: MaskRcnn(MaskRcnnConfig.paper("light", num_kinds=2)), 6_051_810),
    ],
)
def test_other_sizes_have_as_many_parameters_as_published(
    model: Callable[[], nn.Module], number: int
) -> None:
    with torch.device("meta"):
        built = model()
    assert sum(p.numel() for p in built.parameters()) == number


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "resnext50"])
def test_every_backbone_has_one_level_of_256_channels(backbone: ResNetName) -> None:
    model = OneShotLstmAttention(OneShotLstmConfig.fixed(backbone)).eval()
    with torch.no_grad():
        maps = model.look(cloudy(1)).maps
    assert {level: tuple(value.shape) for level, value in maps.items()} == {"0": (1, 256, 3, 3)}


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(UnknownName, match="vgg16"):
        BackboneConfig(name="vgg16")  # type: ignore[arg-type]


def test_the_second_stage_starts_from_the_first() -> None:
    config = replace(MaskNetConfig(), detector=MaskNetConfig().detector)
    first, second = build(replace(config, stage="segmentation")), MaskNet(config)
    assert isinstance(first, MaskRcnn)
    taken = second.start_from(first)
    assert Counter(key.split(".")[0] for key in taken).keys() == {"backbone", "rpn", "roi_heads"}
    assert set(second.state_dict()) - set(taken) == {
        key for key in second.state_dict() if key.startswith("s2new")
    }
    name = "roi_heads.box_head.fc7.weight"
    assert second.get_parameter(name).equal(first.get_parameter(name))


def authors_spelling(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As an old checkpoint of the affinity model names its tensors, with aliases."""
    old = {}
    for key, value in state.items():
        spelled = key.replace("blocks.0.0.", "blocks.0.").replace(".conv_mask.", ".conv5_mask.")
        old[f"module.{spelled}"] = value
        if ".sieve.0." in key:
            old.update(
                {f"module.{key.replace('.sieve.0.', f'.sieve.{i}.')}": value for i in (1, 2)}
            )
    old["module.affinity_layer.pars.0"] = state["affinity_layer.batch_to_feat_mat"].clone()
    return old


def test_weights_under_the_authors_names_are_loaded() -> None:
    source, model = (
        OneShotAffinity(OneShotAffinityConfig()),
        OneShotAffinity(OneShotAffinityConfig()),
    )
    old = authors_spelling(source.state_dict())
    assert set(from_authors(model, old)) == set(model.state_dict())
    load_authors(model, old)
    assert all(v.equal(source.state_dict()[k]) for k, v in model.state_dict().items())


def test_weights_of_another_model_are_refused() -> None:
    model = affinity()
    state = dict(model.state_dict())
    with pytest.raises(InputRejected, match="another model"):
        load_authors(model, {k: v for k, v in state.items() if "s2new" not in k})
    with pytest.raises(InputRejected, match="shape"):
        load_authors(model, {**state, "s2new.fc_l1.bias": torch.zeros(3)})
    different = {**state, "affinity_layer.pars.1": torch.zeros(64, 1)}
    with pytest.raises(InputRejected, match="same tensor"):
        load_authors(model, different)


@pytest.mark.parametrize("name", list(DETECTORS))
def test_the_exported_graph_finds_the_same(name: str, tmp_path: Path) -> None:
    model, path = lively(DETECTORS[name]()), tmp_path / "model.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's age, and of sizes that never change
        names = list(model(cloudy(1))._fields)
        torch.onnx.export(
            model, (cloudy(1),), path, dynamo=False, opset_version=17, output_names=names
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    for seed in (1, 2):
        image = cloudy(1, seed)
        with torch.no_grad():
            want = model(image)
        got = session.run(names, {session.get_inputs()[0].name: image.numpy()})
        for field, value in zip(names, got, strict=True):
            close_enough(field, torch.from_numpy(value), getattr(want, field))


def close_enough(field: str, got: Tensor, want: Tensor) -> None:
    if "labels" in field:
        assert got.equal(want), field
    else:
        atol = 0.01 if field in ("boxes", "regions") else 1e-4
        torch.testing.assert_close(got, want, rtol=0.0, atol=atol, msg=field)
