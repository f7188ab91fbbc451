"""The training loop's laws: resuming changes nothing, a NaN stops it, the average follows."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from tests.synthetic import tiny_config, write_collection

from ctsieve.learning.loop import Diverged
from ctsieve.learning.module import area_under_curve
from ctsieve.models.la_dnn import LaDnn
from ctsieve.pipeline import fit as fitting
from ctsieve.pipeline.collection import open_collection
from ctsieve.pipeline.fit import Prepared, divide, train, training_batches
from ctsieve.pipeline.fit import prepared as prepared_data
from ctsieve.pipeline.fit_config import FitConfig


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_collection(tmp_path_factory.mktemp("collection"))


@pytest.fixture(scope="module")
def prepared(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    config = tiny_config()
    collection = open_collection(config, data, tmp_path_factory.mktemp("cache"))
    return prepared_data(collection, divide(config, collection.cases))


@pytest.fixture(autouse=True)
def _libraries_may_warn() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def state(network: LaDnn) -> dict[str, Any]:
    return {k: v.clone() for k, v in network.state_dict().items()}


def test_batches_depend_on_their_step_alone(prepared: Prepared) -> None:
    feed = training_batches(tiny_config(), prepared)
    again = training_batches(tiny_config(), prepared)
    assert len(feed) == 8
    late = again[5]
    assert torch.equal(feed[5].x, late.x)
    assert all(torch.equal(a, b) for a, b in zip(feed[5].target, late.target, strict=True))
    assert not torch.equal(feed[4].x, late.x)
    assert late.x.shape == (4, 1, 32, 32)


def test_a_resumed_run_ends_bit_for_bit_like_an_uninterrupted_one(
    prepared: Prepared, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config()
    whole = state(train(config, prepared, tmp_path / "whole", data=data))
    real = fitting.trainer_for

    def short(config: FitConfig, out: Path, *, progress: bool) -> Trainer:
        trainer = real(config, out, progress=progress)
        trainer.fit_loop.max_epochs = 2
        return trainer

    monkeypatch.setattr(fitting, "trainer_for", short)
    half = state(train(config, prepared, tmp_path / "parts", data=data))
    monkeypatch.setattr(fitting, "trainer_for", real)
    resumed = state(train(config, prepared, tmp_path / "parts", data=data, resume=True))
    assert any(not torch.equal(whole[k], half[k]) for k in whole)
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)


def test_a_nan_stops_the_run_and_leaves_the_weights(
    prepared: Prepared, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config()
    feed = training_batches(config, prepared)
    network = fitting.initial_network(config, feed, data)
    before = [p.detach().clone() for p in network.parameters()]
    monkeypatch.setattr(fitting, "initial_network", lambda *_: network)
    monkeypatch.setattr(
        fitting,
        "training_batches",
        lambda *_: [b._replace(x=b.x * float("nan")) for b in (feed[i] for i in range(8))],
    )
    with pytest.raises(Diverged, match="step 0"):
        train(config, prepared, tmp_path, data=data)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_area_under_curve_counts_ties_half() -> None:
    score = torch.tensor([0.1, 0.4, 0.4, 0.9])
    assert area_under_curve(score, torch.tensor([0.0, 0, 1, 1])) == pytest.approx(0.875)
    assert area_under_curve(score, torch.ones(4)) == 0.5
