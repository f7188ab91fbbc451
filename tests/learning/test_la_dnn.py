"""LA-DNN under the common loop: resuming changes nothing, a NaN stops it, the average follows."""

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from tests.synthetic import tiny_config, write_collection
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ctsieve.learning.loop import Diverged
from ctsieve.learning.task import Judged
from ctsieve.models.la_dnn import LaDnn, fixed_loss
from ctsieve.pipeline import fit as fitting
from ctsieve.pipeline.collection import open_collection
from ctsieve.pipeline.fit import (
    LARGEST_GRADIENT,
    Prepared,
    divide,
    initial_network,
    task_for,
    train,
    training_batches,
)
from ctsieve.pipeline.fit import prepared as prepared_data
from ctsieve.pipeline.trainer import trainer_for


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
    real = trainer_for

    def short(*plan: Any, **options: Any) -> Trainer:  # noqa: ANN401  # whatever it takes
        trainer = real(*plan, **options)
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


def test_the_loop_takes_the_steps_that_a_plain_loop_would(
    prepared: Prepared, data: Path, tmp_path: Path
) -> None:
    """Autograd, AdamW, a clipped norm, a cosine and an average, spelled out: the same bits."""
    config = tiny_config(stages=[{"size": 32, "epochs": 2}])
    ours = state(train(config, prepared, tmp_path, data=data))
    settings, feed = config.optimiser, training_batches(config, prepared)
    torch.manual_seed(config.run.seed)
    model = initial_network(config, feed, data)
    average = AveragedModel(
        model, multi_avg_fn=get_ema_multi_avg_fn(settings.average), use_buffers=True
    )
    for block in model.blocks[: settings.frozen_blocks]:
        block.requires_grad_(requires_grad=False)
    head = list(model.head.parameters())
    body = [p for p in model.parameters() if p.requires_grad and not any(p is h for h in head)]
    rate = settings.learning_rate
    adam = torch.optim.AdamW(
        [{"params": body, "lr": rate}, {"params": head, "lr": rate * settings.head_factor}],
        weight_decay=settings.weight_decay,
    )
    rates = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda step: 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / len(feed))))
    )
    for step in range(len(feed)):
        model.train()
        for block in model.blocks[: settings.frozen_blocks]:
            block.eval()
        torch.manual_seed(config.run.seed * 1_000_003 + step)
        adam.zero_grad()
        sum(fixed_loss(model(feed[step].x), feed[step].target).values()).backward()  # type: ignore[union-attr]
        torch.nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT)
        adam.step()
        rates.step()
        average.update_parameters(model)
    theirs = average.module.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_tune_figures_of_one_label_only_are_those_of_chance(prepared: Prepared, data: Path) -> None:
    config = tiny_config()
    network = initial_network(config, training_batches(config, prepared), data)
    cases = prepared.split.sides["tune"]
    task = task_for(config, network, cases)
    healthy = [i for i, case in enumerate(cases) if case.label != "covid19"]
    figures = task.figures([Judged(i, (0.0,)) for i in healthy])
    assert figures == {"covid": pytest.approx(math.log(2.0)), "auc": 0.5}


def test_without_lesion_weight_the_lesion_outputs_stay_as_they_were(
    prepared: Prepared, data: Path, tmp_path: Path
) -> None:
    config = tiny_config(stages=[{"size": 32, "epochs": 1}])
    alone = config.model_copy(
        update={
            "optimiser": config.optimiser.model_copy(
                update={"lesion_weight": 0.0, "weight_decay": 0.0, "average": 0.0}
            )
        }
    )
    torch.manual_seed(config.run.seed)
    before = initial_network(alone, training_batches(alone, prepared), data).head.weight.detach()
    after = train(alone, prepared, tmp_path, data=data).head.weight.detach()
    assert torch.equal(before[1:], after[1:])
    assert not torch.equal(before[:1], after[:1])
