"""Every task on its real models: who learns, who copies, and what is kept gives the same result."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.learning.small import config, small_detector, write_pictures, write_scans
from torch import Tensor

from ctsieve.learning.feed import targets
from ctsieve.learning.folds import fold_name
from ctsieve.learning.objects import Naming, objects_of
from ctsieve.learning.task import Feed, Material, Task
from ctsieve.learning.tasks import TASKS, task_of
from ctsieve.models import MODELS
from ctsieve.models.la_dnn import LESIONS, LOSSES, LaDnn
from ctsieve.pipeline.architecture import build_network
from ctsieve.pipeline.settings import checked
from ctsieve.pipeline.train import configured_cases, divide, gather
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.types.errors import InputRejected, UnknownName, UsageError

DETECTOR: dict[str, dict[str, Any]] = {
    "model": {"settings": small_detector()},
    "input": {"size": [64, 64]},
    "task": {"kinds": [[1]], "min_area": 4},
    "run": {"batch_size": 1},
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scans(tmp_path_factory.mktemp("scans"))


def detector(name: str, **task: object) -> TrainConfig:
    """A small detector's run, with other settings of its task."""
    sections = DETECTOR | {"task": DETECTOR["task"] | task}
    return config(
        name,
        model=sections["model"],
        input=sections["input"],
        task=sections["task"],
        run=sections["run"],
    )


def put_together(
    chosen: TrainConfig, data: Path, out: Path
) -> tuple[Task[Any], Feed[Any], Material]:
    torch.manual_seed(0)
    card = task_of(chosen.model.name)
    split = divide(chosen, configured_cases(chosen, data))
    material, _ = gather(chosen, split, out, data=data)
    network = build_network(chosen.model, chosen.data.labels, folder=out)
    settings = checked(card.settings, chosen.task, below="task")
    return *card.build(network, settings, material), material


def test_every_model_is_trained_by_exactly_one_task() -> None:
    trained = sorted(name for card in TASKS.values() for name in card.models)
    assert trained == sorted(MODELS.names())
    with pytest.raises(UnknownName, match="no task trains 'nothing'"):
        task_of("nothing")


def test_a_batch_is_a_function_of_its_step(pictures: Path, tmp_path: Path) -> None:
    chosen = config("resnet18", task={"warp": {"mirror": 0.5, "degrees": 20.0}})
    _, feed, _ = put_together(chosen, pictures, tmp_path)
    late = feed.training(5)[0]
    feed.training(1)
    assert torch.equal(feed.training(5)[0].x, late.x)
    assert not torch.equal(feed.training(4)[0].x, late.x)
    assert late.x.shape == (4, 1, 32, 32)


def la_dnn(preset: str = "paper", **task: object) -> TrainConfig:
    """A small LA-DNN's run."""
    return config(
        "la-dnn",
        data={"labels": ["covid19"]},
        model={"preset": preset, "settings": {"backbone": "resnet18"}},
        run={"batch_size": 6, "piece_size": 3},
        task=task,
    )


@pytest.mark.parametrize("preset", ["paper", "fixed"])
def test_la_dnn_learns_by_the_loss_of_its_preset(
    preset: str, pictures: Path, tmp_path: Path
) -> None:
    task, feed, material = put_together(la_dnn(preset), pictures, tmp_path)
    for piece in feed.training(0):
        cases = [material.train.cases[number] for number in piece.cases]
        assert piece.target.covid.tolist() == [float(c.label == "covid19") for c in cases]
        task.model.eval()
        with torch.no_grad():
            ours = task.terms(piece, "all")
            theirs = LOSSES[preset](task.model(piece.x), targets(cases, LESIONS))
        assert ours.keys() == {"covid", "lesions"}
        torch.testing.assert_close(ours, theirs)


def test_la_dnn_without_lesion_weight_leaves_the_lesion_outputs(
    pictures: Path, tmp_path: Path
) -> None:
    task, feed, _ = put_together(la_dnn(lesion_weight=0.0), pictures, tmp_path)
    assert isinstance(task.model, LaDnn)
    sum(task.terms(feed.training(0)[0], "all").values()).backward()  # type: ignore[union-attr]
    moved = task.model.head.weight.grad
    assert moved is not None
    assert moved[0].abs().max() > 0.0
    assert moved[1:].abs().max() == 0.0


def test_pieces_of_a_la_dnn_step_do_not_share_their_dropout(pictures: Path, tmp_path: Path) -> None:
    task, _, _ = put_together(la_dnn(), pictures, tmp_path)
    seeds = {
        task.seed(run, step, "all", place)
        for run in (0, 1)
        for step in (0, 1)
        for place in range(4)
    }
    assert len(seeds) == 16


def test_la_dnn_tells_covid_from_everything_else_and_nothing_more(
    pictures: Path, tmp_path: Path
) -> None:
    three = la_dnn().model_copy(update={"data": config("resnet18").data})
    with pytest.raises(UsageError, match="tells covid19 from everything else"):
        put_together(three, pictures, tmp_path)


def test_kept_features_give_the_same_loss_and_gradients(scans: Path, tmp_path: Path) -> None:
    results = []
    for cached in (True, False):
        chosen = config(
            "resnet50-lstm-att2",
            kinds="volume",
            data={"labels": ["neither", "covid19"]},
            task={"length": 4, "versions": 2, "cached": cached, "warp": {"degrees": 10.0}},
        )
        task, feed, _ = put_together(chosen, scans, tmp_path / "run")
        task.begin("all")
        piece = feed.training(3)[0]
        loss = task.terms(piece, "all")["loss"]
        loss.backward()
        gradients = [p.grad for p in task.learners("all")]
        tune = task.judge(task.model.eval(), feed.tune(0))
        results.append((piece.x.ndim, loss.detach(), gradients, [row.values for row in tune]))
    (kept, loss, gradients, rows), (seen, loss2, gradients2, rows2) = results
    assert (kept, seen) == (3, 5)
    torch.testing.assert_close(loss, loss2)
    torch.testing.assert_close(gradients, gradients2, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(rows, rows2, rtol=1e-4, atol=1e-5)


def test_a_series_is_trained_as_its_model_computes_it(scans: Path, tmp_path: Path) -> None:
    chosen = config(
        "series-maxpool",
        kinds="volume",
        model={"settings": {"backbone": "googlenet"}},
        data={"labels": ["covid19"]},
    )
    task, feed, _ = put_together(chosen, scans, tmp_path)
    piece = feed.training(0)[0]
    assert piece.keep.sum(dim=1).min() < piece.keep.shape[1]
    task.model.eval()
    own = task.model(piece.x, piece.keep).logits
    rows = torch.tensor(
        [row.values for row in task.judge(task.model, piece._replace(cases=(0, 1, 2, 3)))]
    )
    torch.testing.assert_close(rows, own.detach(), rtol=1e-3, atol=1e-4)


def state(task: Task[Any]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in task.model.state_dict().items()}


@pytest.mark.parametrize(
    ("name", "rule", "losses", "copied"),
    [
        ("one-shot-lstm", "previous", [3.0, 2.0, 4.0, 3.5], [True, True, False, True]),
        ("single-shot", "best", [3.0, 2.0, 4.0, 3.5], [True, True, False, False]),
        ("single-shot", "never", [3.0], [False]),
    ],
)
def test_branches_copy_when_the_segmentation_improves(
    name: str, rule: str, losses: list[float], copied: list[bool], pictures: Path, tmp_path: Path
) -> None:
    chosen = detector(name, copy_when=rule)
    task, _, _ = put_together(chosen, pictures, tmp_path)
    twin, source = "roi_heads.box_head_s2.fc6.weight", "roi_heads.box_head.fc6.weight"
    for loss, wanted in zip(losses, copied, strict=True):
        with torch.no_grad():
            task.model.get_parameter(source).add_(1.0)
        task.before_step({"classification": 0.0})
        assert not torch.equal(task.model.get_parameter(twin), task.model.get_parameter(source))
        task.before_step({"segmentation": loss})
        same = torch.equal(task.model.get_parameter(twin), task.model.get_parameter(source))
        assert same == wanted
    again, _, _ = put_together(chosen, pictures, tmp_path)
    again.load_state_dict(task.state_dict())
    assert torch.equal(again.get_buffer("reference"), task.get_buffer("reference"))


def test_turns_alternate_or_combine(pictures: Path, tmp_path: Path) -> None:
    for order, turns in {
        "alternating": (("segmentation",), ("classification",)),
        "combined": (("segmentation", "classification"),),
    }.items():
        chosen = detector("single-shot", order=order)
        assert put_together(chosen, pictures, tmp_path)[0].turns == turns


def test_phases_that_a_model_does_not_learn_by_are_refused(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not learn by the classification"):
        put_together(detector("mask-rcnn"), pictures, tmp_path)


def test_whole_scans_are_refused_where_slices_are_read(scans: Path, tmp_path: Path) -> None:
    chosen = config("resnet18", kinds="volume", data={"labels": ["covid19"]})
    with pytest.raises(InputRejected, match="this model reads single ones"):
        put_together(chosen, scans, tmp_path)


def test_short_scans_are_refused_by_name(scans: Path, tmp_path: Path) -> None:
    chosen = config(
        "resnet50-lstm-att2",
        kinds="volume",
        data={"labels": ["neither", "covid19"]},
        task={"length": 9},
    )
    _, feed, _ = put_together(chosen, scans, tmp_path)
    with pytest.raises(InputRejected, match="slices and 9 are taken"):
        feed.tune(0)


def test_folds_hold_every_patient_out_once(pictures: Path) -> None:
    base = config("resnet18")
    cases = configured_cases(base, pictures)
    held = []
    for fold in (1, 2, 3):
        data = base.data.model_copy(update={"folds": 3, "fold": fold, "always_tune": ()})
        split = divide(base.model_copy(update={"data": data}), cases)
        assert fold_name(fold - 1) in split.name
        held += [case.patient for case in split.sides["tune"]]
    assert sorted(held) == sorted({case.patient for case in cases})


@pytest.mark.parametrize(
    ("values", "naming", "wanted"),
    [
        ((1, 2, 3), "rank", [1, 2, 3]),
        ((1, 3), "rank", [1, 2]),
        ((2, 3), "rank", [2, 3]),
        ((3,), "rank", [2]),
        ((1, 3), "value", [1, 3]),
        ((2,), "value", [2]),
    ],
)
def test_objects_are_named_by_value_or_as_the_authors_do(
    values: tuple[int, ...], naming: Naming, wanted: list[int]
) -> None:
    labels = np.zeros((20, 40), np.uint8)
    for place, value in enumerate(values):
        labels[4:9, 10 * place + 2 : 10 * place + 6] = value
    target = objects_of(labels, [[1], [2], [3]], min_area=3, naming=naming)
    assert target.labels.tolist() == wanted
    for box, mask in zip(target.boxes.int().tolist(), target.masks, strict=True):
        left, top, right, bottom = box
        assert mask[top:bottom, left:right].all()
        assert int(mask.sum()) == (right - left) * (bottom - top)


def test_small_parts_are_no_objects_and_no_mask_means_none() -> None:
    labels = np.zeros((12, 12), np.uint8)
    labels[2:4, 2:4] = 1
    assert len(objects_of(labels, [[1]], min_area=3).labels) == 1
    nothing = objects_of(labels, [[1]], min_area=4)
    assert nothing.boxes.shape == (0, 4)
    assert nothing.masks.shape == (0, 12, 12)


@pytest.fixture(autouse=True)
def _libraries_may_warn() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
