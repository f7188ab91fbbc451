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
    digests: dict[str, list[str]] = {}
    different = [_different(group, digests) for group in shared]
    copies = sum(len(group) - len(kept) for group, kept in zip(shared, different, strict=True))
    rivals = [kept for kept in different if len(kept) > 1]
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


def _different(group: Sequence[Frame], digests: dict[str, list[str]]) -> list[Frame]:
    """The frames of one place with different pixels; `digests` keeps what was read before."""
    kept: dict[Hashable, Frame] = {}
    for frame in group:
        header = frame.header
        if header.name not in digests:
            planes = planes_of(header, header.path.read_bytes())
            digests[header.name] = [hashlib.sha256(plane).hexdigest() for plane in planes]
        kept.setdefault((digests[header.name][frame.index], frame.slope, frame.intercept), frame)
    return list(kept.values())


def _order(frame: Frame) -> tuple[int, str, str, int]:
    acquisition = frame.phase[0]
    return len(acquisition), acquisition, frame.header.name, frame.index
