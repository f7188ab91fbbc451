"""Two images at one place: copies are dropped, different ones are refused."""

import hashlib
from collections.abc import Hashable, Sequence
from typing import Final

from ctsieve.readers._dicom_pixels import planes_of
from ctsieve.readers._header import Frame
from ctsieve.readers._limits import plural
from ctsieve.readers._stacks import place_of
from ctsieve.types.errors import InputRejected

MAX_OVERLAP: Final = 0.1
"""Parts of one scan may overlap by this share of their places; then the earlier part is kept."""


def without_twins(frames: Sequence[Frame]) -> tuple[list[Frame], tuple[str, ...]]:
    """One frame per place, and what was dropped in words.

    Raises:
        InputRejected: different images claim one place and nothing tells them apart.
    """
    places: dict[Hashable, list[Frame]] = {}
    for frame in frames:
        places.setdefault(place_of(frame), []).append(frame)
    shared = [group for group in places.values() if len(group) > 1]
    if not shared:
        return list(frames), ()
    copies = sum(len(group) - len(_different(group)) for group in shared)
    rivals = [different for group in shared if len(different := _different(group)) > 1]
    steps = [f"{plural(copies, 'duplicated slice')} left out"] if copies else []
    if rivals:
        parts = all(len({f.phase[0] for f in group}) == len(group) for group in rivals)
        if not parts or len(rivals) > max(1, MAX_OVERLAP * len(places)):
            raise InputRejected(
                f"different images claim one place, at {plural(len(rivals), 'place')} of "
                f"{len(places)}",
                hint="send one reconstruction of one phase",
            )
        steps.append(f"{plural(len(rivals), 'slice')} left out where two parts of the scan overlap")
    return [min(group, key=_order) for group in places.values()], tuple(steps)


def _different(group: Sequence[Frame]) -> list[Frame]:
    """The frames of one place with different pixels."""
    return list({_pixel_digest(frame): frame for frame in reversed(group)}.values())


def _pixel_digest(frame: Frame) -> tuple[str, float | None, float | None]:
    plane = planes_of(frame.header, frame.header.path.read_bytes())[frame.index]
    return hashlib.sha256(plane).hexdigest(), frame.slope, frame.intercept


def _order(frame: Frame) -> tuple[int, str, str, int]:
    acquisition = frame.phase[0]
    return len(acquisition), acquisition, frame.header.name, frame.index
