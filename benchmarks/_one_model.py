"""One model in a process of its own: its graph beside the network, and both ways timed in turn.

`python -m benchmarks._one_model NAME` prints one JSON object.  The peer is the same network as in
the authors' scripts: eager torch, fp32, default memory layout, a Python loop over slices (a scan
goes through at once).  Both do the same work: masks of objects stay in their boxes.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import cast
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
from tests.parity import PUBLIC, load_fill
from torch import Tensor, nn

from ctsieve.export.agreement import largest_difference
from ctsieve.export.onnx import SCAN, export, write
from ctsieve.export.views import LooksAtOneImage, ReadsScans
from ctsieve.models import MODELS
from ctsieve.pipeline.golden_inputs import synthetic_chests
from ctsieve.pipeline.package import golden_inputs
from ctsieve.runtime import RUNTIMES, Runtime

WEIGHTS_SEED = 20
TEMPERED = {"mask-rcnn": ("roi_heads.box_predictor.cls_score.", 0.1)}
"""Weights to scale: as drawn, every object has the score 1, and there is no order to compare."""
PASTE = "ctsieve.models._detector.detector.paste"
SCAN_SLICES, SLICES = 16, 2
"""Slices of a scan, and of a network that looks at them one by one."""
FEWEST, MOST, PROCESSOR_S = 4, 16, 6.0
"""Pairs of runs, the first of which does not count; seconds after which the fewest do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one process found out; seconds are the least of all pairs, as nothing makes it less."""

    name: str
    parameters: int
    shape: tuple[int, ...]
    """Of the slices that one run judges."""
    graph: float
    """Largest difference between graph and network, see `export.agreement`."""
    graph_of_scores_only: bool
    """Whether every slice tried has objects with equal scores."""
    seconds: float
    peer_seconds: float
    ratio: float
    """How many times less wall time than the peer."""
    processor_ratio: float
    """How many times less processor time, a median: other programs hardly touch it."""
    processor_seconds: float
    """Of one run of ours, a median."""
    pairs: int
    threads: int
    date: str
    peak_mb: float


def measure(name: str, *, threads: int) -> Measured:
    """Build, export and time the default configuration of a model (preset `fixed`)."""
    torch.set_num_threads(threads)
    card = MODELS[name]
    model = with_golden_weights(card.build(card.config()).eval(), *TEMPERED.get(name, ("", 1.0)))
    number = SCAN_SLICES if isinstance(model, ReadsScans) else SLICES
    x = synthetic_chests(number, card.size)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        engine = opened(model, card.size, Path(folder), threads)
        graph, is_clear = disagreement(model, engine, card.size)
        times = in_turn(partial(engine.run, x), partial(naive, model, torch.from_numpy(x)))
    wall, processor = times[..., 0].min(axis=0), times[..., 1]
    return Measured(
        name=name,
        parameters=sum(p.numel() for p in model.parameters()),
        shape=x.shape,
        graph=graph,
        graph_of_scores_only=not is_clear,
        seconds=float(wall[0]),
        peer_seconds=float(wall[1]),
        ratio=float(wall[1] / wall[0]),
        processor_ratio=statistics.median(processor[:, 1] / processor[:, 0]),
        processor_seconds=statistics.median(processor[:, 0]),
        pairs=len(times),
        threads=threads,
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        peak_mb=peak_mb(),
    )


def with_golden_weights(model: nn.Module, tempered: str = "", factor: float = 1.0) -> nn.Module:
    """Weights by name and seed if the golden folder is at hand: first weights can be denormal.

    Those whose names begin with `tempered` are multiplied by `factor`.
    """
    try:
        fill = load_fill(PUBLIC)
    except FileNotFoundError:
        torch.manual_seed(WEIGHTS_SEED)
        return model
    drawn = fill.fill_state_dict(model.state_dict(), WEIGHTS_SEED)
    scaled = {k: v * factor for k, v in drawn.items() if tempered and k.startswith(tempered)}
    model.load_state_dict(drawn | scaled)
    return model


def opened(model: nn.Module, size: tuple[int, int], folder: Path, threads: int) -> Runtime:
    """The graphs as screening loads them."""
    path = write(export(model, size), folder)
    scan = path.with_name(SCAN)
    return cast(
        "Runtime",
        RUNTIMES["onnx"].load(path, scan=scan if scan.is_file() else None, threads=threads),
    )


def disagreement(model: nn.Module, engine: Runtime, size: tuple[int, int]) -> tuple[float, bool]:
    """Largest difference between graph and network, and whether it is of more than scores.

    Only slices whose objects have a clear order show more, so these are looked for.
    """
    x, is_clear = golden_inputs(model, size)
    worst = max(largest_difference(model, engine.run(part), part) for part in calls(model, x))
    return worst, is_clear


def calls(model: nn.Module, x: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """What the network is asked in one go: a scan, or slice after slice."""
    return [x] if isinstance(model, ReadsScans) else list(np.split(x, len(x)))


def naive(model: nn.Module, x: Tensor) -> None:
    """One forward as the authors' scripts do it."""
    if isinstance(model, ReadsScans):
        model(x[None], torch.ones(1, len(x), dtype=torch.bool))
        return
    with (
        patch(PASTE, _left_in_their_boxes) if isinstance(model, LooksAtOneImage) else nullcontext()
    ):
        for image in x.split(1):
            model(image)


def _left_in_their_boxes(masks: Tensor, _boxes: Tensor, _size: tuple[int, int]) -> Tensor:
    """Instead of pasting masks, which the graph leaves to whoever wants them on a grid."""
    return masks


def in_turn(ours: Callable[[], object], theirs: Callable[[], object]) -> npt.NDArray[np.float64]:
    """Wall and processor seconds (pairs, 2, 2): ours, then theirs; pairs begin in turn with either.

    There are more pairs where they are quick; one more before them warms up.
    """
    seconds: list[list[tuple[float, float]]] = []
    begin = time.process_time()
    while len(seconds) < FEWEST or (
        len(seconds) < MOST and time.process_time() - begin < PROCESSOR_S
    ):
        pair = [(0.0, 0.0), (0.0, 0.0)]
        for which in (0, 1) if len(seconds) % 2 else (1, 0):
            wall, processor = time.perf_counter(), time.process_time()
            (ours, theirs)[which]()
            pair[which] = time.perf_counter() - wall, time.process_time() - processor
        seconds.append(pair)
    return np.array(seconds[1:])


def peak_mb() -> float:
    """The most memory that this process has held; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Measure the named model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks._one_model")
    parser.add_argument("name")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    found = measure(options.name, threads=options.threads)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
