"""A family of two turns a step resumes and is shared by processes like one of a single turn."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ctsieve.phantoms.cohort import CohortConfig, make_cohort
from ctsieve.pipeline.train import train
from ctsieve.pipeline.train_config import TrainConfig

pytestmark = pytest.mark.slow
CONFIGS = Path(__file__).parents[2] / "configs"
DETECTOR = "model.settings.detector"
SETTINGS = (
    *("data.sets=['phantom']", "data.labels=['neither', 'covid19']", "data.tune_share=0.4"),
    *("input.size=[64, 64]", "model.initial=random", "task.only_segment=[]", "task.min_area=4"),
    *(f"{DETECTOR}.backbone.name=resnet18", f"{DETECTOR}.backbone.last_layer=2"),
    *(f"{DETECTOR}.backbone.channels=16", f"{DETECTOR}.branches.box_features=16"),
    *("run.steps_per_epoch=2", "run.batch_size=2", "run.piece_size=1", "run.accelerator=cpu"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = CohortConfig(num_slices=12, matrix=48, pictures_each=1, kinds=("normal", "covid"))
    folder = tmp_path_factory.mktemp("cohort")
    make_cohort(folder, num_patients=8, seed=2, config=config)
    return folder


def settings(epochs: int) -> TrainConfig:
    return TrainConfig.load(
        CONFIGS / "one-shot-lstm-attention.toml", [*SETTINGS, f"run.epochs={epochs}"]
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return {name: value for name, value in state.items() if name.startswith("task.")}


def test_one_shot_resumes_bit_for_bit(data: Path, tmp_path: Path) -> None:
    """Two turns, copied branches, their reference loss: all of it is in the checkpoint."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(settings(2), tmp_path / "whole", data=data)
        train(settings(1), tmp_path / "parts", data=data)
        half = weights(tmp_path / "parts")
        (tmp_path / "parts" / "config.json").unlink()  # the same run, asked for longer
        train(settings(2), tmp_path / "parts", data=data, resume=True)
    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    assert any(not torch.equal(value, half[name]) for name, value in whole.items())


def test_torchrun_shares_one_shot_between_two_processes(data: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(settings(1), tmp_path / "one", data=data)
    chosen = [f"--set={setting}" for setting in (*SETTINGS, "run.epochs=1")]
    config = str(CONFIGS / "one-shot-lstm-attention.toml")
    command = ["fit", config, "--data", str(data), "--out", str(tmp_path / "two")]
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "ctsieve"]
    done = subprocess.run(
        [sys.executable, *launcher, *command, *chosen, "--devices", "2"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    one, two = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    counted = ("running_mean", "running_var", "num_batches_tracked")  # of a process's own pieces
    learned = {name: value for name, value in one.items() if not name.endswith(counted)}
    for name, value in learned.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-5)


def test_bfloat16_and_channels_last_train_in_single_precision_weights(
    data: Path, tmp_path: Path
) -> None:
    config = TrainConfig.load(
        CONFIGS / "slice-baseline.toml",
        [
            *("data.sets=['phantom']", "data.labels=['neither', 'covid19']"),
            *("data.tune_share=0.4", "input.size=[32, 32]", "model.name=resnet18"),
            *("model.initial=random", "run.epochs=1", "run.batch_size=4", "run.accelerator=cpu"),
            *("run.precision=bf16-mixed", "run.channels_last=true", "optimiser.average=0.5"),
        ],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = load_file(train(config, tmp_path, data=data))
    floats = [value for value in found.values() if value.is_floating_point()]
    assert {value.dtype for value in floats} == {torch.float32}
    assert all(value.isfinite().all() for value in floats)
