"""The main job on a 300-slice study: where time and memory go, the network beside torch."""

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.table import Row, median_seconds
from ctsieve.ops.prepare import prepare
from ctsieve.ops.resample import resample
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.phantoms.presets import preset
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.write import write
from ctsieve.readers import read_study
from ctsieve.runtime import ModelOutput, Progress, Runtime
from ctsieve.types.volume import CTVolume

NUM_SLICES = 300
BATCH = 16
COLD_LIMIT_GB = 1.5


class Timed:
    """A runtime that adds up its own time."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.seconds = 0.0

    @property
    def outputs(self) -> tuple[str, ...]:
        """As the runtime says."""
        return self._runtime.outputs

    def run(self, x: npt.NDArray[np.float32], *, progress: Progress | None = None) -> ModelOutput:
        """Run and add the time."""
        start = time.perf_counter()
        output = self._runtime.run(x, progress=progress)
        self.seconds += time.perf_counter() - start
        return output


def run() -> list[Row]:
    """Every row of the main job."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        save_dicom(large_volume(), study, habit="plain")
        return [*_stages(study, Path(folder) / "out"), _memory(study), *_network(study)]


def large_volume() -> CTVolume:
    """A phantom of 60 slices interpolated to 300: anatomy throughout, made in seconds."""
    small = make_phantom(preset("covid", seed=7, num_slices=60, matrix=512)).volume
    grid = small.geometry.window_of((0, 0, 0), small.geometry.shape, (NUM_SLICES, 512, 512))
    values = resample(small.hu, source=small.geometry, target=grid, outside=-1000.0)
    return CTVolume(hu=np.rint(values).astype(np.int16), geometry=grid, provenance=small.provenance)


def _stages(study: Path, out: Path) -> list[Row]:
    screener = Screener.load()
    timed = Timed(screener._runtime)
    screener = Screener(screener.bundle, timed)
    write(screener.screen(read_study(study)), out)
    timed.seconds = 0.0
    start = time.perf_counter()
    image = read_study(study)
    read = time.perf_counter()
    screening = screener.screen(image)
    judged = time.perf_counter()
    write(screening, out)
    done = time.perf_counter()
    network = timed.seconds
    total = done - start
    other = total - (read - start) - network
    return [
        Row(name="screen 300 slices, all in all", value=total, unit="s"),
        Row(name="- read and decode", value=read - start, unit="s"),
        Row(name="- network", value=network, unit="s"),
        Row(name="- gate, lungs, prepare, explain", value=judged - read - network, unit="s"),
        Row(name="- write JSON and HTML", value=done - judged, unit="s"),
        Row(
            name="share outside decode and network",
            value=100 * other / total,
            unit="%",
            target="< 20 %",
        ),
    ]


def _memory(study: Path) -> Row:
    """Peak resident memory of the command in a process of its own."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "ctsieve", "screen", str(study), "--out", out]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
    return Row(
        name="`ctsieve screen`, peak memory",
        value=usage.ru_maxrss / 1024**2,
        unit="GB",
        target=f"< {COLD_LIMIT_GB} GB",
        note=f"processor time {usage.ru_utime + usage.ru_stime:.1f} s, start included",
    )


def _network(study: Path) -> list[Row]:
    """The default bundle's graphs beside the same weights in eager torch, on real content."""
    try:
        from benchmarks._torch_peer import eager
    except ImportError:
        return [Row(name="network", value=float("nan"), unit="slices/s", note="torch is absent")]
    screener = Screener.load()
    volume = read_study(study)
    assert isinstance(volume, CTVolume)
    keep = np.zeros(NUM_SLICES, dtype=bool)
    keep[100 : 100 + BATCH * 4] = True
    x = prepare(volume, screener.bundle.recipe.input, keep=keep, box=None).x
    peer = eager(screener.bundle)
    rows = []
    for graph in ("model.onnx", "model.int8.onnx"):
        path = screener.bundle.folder / graph
        if not path.is_file():
            continue
        from ctsieve.runtime.onnx import load

        ours, theirs = median_seconds(partial(load(path).run, x), partial(peer, x))
        used = " (answers)" if graph == screener.bundle.manifest.preferred else ""
        rows.append(
            Row(
                name=f"network, {graph}{used}",
                value=x.shape[0] / ours,
                unit="slices/s",
                peer="eager torch fp32",
                peer_value=x.shape[0] / theirs,
                ratio=theirs / ours,
                target=">= 2.5x" if used else "",
            )
        )
    return rows
