"""Where the slices of a stack lie: positions, duplicates, gaps and a regular grid through them.

Units are millimetres in DICOM LPS; offsets are measured along the normal of the slices.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ctsieve.readers._header import Frame, Triple
from ctsieve.readers._limits import plural
from ctsieve.types.errors import InputRejected
from ctsieve.types.provenance import PLACES_ASSUMED

AXIAL: Final[tuple[Triple, Triple]] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))

SAME_PLACE_MM: Final = 0.01
"""Slices nearer than this lie at one place."""

SLACK: Final = 0.1
"""A slice may lie this share of the spacing off the regular grid ..."""

SLACK_MM: Final = 0.11
"""... or this far, where headers round positions to tenths, but never ..."""

MAX_SLACK: Final = 0.4
"""... this share of the spacing, where the next slice begins."""

MAX_GAP_MM: Final = 10.0
"""Widest distance of neighbours that interpolation may bridge: two 5 mm slices.  A nodule or an
early opacity is larger; a wider gap could hide one."""

MAX_MADE_SHARE: Final = 0.1
"""Where slices are missing, at most this share of all slices (or one) may be interpolated."""

MAX_GROWTH: Final = 2
"""An irregular stack may become this many times as many slices."""

_FALLBACK_MM: Final = 1.0

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Slices in order along the slice axis, with the affine of the regular grid through them.

    `nearer[k]` and `further[k]` are the source slices around grid slice `k` and `weight[k]` the
    share of `further`; where they are the same, the slice is taken as it is.
    """

    frames: tuple[Frame, ...]
    affine: npt.NDArray[np.float64]
    nearer: tuple[int, ...]
    further: tuple[int, ...]
    weight: tuple[float, ...]
    steps: tuple[str, ...]

    @property
    def is_regular(self) -> bool:
        """Whether every grid slice is a source slice as it is."""
        return self.nearer == self.further


def with_places(frames: Sequence[Frame]) -> tuple[list[Frame], tuple[str, ...]]:
    """The frames with position, orientation and pixel spacing, assumed where that is honest.

    Raises:
        InputRejected: the pixel size is unknown, or nothing says how the slices are ordered.
    """
    steps: list[str] = []
    if any(f.spacing is None for f in frames):
        raise InputRejected(
            "the header does not say how large a pixel is",
            hint="export the original series; Pixel Spacing is missing",
        )
    for name in ("orientation", "position"):
        silent = sum(getattr(f, name) is None for f in frames)
        if 0 < silent < len(frames):
            raise InputRejected(
                f"{silent} of {len(frames)} slices do not say their {name}",
                hint="export the original series",
            )
    placed = list(frames)
    if placed[0].orientation is None:
        steps.append("orientation not stated or impossible: axial, head first and supine assumed")
        placed = [replace(f, orientation=AXIAL) for f in placed]
    if placed[0].position is None or _all_at_one_place(placed):
        placed, step = _positions_assumed(placed)
        steps.append(step)
    return placed, tuple(steps)


def place(frames: Sequence[Frame]) -> Placed:
    """Order the slices and fit a regular grid through them.

    Every place is held by one slice (`without_twins` saw to that).  A sheared grid (gantry tilt)
    stays sheared: nothing is resampled within the planes.

    Raises:
        InputRejected: slices are shifted sideways, missing or too irregular.
    """
    first = frames[0]
    columns, rows = (np.asarray(v) for v in first.orientation or AXIAL)
    normal = np.cross(columns, rows)
    normal = normal / np.linalg.norm(normal)
    points = np.array([f.position for f in frames], dtype=np.float64)
    # Head first: then the common case needs no reversal, and so no second copy of the volume.
    if normal[2] > 0:
        normal = -normal
    offsets = points @ normal
    order = np.argsort(offsets, kind="stable")
    ordered, offsets, points = [frames[i] for i in order], offsets[order], points[order]

    if len(ordered) == 1:
        step, assumed = _single_step(first, normal)
        grid, steps = np.zeros(1), assumed
    else:
        grid, steps = _regular(offsets)
        step = (points[-1] - points[0]) / (offsets[-1] - offsets[0]) * (grid[1] - grid[0])
        _check_line(points, offsets, pixel=min(first.spacing or (1.0, 1.0)))
    affine = np.eye(4)
    affine[:3, 0] = step
    row_mm, column_mm = first.spacing or (1.0, 1.0)
    affine[:3, 1] = rows / np.linalg.norm(rows) * row_mm
    affine[:3, 2] = columns / np.linalg.norm(columns) * column_mm
    affine[:3, 3] = points[0]
    nearer, further, weight = _neighbours(grid + offsets[0], offsets)
    return Placed(
        frames=tuple(ordered),
        affine=affine,
        nearer=nearer,
        further=further,
        weight=weight,
        steps=steps,
    )


def _all_at_one_place(frames: Sequence[Frame]) -> bool:
    """Whether slices that state one position lie apart all the same, and something says how."""
    locations = {f.slice_location for f in frames}
    told = None not in locations and len(locations) == len(frames)
    same = len(frames) > 1 and len({f.position for f in frames}) == 1
    return same and (told or _numbered_apart(frames))


def _numbered_apart(frames: Sequence[Frame]) -> bool:
    """Whether slices are numbered without a gap, are of one phase, and state one distance.

    Images of one place at several times are numbered too: they differ in acquisition or time, and
    state no distance.
    """
    numbers = sorted(f.instance_number or 0 for f in frames)
    first, distance, phase = numbers[0], frames[0].between, frames[0].phase
    run = numbers == list(range(first, first + len(frames)))
    alike = all(f.between == distance and f.phase == phase for f in frames)
    return run and alike and distance is not None


def _positions_assumed(frames: Sequence[Frame]) -> tuple[list[Frame], str]:
    columns, rows = (np.asarray(v) for v in frames[0].orientation or AXIAL)
    normal = np.cross(columns, rows)
    locations = [f.slice_location for f in frames]
    numbers = [f.instance_number for f in frames]
    apart = frames[0].between or frames[0].thickness
    if None not in locations and (len(set(locations)) == len(frames)):
        step = f"{PLACES_ASSUMED}: taken from Slice Location"
        along = [float(location or 0.0) for location in locations]
    elif len(frames) == 1:
        step, along = "position not stated: the origin assumed", [0.0]
    elif None not in numbers and len(set(numbers)) == len(frames) and apart:
        step = f"{PLACES_ASSUMED}: slices ordered by Instance Number, from the head"
        along = [-float(n or 0) * apart for n in numbers]
    else:
        raise InputRejected(
            f"the header does not say where the {len(frames)} slices lie",
            hint="export the original series; Image Position (Patient) is missing",
        )
    return [
        replace(f, position=(float(p[0]), float(p[1]), float(p[2])))
        for f, p in zip(frames, (normal * a for a in along), strict=True)
    ], step


def _single_step(frame: Frame, normal: Points) -> tuple[Points, tuple[str, ...]]:
    if frame.thickness is None:
        return normal * _FALLBACK_MM, ("slice thickness not stated: 1 mm assumed",)
    return normal * frame.thickness, ()


def _regular(offsets: Points) -> tuple[Points, tuple[str, ...]]:
    """Offsets of a regular grid from the first slice to the last, and what it takes to fill it."""
    gaps: Points = np.diff(offsets)
    if gaps.min() < SAME_PLACE_MM:
        raise InputRejected(
            "slices lie side by side at one height", hint="send one reconstruction of one phase"
        )
    length = float(offsets[-1] - offsets[0])
    mean = length / len(gaps)
    even: Points = np.arange(len(offsets), dtype=np.float64) * mean
    if np.abs(offsets - offsets[0] - even).max() <= _slack(mean):
        return even, ()

    typical, widest = float(np.median(gaps)), float(gaps.max())
    number = round(length / typical) + 1
    if widest > max(MAX_GAP_MM, typical * (1 + SLACK)) or number > MAX_GROWTH * len(offsets):
        raise InputRejected(
            f"neighbouring slices lie up to {widest:.1f} mm apart where most lie "
            f"{typical:.1f} mm apart: slices are missing",
            hint="send the complete series",
        )
    grid: Points = np.linspace(0.0, length, number, dtype=np.float64)
    made = number - len(offsets)
    off = np.abs(gaps - np.round(gaps / typical) * typical).max()
    if off > _slack(typical):
        return grid, (f"irregular slice spacing resampled to {length / (number - 1):.3f} mm",)
    if made > max(1, int(MAX_MADE_SHARE * number)):
        raise InputRejected(
            f"{made} of {number} slices are missing", hint="send the complete series"
        )
    return grid, (f"{plural(made, 'missing slice')} interpolated",)


def _check_line(points: Points, offsets: Points, *, pixel: float) -> None:
    """Refuse slices that are shifted sideways against each other by half a pixel or more."""
    share = (offsets - offsets[0]) / (offsets[-1] - offsets[0])
    on_line = points[0] + share[:, None] * (points[-1] - points[0])
    shift = float(np.linalg.norm(points - on_line, axis=1).max())
    if shift > max(pixel / 2, SAME_PLACE_MM):
        raise InputRejected(
            f"slices are shifted sideways by up to {shift:.1f} mm against each other",
            hint="send one reconstruction with a fixed centre",
        )


def _neighbours(
    grid: Points, offsets: Points
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]:
    """For every grid slice: the source slices around it and the share of the further one."""
    slack = _slack(float(grid[1] - grid[0])) if len(grid) > 1 else SAME_PLACE_MM
    nearest = np.abs(grid[:, None] - offsets[None, :]).argmin(axis=1)
    exact = np.abs(grid - offsets[nearest]) <= slack
    after = np.clip(np.searchsorted(offsets, grid), 1, max(1, len(offsets) - 1))
    after = np.minimum(after, len(offsets) - 1)
    before = np.maximum(after - 1, 0)
    span = np.maximum(offsets[after] - offsets[before], SAME_PLACE_MM)
    weight = np.where(exact, 0.0, np.clip((grid - offsets[before]) / span, 0.0, 1.0))
    nearer = np.where(exact, nearest, before)
    further = np.where(exact, nearest, after)
    return (
        tuple(int(i) for i in nearer),
        tuple(int(i) for i in further),
        tuple(float(w) for w in weight),
    )


def _slack(spacing: float) -> float:
    return min(max(SLACK * spacing, SLACK_MM), MAX_SLACK * spacing)
