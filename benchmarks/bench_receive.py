"""Instances received per second: the node, every file synchronised, beside dcmtk's storescp.

Waiting for a disk is mostly waiting for a processor to come back from elsewhere: on a machine that
works for others too, `chrt --fifo 10 python -m benchmarks bench_receive` gives every program here
the right of way, and the figures of a machine that does not.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGLosslessSV1, generate_uid

from benchmarks.table import Row
from ctsieve.node.inbox import Inbox
from ctsieve.node.listener import Listener
from ctsieve.node.settings import NodeSettings
from ctsieve.node.station import MAX_TICK_SECONDS

NUMBER = 200
ROUNDS = 3
SENDERS = (1, 4)
COMPRESSED_BYTES = 250_000
"""Of a slice of 512 x 512 as JPEG without loss, as in COVID-CT-MD."""
SYSTEM = "/usr/bin:/usr/local/bin"
PROFILES = Path(__file__).parents[1] / "tests" / "node" / "storescu.cfg"
PEERS = {
    "storescp --fork, nothing synchronised": (),
    "storescp --fork, a sync of each file": (
        *("--exec-on-reception", "sync -d #p/#f"),
        "--exec-sync",
    ),
}


def run() -> list[Row]:
    """Rows for one and four senders of slices of 512 x 512; all take turns on the same disk."""
    storescu, storescp = (shutil.which(n, path=SYSTEM) for n in ("storescu", "storescp"))
    if storescu is None or storescp is None:
        return []
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        for kind in ("plain", "JPEG"):
            studies = [_study(folder / f"{kind}{k}", kind) for k in range(max(SENDERS))]
            for number in SENDERS:
                rates = _rates((storescu, storescp), studies[:number], folder / "kept")
                rows += _rows(kind, number, rates, floor=_floor(studies[0], folder / "floor"))
    return rows


def _rates(
    programs: tuple[str, str], studies: Sequence[Path], folder: Path
) -> dict[str, list[float]]:
    storescu, storescp = programs
    found: dict[str, list[float]] = {peer: [] for peer in ("", *PEERS)}
    for _ in range(ROUNDS):
        for peer, rates in found.items():
            with ExitStack() as stack:
                stack.callback(shutil.rmtree, folder)
                server = _storescp([storescp, *PEERS[peer]], folder) if peer else _node(folder)
                rates.append(_rate(storescu, stack.enter_context(server), studies))
    return found


def _rows(kind: str, number: int, rates: dict[str, list[float]], *, floor: float) -> list[Row]:
    ours = max(rates[""])
    return [
        Row(
            name=f"receive {kind} slices of 512 x 512 by C-STORE, each synchronised; "
            f"senders: {number}",
            value=ours,
            unit="instances/s",
            peer=peer,
            peer_value=max(rates[peer]),
            ratio=ours / max(rates[peer]),
            target=">= 0.5x",
            note=f"best of {ROUNDS}; TCP_NODELAY for all; a bare write and fsync of such a file: "
            f"{floor:.0f}/s",
        )
        for peer in PEERS
    ]


def _rate(storescu: str, port: int, studies: Sequence[Path]) -> float:
    """Instances a second from the first sender's start to the last one's end."""
    command = [storescu, "-xf", str(PROFILES), "CT", "-aec", "CTSIEVE", "+sd", "127.0.0.1"]
    started = time.perf_counter()
    senders = [
        subprocess.Popen(
            [*command, str(port), str(study)],
            # Without it dcmtk's receiver waits for delayed acknowledgements, 40 ms an instance.
            env={**os.environ, "TCP_NODELAY": "1"},
            stdout=subprocess.DEVNULL,
        )
        for study in studies
    ]
    assert [sender.wait() for sender in senders] == [0] * len(senders)
    return NUMBER * len(studies) / (time.perf_counter() - started)


def _floor(study: Path, folder: Path) -> float:
    """Files a second of one program that does nothing but write and synchronise them."""
    folder.mkdir()
    content = min(study.iterdir()).read_bytes()
    started = time.perf_counter()
    for k in range(NUMBER):
        with (folder / str(k)).open("wb", buffering=0) as file:
            file.write(content)
            os.fsync(file.fileno())
    rate = NUMBER / (time.perf_counter() - started)
    shutil.rmtree(folder)
    return rate


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
    inbox = Inbox(Path(folder), journal_bytes=settings.journal_mb << 20)
    with inbox, Listener(settings, inbox) as listener:
        print(listener.port, flush=True)
        while True:
            # As a node does: the journal gets room meanwhile.
            inbox.hand_over(_nobody, quiet_seconds=settings.quiet_seconds)
            time.sleep(MAX_TICK_SECONDS)


def _nobody(files: Mapping[str, Path], sender: str) -> str:  # noqa: ARG001
    raise RuntimeError("no study is complete within a benchmark")


@contextmanager
def _storescp(storescp: list[str], folder: Path) -> Iterator[int]:
    folder.mkdir()
    port = 11199
    command = [*storescp, "--fork", "--prefer-lossless", "--max-pdu", "131072"]
    command += ["-od", str(folder), "-aet", "CTSIEVE", str(port)]
    with subprocess.Popen(command, env={**os.environ, "TCP_NODELAY": "1"}) as process:
        time.sleep(1.0)
        yield port
        process.terminate()


def _study(folder: Path, kind: str) -> Path:
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
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        if kind == "JPEG":
            # Nobody decodes it on the way: its size is what counts.
            ds.PixelData = encapsulate([rng.bytes(COMPRESSED_BYTES)])
            ds.file_meta.TransferSyntaxUID = JPEGLosslessSV1
        else:
            ds.PixelData = rng.integers(-1000, 1000, (512, 512), dtype=np.int16).tobytes()
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)
    return folder
