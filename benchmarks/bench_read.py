"""Reading a JPEG Lossless series from disk beside what others use, in one process, in turns.

Peers, each only where it is installed: a plain sequential pydicom loop with each decoder plugin
that reads the series (python-gdcm; pylibjpeg-libjpeg, GPL), and SimpleITK's series reader.  Ours
does more in its time: it chooses the series, checks and canonicalises the grid, rescales to HU and
hashes every file.
"""

import importlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pydicom

from benchmarks.table import Row, median_seconds
from ctsieve.readers import read_study

DATA = Path(os.environ.get("CTSIEVE_DATA", Path(__file__).parents[2] / "shared" / "data"))
SERIES = "covid_ct_md/P001"
REPEATS = 9


def run() -> list[Row]:
    """One row per peer, and one for ours on a single thread."""
    folder = DATA / SERIES
    if not folder.is_dir():
        return [Row(name="read a series", value=float("nan"), unit="s", note="data is absent")]
    peers = _peers(folder)
    calls: list[Callable[[], object]] = [
        partial(read_study, folder),
        partial(read_study, folder, workers=1),
        *peers.values(),
    ]
    ours, single, *theirs = median_seconds(*calls, repeats=REPEATS, warm_up=2)
    files = len(list(folder.iterdir()))
    rows = [
        Row(
            name=f"read {files} slices, JPEG Lossless",
            value=ours,
            unit="s",
            peer="ours, one thread",
            peer_value=single,
            ratio=single / ours,
            note=f"{files / ours:.0f} slices/s on {os.cpu_count()} cores",
        )
    ]
    targets = {"SimpleITK": ">= 1x"}
    for name, seconds in zip(peers, theirs, strict=True):
        rows.append(
            Row(
                name="- the same",
                value=ours,
                unit="s",
                peer=name,
                peer_value=seconds,
                ratio=seconds / ours,
                target=targets.get(name, ">= 3x"),
            )
        )
    return rows


def _peers(folder: Path) -> dict[str, Callable[[], object]]:
    found: dict[str, Callable[[], object]] = {}
    for plugin, module in (("gdcm", "gdcm"), ("pylibjpeg", "libjpeg")):
        if _imported(module) is not None:
            found[f"pydicom loop + {plugin}"] = partial(_pydicom_loop, folder, plugin)
    itk = _imported("SimpleITK")
    if itk is not None:
        found["SimpleITK"] = partial(_simple_itk, folder, itk)
    return found


def _imported(name: str) -> Any:  # noqa: ANN401
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _pydicom_loop(folder: Path, plugin: str) -> object:
    planes = []
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        dataset.pixel_array_options(decoding_plugin=plugin)
        planes.append(dataset.pixel_array)
    return planes


def _simple_itk(folder: Path, itk: Any) -> object:  # noqa: ANN401
    reader = itk.ImageSeriesReader()
    reader.SetFileNames(itk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return itk.GetArrayFromImage(reader.Execute())
