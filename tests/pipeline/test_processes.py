"""One run on two processes: the same weights as on one, and a clear end when one is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.learning.small import write_scans

pytestmark = pytest.mark.slow

SETTINGS = """
[data]
sets = ["phantom"]
kinds = ["volume"]
labels = ["covid19"]
slices = "all"
tune_share = 0.0
always_tune = ["p0", "p1", "p2"]

[input]
size = [32, 32]

[model]
name = "series-maxpool"
preset = "fixed"
initial = "random"

[model.settings]
backbone = "googlenet"

[optimiser]
learning_rate = 1e-2

[run]
epochs = 2
steps_per_epoch = 2
batch_size = 4
piece_size = 2
accelerator = "cpu"
"""


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """`ctsieve fit` on a tiny data set, but for --out."""
    data = write_scans(tmp_path / "data")
    file = tmp_path / "tiny.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    return ["fit", str(file), "--data", str(data)]


def start(arguments: Sequence[str]) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "ctsieve", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    text, _ = process.communicate(timeout=900)
    assert process.returncode == 0, text
    return text


def test_two_processes_end_with_the_weights_of_one(arguments: list[str], tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    finish(start([*arguments, "--out", str(one)]))
    finish(start([*arguments, "--out", str(two), "--devices", "2"]))
    first, second = (load_file(folder / "weights.safetensors") for folder in (one, two))
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=1e-4, atol=1e-6)
    assert (one / "curves.csv").is_file()
    assert (two / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_a_killed_process_ends_the_run_which_can_go_on(
    arguments: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    long = [*arguments, "--out", str(out), "--set", "run.epochs=5000", "--devices", "2"]
    process = start(long)
    last = out / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 600
    while not last.is_file() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    os.kill(_children(process.pid)[-1], signal.SIGKILL)
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 6, text
    assert "ended with SIGKILL, and the others with it" in text
    assert "run the same command with --resume" in text
    kept = torch.load(last, weights_only=True)
    assert kept["epoch"] >= 0
    assert not _children(process.pid)


def _children(parent: int) -> list[int]:
    """Processes that `parent` started, in the order of their numbers."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    numbers = [int(word) for word in found.stdout.split()]
    return sorted(n for n in numbers if Path(f"/proc/{n}").exists())
