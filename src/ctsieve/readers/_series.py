"""Which stack of a study is judged, and why not the others.

Order of preference: a CT that is fit (axial, original, enough slices, chest), then the newer
study, then thin slices, then a lung kernel, then more slices.  Thin comes before sharp because
thick slices blur the small opacities this program looks for, while a sharp kernel's noise is
averaged away when slices are resized; a bone kernel comes last.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

import numpy as np

from ctsieve.readers._codecs import is_supported
from ctsieve.readers._header import CT_CLASSES
from ctsieve.readers._limits import plural, safe_text
from ctsieve.readers._stacks import NOT_A_SCAN, Stack, place_of
from ctsieve.types.errors import InputRejected, UnsupportedTransferSyntax
from ctsieve.types.provenance import SeriesChoice

MIN_SLICES: Final = 8
MIN_EXTENT_MM: Final = 100.0
MAX_SPACING_MM: Final = 10.5
THIN_MM: Final = (3.0, 5.5)
"""Spacings up to the first count as thin, up to the second as medium."""

_SYNTAX: Final = "transfer syntax"
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_CHEST: Final = re.compile(
    r"CHEST|THORA|TORA[XKC]|LUNG|PULM|TRUNK|BODY|WHOLE|TORSO|CAP\b|TAP\b", re.IGNORECASE
)
_HU_TYPES: Final = frozenset({"", "HU", "US", "HU_MOD"})
_BONE: Final = re.compile(r"BONE|EDGE|FC3\d|^[BHIV]r?[78]\d", re.IGNORECASE)
_LUNG: Final = re.compile(r"LUNG|^L$|^Y[A-L]$|FC5\d|FC8\d|^B[lr]?[56]\d|SHARP", re.IGNORECASE)

Kernel = Literal["lung", "soft", "bone", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A stack with what speaks against it; `rank` sorts the best first."""

    stack: Stack
    readable: bool
    unfit: tuple[str, ...]
    rank: tuple[float, ...]
    summary: str


_CRITERIA: Final = (
    "fewer objections",
    "a newer study",
    "thinner slices",
    "a better kernel for lungs",
    "more slices",
    "an earlier phase or series",
)
"""What each place of `Candidate.rank` means, when it decides."""


def ranked(stacks: Sequence[Stack]) -> list[Candidate]:
    """All stacks, the one to judge first.

    Raises:
        InputRejected: none of them is a CT image in Hounsfield units.
        UnsupportedTransferSyntax: the only CT is encoded in a way nobody here decodes.
    """
    candidates = sorted(map(_candidate, stacks), key=lambda c: (not c.readable, c.rank))
    if candidates[0].readable:
        return candidates
    reasons = [_unreadable(candidate.stack) for candidate in candidates]
    undecodable = next((r[0] for r in reasons if len(r) == 1 and r[0].startswith(_SYNTAX)), None)
    if undecodable is not None:
        raise UnsupportedTransferSyntax(
            undecodable, hint="export uncompressed, or as JPEG Lossless, JPEG-LS or JPEG 2000"
        )
    raise InputRejected(
        f"there is no CT image in Hounsfield units: {'; '.join(sorted(set(chain(*reasons))))}",
        hint="give a CT series of the chest",
    )


def choices(candidates: Sequence[Candidate], *, chosen: int) -> tuple[SeriesChoice, ...]:
    """Why the candidate at `chosen` was taken and why each other one was not."""
    best = candidates[chosen]
    rival = next((c for i, c in enumerate(candidates) if i != chosen and c.readable), None)
    if rival is None:
        why: tuple[str, ...] = ("the only CT series",)
    else:
        why = (f"{_deciding(best, rival)} than the next best series",)
    return tuple(
        SeriesChoice(
            series=c.stack.series,
            summary=c.summary,
            num_images=len(c.stack.frames),
            chosen=i == chosen,
            reasons=(*why, *c.unfit) if i == chosen else _against(c, best),
        )
        for i, c in enumerate(candidates)
    )


def kernel_kind(kernel: str | None) -> Kernel:
    """What a convolution kernel was made for, by the big makers' naming.

    Example:
        >>> kernel_kind("B70f"), kernel_kind("LUNG"), kernel_kind("Br40d"), kernel_kind(None)
        ('bone', 'lung', 'soft', 'unknown')
    """
    if kernel is None:
        return "unknown"
    if _BONE.search(kernel):
        return "bone"
    return "lung" if _LUNG.search(kernel) else "soft"


def _candidate(stack: Stack) -> Candidate:
    hard, soft = _unreadable(stack), _unfit(stack)
    spacing = spacing_of(stack)
    band = sum(spacing > limit for limit in THIN_MM)
    kernel = kernel_kind(stack.header.acquisition.kernel)
    date = stack.header.study_date
    rank = (
        float(sum(weight for _, weight in soft)),
        -float(date) if date.isascii() and date.isdigit() else 0.0,
        float(band),
        {"lung": 0.0, "soft": 1.0, "unknown": 2.0, "bone": 3.0}[kernel],
        -float(len(stack.frames)),
        float(stack.header.series_number or 0),
    )
    number = stack.header.series_number
    parts = (
        f"series {number}" if number is not None else "series without number",
        _plane(stack),
        plural(len(stack.frames), "image"),
        f"{spacing:.1f} mm apart",
        f"{kernel} kernel",
        stack.phase,
    )
    return Candidate(
        stack=stack,
        readable=not hard,
        unfit=(*hard, *(reason for reason, _ in soft)),
        rank=rank,
        summary=", ".join(part for part in parts if part),
    )


def _unreadable(stack: Stack) -> tuple[str, ...]:
    header, frame = stack.header, stack.frames[0]
    modality = header.acquisition.modality
    reasons = []
    if modality != "CT" and not (modality is None and header.sop_class in CT_CLASSES):
        reasons.append(f"modality {modality or 'not stated'}, not CT")
    other_units = frame.rescale_type.upper() not in _HU_TYPES or frame.slope == 0.0
    if _has_word(stack, "PERFUSION"):
        reasons.append("a perfusion map, not Hounsfield units")
    elif other_units:
        reasons.append("its values are not Hounsfield units")
    if not is_supported(header.transfer_syntax):
        reasons.append(f"{_SYNTAX} {safe_text(header.transfer_syntax)} is not supported")
    return tuple(reasons)


def _unfit(stack: Stack) -> list[tuple[str, int]]:
    """Objections with their weights: what makes a scan useless weighs most."""
    header, number = stack.header, len({place_of(f) for f in stack.frames})
    spacing = spacing_of(stack)
    kinds = [word for word in NOT_A_SCAN if word != "PERFUSION" and _has_word(stack, word)]
    body = header.acquisition.body_part
    derived = {"DERIVED", "SECONDARY"} <= set(stack.frames[0].image_type)
    objections = (
        (header.sop_class.startswith(_SECONDARY_CAPTURE), "a secondary capture", 8),
        ("LOCALIZER" in kinds, "a localiser", 16),
        (bool(set(kinds) - {"LOCALIZER"}), "a projection or reformatted series", 4),
        (derived, "derived from another series", 1),
        (_plane(stack) != "axial", f"{_plane(stack)}, not axial", 8),
        (number < MIN_SLICES, f"only {plural(number, 'slice')}", 6),
        (
            number >= MIN_SLICES and number * spacing < MIN_EXTENT_MM,
            f"covers only {number * spacing:.0f} mm",
            3,
        ),
        (spacing > MAX_SPACING_MM, f"slices {spacing:.1f} mm apart", 3),
        (body is not None and not _CHEST.search(body), f"body part {body}, not chest", 3),
        (stack.frames[0].spacing is None, "no pixel spacing", 16),
    )
    return [(reason, weight) for holds, reason, weight in objections if holds]


def _has_word(stack: Stack, word: str) -> bool:
    return any(word in kind.upper() for kind in stack.frames[0].image_type)


def _plane(stack: Stack) -> str:
    orientation = stack.frames[0].orientation
    if orientation is None:
        return "axial"
    normal = np.abs(np.cross(orientation[0], orientation[1]))
    largest = int(normal.argmax())
    return ("sagittal", "coronal", "axial")[largest] if normal[largest] > 0.7 else "oblique"


def spacing_of(stack: Stack) -> float:
    """Typical distance of neighbouring slices in mm; the thickness where there is one slice."""
    frame = stack.frames[0]
    if frame.orientation is None or any(f.position is None for f in stack.frames):
        return frame.thickness or 1.0
    normal = np.cross(frame.orientation[0], frame.orientation[1])
    offsets = np.array([f.position for f in stack.frames], dtype=np.float64) @ normal
    places = np.unique(np.round(offsets, 2))
    return float(np.median(np.diff(places))) if len(places) > 1 else frame.thickness or 1.0


def _deciding(best: Candidate, rival: Candidate) -> str:
    for name, ours, theirs in zip(_CRITERIA, best.rank, rival.rank, strict=True):
        if ours != theirs:
            return name if ours < theirs else f"readable, though not with {name},"
    return "first in the folder rather"


def _against(candidate: Candidate, best: Candidate) -> tuple[str, ...]:
    if candidate.unfit:
        return candidate.unfit
    return (f"the chosen series has {_deciding(best, candidate)}",)
