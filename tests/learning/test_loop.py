"""Laws of the one loop: resuming, dividing a batch, averaging and stopping change nothing else."""

import errno
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn

from ctsieve.learning.checkpoints import AtomicCheckpoints, require_room
from ctsieve.learning.feeding import FeedModule
from ctsieve.learning.history import History
from ctsieve.learning.loop import Diverged, Learner, OptimiserSettings
from ctsieve.learning.task import ALL, Feed, Judged, Task, Terms
from ctsieve.pipeline.trainer import LAST
from ctsieve.types.errors import OutOfResources

STEPS = 3
"""An epoch's."""


class Numbers(NamedTuple):
    """Inputs and what should come of them."""

    x: Tensor
    y: Tensor


class Line(Task[Numbers]):
    """A noisy linear model: dropout makes random numbers matter."""

    def __init__(self) -> None:
        torch.manual_seed(5)
        super().__init__(nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.3), nn.Linear(3, 1)))
        self.seen: list[float] = []

    def terms(self, piece: Numbers, phase: str) -> Terms:
        """A fit and a size."""
        assert phase == ALL
        error = (self.model(piece.x)[:, 0] - piece.y).square().mean()
        return {"error": error, "size": 0.01 * self.model(piece.x).abs().mean()}

    def before_step(self, losses: Mapping[str, float]) -> None:
        """Remember them."""
        self.seen += losses.values()

    def judge(self, model: nn.Module, piece: Numbers) -> list[Judged]:
        """One value for each point."""
        return [Judged(n, (float(v),)) for n, v in enumerate(model(piece.x)[:, 0])]

    def figures(self, judged: Sequence[Judged]) -> dict[str, float]:
        """A loss."""
        return {"loss": sum(row.values[0] ** 2 for row in judged) / len(judged)}


class Points(Feed[Numbers]):
    """Points near a plane, eight a step in `pieces` pieces."""

    steps_per_epoch = STEPS
    num_tune = 1

    def __init__(self, pieces: int = 1, *, broken_at: int = -1) -> None:
        self.pieces, self.broken_at = pieces, broken_at

    def training(self, step: int) -> Sequence[Numbers]:
        """Points of a step."""
        random = torch.Generator().manual_seed(step)
        x = torch.rand(8, 4, generator=random)
        y = x.sum(dim=1) * (float("nan") if step == self.broken_at else 1.0)
        return [
            Numbers(*part) for part in zip(x.chunk(self.pieces), y.chunk(self.pieces), strict=True)
        ]

    def tune(self, number: int) -> Numbers:
        """Points of no step."""
        return self.training(1000 + number)[0]


def run(
    out: Path,
    *,
    epochs: int = 4,
    feed: Points | None = None,
    resume: bool = False,
    **settings: Any,  # noqa: ANN401  # of the optimiser
) -> Learner:
    """Train `Line` for some epochs of a run planned for four."""
    chosen = OptimiserSettings(learning_rate=0.05, **settings)
    learner = Learner(Line(), chosen, num_steps=4 * STEPS, seed=2)
    history = History(out / "curves.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=epochs,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            logger=False,
            plugins=[AtomicCheckpoints()],
            callbacks=[
                history,
                ModelCheckpoint(out, filename=LAST, enable_version_counter=False),
            ],
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(
            learner,
            datamodule=FeedModule(feed or Points()),
            ckpt_path=str(out / f"{LAST}.ckpt") if resume else None,
            weights_only=True,
        )
    return learner


def weights(learner: Learner) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in learner.state_dict().items()}


def same(first: Learner, second: Learner) -> bool:
    a, b = weights(first), weights(second)
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    "chosen",
    [
        {"kind": "adam", "weight_decay": 0.1},
        {"kind": "adamw", "schedule": "cosine", "warmup": 2, "average": 0.5},
        {"kind": "sgd", "clip": 0.1},
    ],
    ids=lambda chosen: str(chosen["kind"]),
)
def test_a_resumed_run_ends_bit_for_bit_like_an_uninterrupted_one(
    chosen: dict[str, Any], tmp_path: Path
) -> None:
    whole = run(tmp_path / "whole", **chosen)
    half = run(tmp_path / "parts", epochs=2, **chosen)
    resumed = run(tmp_path / "parts", resume=True, **chosen)
    assert not same(whole, half)
    assert same(whole, resumed)
    both = [(tmp_path / name / "curves.csv").read_text() for name in ("whole", "parts")]
    assert both[0] == both[1]
    assert len(both[0].splitlines()) == 5


def test_smaller_pieces_make_the_same_mean_gradient(tmp_path: Path) -> None:
    whole, parts = (_without_dropout(tmp_path / str(n), Points(n)) for n in (1, 4))
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def _without_dropout(out: Path, feed: Points) -> Learner:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Line, "begin", lambda self, _: self.model.eval())
        return run(out, feed=feed)


def test_a_nan_stops_before_the_step_and_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    good = run(tmp_path / "good", epochs=1)
    with pytest.raises(Diverged, match=f"'error' is nan at step {STEPS}"):
        run(tmp_path / "bad", feed=Points(broken_at=STEPS))
    kept = torch.load(tmp_path / "bad" / f"{LAST}.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(kept[name], value) for name, value in weights(good).items())


def test_the_average_follows_the_weights(tmp_path: Path) -> None:
    learner = run(tmp_path, epochs=1, average=0.9)
    assert learner.result is not learner.task.model
    gap = [
        float((a - b).detach().abs().max())
        for a, b in zip(learner.result.parameters(), learner.task.model.parameters(), strict=True)
    ]
    assert 0.0 < max(gap) < 1.0


def test_a_full_disk_is_said_in_a_sentence_and_leaves_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    saver = AtomicCheckpoints()
    saver.save_checkpoint({"a": torch.ones(2)}, path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutOfResources, match="no room for checkpoint") as caught:
        saver.save_checkpoint({"a": torch.zeros(2)}, path)
    assert "--resume" in caught.value.hint
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_run_that_cannot_fit_on_the_disk_is_refused(tmp_path: Path) -> None:
    require_room(tmp_path, 1000)
    with pytest.raises(OutOfResources, match="are free"):
        require_room(tmp_path, 10**15)
