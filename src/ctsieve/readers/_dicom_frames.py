"""The planes of one file: a single plane, or the frames of an enhanced multi-frame image.

Functional groups: PS3.3 C.7.6.16; a per-frame group wins over the shared one, and both over the
classic attributes at the top level.
"""

import math
import operator
from typing import Final

from ctsieve.readers._dicom_elements import Elements
from ctsieve.readers._header import FileHeader, Frame, Triple
from ctsieve.types.errors import UnreadableStudy

_SHARED: Final = 0x52009229
_PER_FRAME: Final = 0x52009230
_POSITION: Final = 0x00200032
_ORIENTATION: Final = 0x00200037
_SPACING: Final = 0x00280030
_THICKNESS: Final = 0x00180050
_BETWEEN: Final = 0x00180088
_LOCATION: Final = 0x00201041
_NUMBER: Final = 0x00200013
_INTERCEPT: Final = 0x00281052
_SLOPE: Final = 0x00281053
_RESCALE_TYPE: Final = 0x00281054
_MODALITY_LUT: Final = 0x00283000
_FRAME_TYPE: Final = 0x00089007

_PHASES: Final = (
    0x00200012,
    0x00200100,
    0x00209128,
    0x00209056,
    0x00181060,
    0x00209241,
    0x00080032,
)
"""Acquisition Number, Temporal Position (Identifier, Index), Stack, Trigger Time, Cardiac Phase,
Acquisition Time."""

_GROUPS: Final = {
    _POSITION: 0x00209113,
    _ORIENTATION: 0x00209116,
    _SPACING: 0x00289110,
    _THICKNESS: 0x00289110,
    _BETWEEN: 0x00289110,
    _INTERCEPT: 0x00289145,
    _SLOPE: 0x00289145,
    _RESCALE_TYPE: 0x00289145,
    _FRAME_TYPE: 0x00189329,
    0x00209128: 0x00209111,
    0x00209056: 0x00209111,
    0x00209241: 0x00189118,
}
"""Which functional group holds an attribute."""

MAX_ORIENTATION_ERROR: Final = 0.05

FRAME_TAGS: Final = [
    *(_SHARED, _PER_FRAME, _POSITION, _ORIENTATION, _SPACING, _THICKNESS, _BETWEEN, _LOCATION),
    *(_NUMBER, _INTERCEPT, _SLOPE, _RESCALE_TYPE, _MODALITY_LUT, *_PHASES),
]
"""What `frames_of` looks at."""


class _Groups:
    """Looks an attribute up in the per-frame group, then the shared group, then the top level."""

    def __init__(self, top: Elements, shared: Elements | None, own: Elements | None) -> None:
        self._top = top
        self._levels = [level for level in (own, shared) if level is not None]

    def holder(self, tag: int) -> Elements:
        if tag in _GROUPS:
            for level in self._levels:
                items = level.items(_GROUPS[tag])
                if items and tag in items[0]:
                    return items[0]
        return self._top


def frames_of(header: FileHeader, top: Elements) -> list[Frame]:
    """One `Frame` per plane of the file.

    Raises:
        UnreadableStudy: the per-frame groups do not match the number of frames.
    """
    number = header.pixels.frames
    per_frame = top.items(_PER_FRAME)
    shared = next(iter(top.items(_SHARED)), None)
    if per_frame and len(per_frame) != number:
        raise UnreadableStudy(
            f"a multi-frame file declares {number} frames and describes {len(per_frame)}",
            hint="the file is damaged; export it again",
        )
    own: list[Elements | None] = list(per_frame) if per_frame else [None] * number
    return [_frame(header, index, _Groups(top, shared, own[index])) for index in range(number)]


def _frame(header: FileHeader, index: int, groups: _Groups) -> Frame:
    def numbers(tag: int) -> tuple[float, ...]:
        return groups.holder(tag).numbers(tag)

    def number(tag: int) -> float | None:
        return groups.holder(tag).number(tag)

    frame_type = groups.holder(_FRAME_TYPE).texts(_FRAME_TYPE)
    rescale_type = groups.holder(_RESCALE_TYPE).text(_RESCALE_TYPE)
    if groups.holder(_MODALITY_LUT).items(_MODALITY_LUT):
        rescale_type = "LUT"  # a table instead of slope and intercept: never used by CT scanners
    instance = groups.holder(_NUMBER).integer(_NUMBER)
    return Frame(
        header=header,
        index=index,
        position=_triple(numbers(_POSITION)),
        orientation=_directions(numbers(_ORIENTATION)),
        spacing=_spacing(numbers(_SPACING)),
        thickness=_positive(number(_THICKNESS)),
        between=_positive(number(_BETWEEN)),
        slice_location=number(_LOCATION),
        instance_number=index + 1 if header.pixels.frames > 1 else instance,
        slope=number(_SLOPE),
        intercept=number(_INTERCEPT),
        rescale_type=rescale_type,
        image_type=frame_type or header.acquisition.image_type,
        phase=tuple(_phase(groups.holder(tag), tag) for tag in _PHASES),
    )


def _phase(holder: Elements, tag: int) -> str:
    binary = holder.binary(tag) if tag == 0x00209128 else None
    return holder.text(tag) if binary is None else str(binary)


def _triple(numbers: tuple[float, ...]) -> Triple | None:
    return (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 else None


def _directions(numbers: tuple[float, ...]) -> tuple[Triple, Triple] | None:
    """Two directions at right angles and of unit length, nearly; anything else says nothing."""
    if len(numbers) != 6:
        return None
    along, down = numbers[:3], numbers[3:]
    unit = all(abs(math.hypot(*axis) - 1.0) < MAX_ORIENTATION_ERROR for axis in (along, down))
    if not unit or abs(sum(map(operator.mul, along, down))) > MAX_ORIENTATION_ERROR:
        return None
    return (numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5])


def _spacing(numbers: tuple[float, ...]) -> tuple[float, float] | None:
    """(row, column) spacing in mm; one number means square pixels."""
    if not numbers or min(numbers) <= 0.0:
        return None
    return numbers[0], numbers[1] if len(numbers) > 1 else numbers[0]


def _positive(number: float | None) -> float | None:
    return number if number is not None and number > 0.0 else None
