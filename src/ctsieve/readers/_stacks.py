"""Frames of a folder sorted into stacks: one series, one orientation, one grid, one phase."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ctsieve.readers._header import FileHeader, Frame
from ctsieve.readers._placing import AXIAL

ORIENTATION_TOLERANCE: Final = 1e-3
SPACING_TOLERANCE: Final = 1e-3

MIN_SHARE_OF_PLACES: Final = 0.5
"""Phases share at least this share of their places; less is an overlap of parts of one scan."""

MIN_SCATTERED: Final = 3
"""At least this many series of one image, alike but for their UIDs, are taken as one."""

SCATTERED: Final = "every image has a series or frame of reference of its own: taken as one scan"

NOT_A_SCAN: Final = ("LOCALIZER", "MIP", "MINIP", "MPR", "PROJECTION", "AVERAGE", "PERFUSION")
"""Words of Image Type that set a frame apart from the scan it stands beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Frames that could be one volume, in file order."""

    frames: tuple[Frame, ...]
    phase: str = ""
    """What sets this stack apart from others of its series, in words; empty if nothing does."""
    steps: tuple[str, ...] = ()
    """What was assumed to put these frames into one stack."""

    @property
    def header(self) -> FileHeader:
        """The header of the first frame; what it says of the series holds for all."""
        return self.frames[0].header

    @property
    def series(self) -> str:
        """Series Instance UID, or the folder where there is none."""
        return self.header.series or _folder_of(self.header)


def stacks_of(frames: Sequence[Frame]) -> list[Stack]:
    """Sort frames into stacks."""
    groups: dict[Hashable, list[Frame]] = {}
    for frame in frames:
        groups.setdefault(_exact_key(frame), []).append(frame)
    scattered, whole = _scattered(groups.values())
    clusters = [cluster for group in whole for cluster in _clusters(group)]
    stacks = [stack for cluster in clusters for stack in _phases(cluster)]
    reunited = [cluster for group in scattered for cluster in _clusters(group)]
    return stacks + [
        replace(stack, steps=(SCATTERED,)) for cluster in reunited for stack in _phases(cluster)
    ]


def _scattered(groups: Iterable[list[Frame]]) -> tuple[list[list[Frame]], list[list[Frame]]]:
    """Images that only their UIDs set apart, put together; and the groups left as they are.

    Some de-identifiers give every image a series, or a frame of reference, of its own.
    """
    alike: dict[Hashable, list[list[Frame]]] = {}
    for group in groups:
        header = group[0].header
        key = _likeness(group[0]) if len(group) == 1 else id(group)
        alike.setdefault((key, header.series_number), []).append(group)
    scattered = [[f for g in own for f in g] for own in alike.values() if len(own) >= MIN_SCATTERED]
    whole = [group for own in alike.values() if len(own) < MIN_SCATTERED for group in own]
    return scattered, whole


def place_of(frame: Frame) -> Hashable:
    """A key equal for frames at one place; frames without a place are all different."""
    if frame.position is None:
        return frame.header.name, frame.index
    return tuple(round(x * 100) for x in frame.position)


def _exact_key(frame: Frame) -> Hashable:
    header = frame.header
    series = header.series or (_folder_of(header), header.series_number)
    return header.study, series, header.frame_of_reference, _likeness(frame)


def _likeness(frame: Frame) -> Hashable:
    header = frame.header
    words = {word for kind in frame.image_type for word in NOT_A_SCAN if word in kind.upper()}
    return (
        header.acquisition.modality,
        header.sop_class,
        (header.pixels.rows, header.pixels.columns),
        header.acquisition.kernel,
        frozenset(words),
    )


def _folder_of(header: FileHeader) -> str:
    return header.name.rpartition("/")[0]


def _clusters(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Split by orientation and pixel spacing, which headers repeat with rounding errors."""
    clusters: list[list[Frame]] = []
    for frame in frames:
        home = next((c for c in clusters if _same_plane(c[0], frame)), None)
        if home is None:
            clusters.append([frame])
        else:
            home.append(frame)
    return clusters


def _same_plane(one: Frame, other: Frame) -> bool:
    if (one.spacing is None) != (other.spacing is None):
        return False
    if one.orientation == other.orientation and one.spacing == other.spacing:
        return True
    spacings = np.array([one.spacing or (1.0, 1.0), other.spacing or (1.0, 1.0)])
    return bool(
        np.allclose(spacings[0], spacings[1], rtol=SPACING_TOLERANCE, atol=0.0)
        and np.allclose(
            one.orientation or AXIAL, other.orientation or AXIAL, atol=ORIENTATION_TOLERANCE
        )
    )


def _phases(frames: list[Frame]) -> list[Stack]:
    """Split frames that share places (phases of contrast, of the heart, of breathing)."""
    places = _images_per_place(frames)
    repeated = sum(number > 1 for number in places.values())
    if repeated < MIN_SHARE_OF_PLACES * len(places):
        return [Stack(frames=tuple(frames))]
    for number in range(len(frames[0].phase)):
        groups: dict[str, list[Frame]] = {}
        for frame in frames:
            groups.setdefault(frame.phase[number], []).append(frame)
        if len(groups) > 1 and all(_is_phase(g, len(places)) for g in groups.values()):
            ordered = sorted(groups.items(), key=lambda item: (len(item[0]), item[0]))
            return [
                Stack(frames=tuple(group), phase=f"phase {i + 1} of {len(ordered)}")
                for i, (_, group) in enumerate(ordered)
            ]
    return [Stack(frames=tuple(frames))]


def _is_phase(frames: Sequence[Frame], num_places: int) -> bool:
    places = _images_per_place(frames)
    return max(places.values()) == 1 and len(places) >= MIN_SHARE_OF_PLACES * num_places


def _images_per_place(frames: Sequence[Frame]) -> Counter[Hashable]:
    """How many different instances lie at each place; copies of one count once."""
    return Counter(place for place, _ in {(place_of(f), _instance_of(f)) for f in frames})


def _instance_of(frame: Frame) -> Hashable:
    """Equal for two copies of one instance; files without a UID are all different."""
    return (frame.header.sop_instance or frame.header.name, frame.index)
