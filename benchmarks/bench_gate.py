"""Lungs, gate and involvement of a 300-slice scan: seconds and memory beyond the scan itself."""

import tracemalloc

import numpy as np

from benchmarks.table import Row, median_seconds
from ctsieve.ops.gate import gate_and_lungs
from ctsieve.ops.involvement import involvement
from ctsieve.ops.lungs import segment_lungs
from ctsieve.ops.picture_lungs import picture_lungs
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.presets import preset
from ctsieve.types.geometry import Geometry
from ctsieve.types.volume import CTVolume

NUM_SLICES = 300
LUNGS_SECONDS = 0.35
LUNGS_MB = 300.0


def run() -> list[Row]:
    """Time each part on one phantom of 300 x 512 x 512."""
    volume = _long_scan()
    lungs = segment_lungs(volume)
    values = np.clip((volume.hu[150:151] + 1350) / 1500, 0, 1).astype(np.float32)
    seconds = median_seconds(
        lambda: segment_lungs(volume),
        lambda: gate_and_lungs(volume),
        lambda: involvement(volume, lungs),
        lambda: picture_lungs(values),
    )
    names = ("segment_lungs", "gate_and_lungs", "involvement", "picture_lungs, 1 x 512 x 512")
    targets = (f"< {LUNGS_SECONDS:g} s", "", "", "")
    rows = [
        Row(name=name, value=value, unit="s", target=target, note=f"{NUM_SLICES} x 512 x 512")
        if "picture" not in name
        else Row(name=name, value=value, unit="s", target=target)
        for name, value, target in zip(names, seconds, targets, strict=True)
    ]
    return [*rows, _memory(volume)]


def _long_scan() -> CTVolume:
    """A phantom of 30 slices with each slice repeated: drawing 300 would take minutes."""
    short = make_phantom(preset("covid", seed=1, num_slices=30, matrix=512)).volume
    hu = np.repeat(short.hu, NUM_SLICES // 30, axis=0)
    apart, row_mm, column_mm = short.geometry.spacing
    shape = (hu.shape[0], hu.shape[1], hu.shape[2])
    spacing = (apart * 30 / NUM_SLICES, row_mm, column_mm)
    grid = Geometry.from_spacing(shape, spacing=spacing, frame=short.geometry.frame)
    return CTVolume(hu=hu, geometry=grid, provenance=short.provenance)


def _memory(volume: CTVolume) -> Row:
    tracemalloc.start()
    segment_lungs(volume)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Row(
        name="segment_lungs, peak memory",
        value=peak / 2**20,
        unit="MB",
        target=f"< {LUNGS_MB:g} MB",
        note="the mask itself included",
    )
