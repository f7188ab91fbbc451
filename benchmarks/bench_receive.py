"""Instances received per second: the node, every file synchronised, beside dcmtk's storescp."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from benchmarks.table import Row
from ctsieve.node.inbox import Inbox
from ctsieve.node.listener import Listener
from ctsieve.node.settings import NodeSettings

NUMBER = 200
ROUNDS = 3
SYSTEM = "/usr/bin:/usr/local/bin"


def run() -> list[Row]:
    """Rows for one sender of 512 x 512 slices; all take turns on the same disk."""
    storescu, storescp = (shutil.which(n, path=SYSTEM) for n in ("storescu", "storescp"))
    if storescu is None or storescp is None:
        return []
    programs = {
        "storescp, nothing synchronised": (),
        "storescp, which synchronises each file before the next": (
            *("--exec-on-reception", "sync -d #p/#f"),
            "--exec-sync",
        ),
    }
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        _study(folder / "study")
        ours: list[float] = []
        theirs: dict[str, list[float]] = {peer: [] for peer in programs}
        for k in range(ROUNDS):
            with _node(folder / f"node{k}") as port:
                ours.append(_rate(storescu, port, folder / "study"))
            for number, (peer, options) in enumerate(programs.items()):
                with _storescp([storescp, *options], folder / f"scp{k}-{number}") as port:
                    theirs[peer].append(_rate(storescu, port, folder / "study"))
    return [_row(max(ours), peer, max(rates)) for peer, rates in theirs.items()]


def _row(ours: float, peer: str, theirs: float) -> Row:
    return Row(
        name=f"receive {NUMBER} slices of 512 x 512 by C-STORE, each synchronised",
        value=ours,
        unit="instances/s",
        peer=peer,
        peer_value=theirs,
        ratio=ours / theirs,
        target=">= 0.5x",
        note=f"best of {ROUNDS}; TCP_NODELAY for both senders",
    )


def _rate(storescu: str, port: int, study: Path) -> float:
    started = time.perf_counter()
    subprocess.run(
        [storescu, "-aec", "CTSIEVE", "-xe", "+sd", "127.0.0.1", str(port), str(study)],
        check=True,
        # Without it dcmtk waits for delayed acknowledgements, 40 ms an instance.
        env={**os.environ, "TCP_NODELAY": "1"},
        stdout=subprocess.DEVNULL,
    )
    return NUMBER / (time.perf_counter() - started)


@contextmanager
def _node(folder: Path) -> Iterator[int]:
    program = f"import benchmarks.bench_receive as b; b.serve({str(folder)!r})"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()


def serve(folder: str) -> None:
    """A listener in this process, until it is ended; prints its port."""
    settings = NodeSettings(port=0, min_free_mb=0)
    with Listener(settings, Inbox(Path(folder))) as listener:
        print(listener.port, flush=True)
        time.sleep(600)


@contextmanager
def _storescp(storescp: list[str], folder: Path) -> Iterator[int]:
    folder.mkdir()
    port = 11199
    command = [*storescp, "--max-pdu", "131072", "-od", str(folder), "-aet", "CTSIEVE", str(port)]
    with subprocess.Popen(command, env={**os.environ, "TCP_NODELAY": "1"}) as process:
        time.sleep(1.0)
        yield port
        process.terminate()


def _study(folder: Path) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    study, series = generate_uid(), generate_uid()
    for k in range(NUMBER):
        ds = pydicom.Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = study, series, "CT"
        ds.Rows = ds.Columns = 512
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.SamplesPerPixel, ds.PixelRepresentation = 15, 1, 1
        ds.PhotometricInterpretation = "MONOCHROME2"
        ds.PixelData = rng.integers(-1000, 1000, (512, 512), dtype=np.int16).tobytes()
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)
