"""What a network learns from and what it is asked about are one preparation."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.learning.small import config, write_pictures, write_scans
from torch import nn

from ctsieve.learning.classification import Scans, Slices
from ctsieve.learning.feed import Batch
from ctsieve.learning.task import Feed, Task
from ctsieve.learning.tasks import task_of
from ctsieve.pipeline.architecture import build_network
from ctsieve.pipeline.settings import checked
from ctsieve.pipeline.train import configured_cases, divide, gather
from ctsieve.pipeline.train_config import TrainConfig

UNCHANGED = {"warp": {"degrees": 0.0, "cut": 1.0}}
TWO: dict[str, Any] = {"labels": ("neither", "covid19"), "tune_share": 0.5, "always_tune": []}
SCANS: dict[str, Any] = {
    "kinds": "volume",
    "data": TWO,
    "run": {"batch_size": 4, "piece_size": 2},
    "task": UNCHANGED,
}
GOOGLENET = {"settings": {"backbone": "googlenet", "num_classes": 2}}
CHOSEN: dict[str, TrainConfig] = {
    "lesions": config(
        "la-dnn", data={"labels": ("covid19",)}, run={"piece_size": 2}, task={"warp": {}}
    ),
    "slices": config("resnet18", run={"piece_size": 2}),
    "series": config("series-bilstm", model=GOOGLENET, **SCANS),
    "embedded": config(
        "resnet50-lstm-att2",
        **SCANS | {"task": {"length": 4, "versions": 0}},
        model={"settings": {"num_classes": 2}},
    ),
}


def both_ways(chosen: TrainConfig, tmp_path: Path) -> tuple[Task[Any], Feed[Any]]:
    """A task that is asked about the very cases that it learns from."""
    write = write_scans if chosen.data.kinds == ("volume",) else write_pictures
    data = write(tmp_path / "data")
    card = task_of(chosen.model.name)
    split = divide(chosen, configured_cases(chosen, data))
    material, _ = gather(chosen, split, tmp_path, data=data)
    network = build_network(chosen.model, chosen.data.labels, folder=tmp_path)
    settings = checked(card.settings, chosen.task, below="task")
    return card.build(network, settings, replace(material, tune=material.train))


@pytest.mark.parametrize("name", CHOSEN)
def test_with_no_changes_training_shows_what_evaluation_shows(name: str, tmp_path: Path) -> None:
    """Bit for bit, case by case, class by class: window, size, cut, order and direction."""
    _, feed = both_ways(CHOSEN[name], tmp_path)
    asked: dict[int, tuple[torch.Tensor, int]] = {}
    for number in range(feed.num_tune):
        piece = feed.tune(number)
        asked |= {case: _row(piece, row) for row, case in enumerate(piece.cases)}
    seen = set()
    for step in range(4):
        for piece in feed.training(step):
            for row, case in enumerate(piece.cases):
                image, label = _row(piece, row)
                assert torch.equal(image, asked[case][0])
                assert label == asked[case][1]
                seen.add(case)
    assert len(seen) > len(asked) / 2


def _row(piece: Slices | Scans | Batch, row: int) -> tuple[torch.Tensor, int]:
    """Image or slices of one case, without padding, and its class; or, in bits, its flags too."""
    if isinstance(piece, Batch):
        flags = [piece.target.covid[row : row + 1], piece.target.lesions[row]]
        bits = torch.cat([*flags, piece.target.known[row]]).int().tolist()
        return piece.x[row], int("".join(map(str, bits)), 2)
    image = piece.x[row][piece.keep[row]] if isinstance(piece, Scans) else piece.x[row]
    return image, int(piece.classes[row])


def test_places_without_a_slice_do_not_enter_the_statistics(tmp_path: Path) -> None:
    """Batch norm of the trained layers moves as if padding did not exist, whatever stands in it."""
    task, feed = both_ways(CHOSEN["series"], tmp_path)
    piece = next(p for step in range(4) for p in feed.training(step) if not p.keep.all())
    before = {name: value.clone() for name, value in task.model.state_dict().items()}
    moved = []
    for filling in (0.0, 1e3):
        task.model.load_state_dict(before)
        task.begin("all")
        x = piece.x.masked_fill(~piece.keep[:, :, None, None, None], filling)
        task.terms(piece._replace(x=x), "all")["loss"].backward()
        moved.append(_statistics(task.model))
    assert moved[0].keys() == moved[1].keys()
    assert all(torch.equal(moved[0][name], moved[1][name]) for name in moved[0])
    trained = [name for name in moved[0] if name.startswith("inception5")]
    frozen = moved[0].keys() - set(trained)
    assert trained
    assert not any(torch.equal(before[name], moved[0][name]) for name in trained)
    assert frozen
    assert all(torch.equal(before[name], moved[0][name]) for name in frozen)


def _statistics(model: nn.Module) -> dict[str, torch.Tensor]:
    state = model.state_dict()
    return {name: value.clone() for name, value in state.items() if name.endswith("running_mean")}
