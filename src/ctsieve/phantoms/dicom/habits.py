"""Habits of scanners and archives, by name; each is one trap for a reader."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from ctsieve.phantoms.dicom import stacks
from ctsieve.phantoms.dicom.tags import Encoding, uid_of

Name = Callable[[str, int], str]
PLAIN = Encoding()


def numbered(role: str, number: int) -> str:
    """File names that sort like the instance numbers."""
    return f"{role}-{number + 1:04d}.dcm"


def reversed_names(role: str, number: int) -> str:
    """File names that sort against the instance numbers."""
    return f"{role}-{9999 - number:04d}.dcm"


def random_names(role: str, number: int) -> str:
    """File names without order, without extension."""
    return uid_of("file name", role, str(number))[5:17]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """One way to write a study."""

    title: str
    arrange: stacks.Arrange = stacks.upright
    encoding: Encoding = PLAIN
    name: Name = numbered
    syntax: UID = ExplicitVRLittleEndian
    identifiers: Literal["valid", "empty", "shuffled"] = "valid"
    """"empty": no SOP Instance UIDs and a Study UID that is none; "shuffled": instance numbers
    that say nothing."""
    copies: int = 1
    """How many files the slice in the middle comes in."""
    multi_frame: bool = False


HABITS: dict[str, Habit] = {
    "plain": Habit(title="Explicit VR Little Endian, signed HU, head to feet"),
    "implicit": Habit(title="Implicit VR Little Endian", syntax=ImplicitVRLittleEndian),
    "big-endian": Habit(title="Explicit VR Big Endian (retired)", syntax=ExplicitVRBigEndian),
    "deflated": Habit(title="Deflated Explicit VR", syntax=DeflatedExplicitVRLittleEndian),
    "rle": Habit(title="RLE Lossless", syntax=RLELossless),
    "jpeg-ls": Habit(title="JPEG-LS Lossless", syntax=JPEGLSLossless),
    "j2k": Habit(title="JPEG 2000 Lossless", syntax=JPEG2000Lossless),
    "reversed": Habit(
        title="instance 1 at the feet, file names against instance numbers",
        arrange=stacks.from_the_feet,
        name=reversed_names,
    ),
    "shuffled": Habit(
        title="random file names without extension, instance numbers that say nothing",
        name=random_names,
        identifiers="shuffled",
    ),
    "feet-first": Habit(title="FFS: columns run to the right", arrange=stacks.feet_first),
    "prone": Habit(title="HFP: rows run to the front", arrange=stacks.prone),
    "tilt": Habit(title="gantry tilt of 12 degrees, a sheared grid", arrange=stacks.tilted),
    "irregular": Habit(title="slices up to a fifth off", arrange=stacks.irregular),
    "missing": Habit(title="one slice is missing", arrange=stacks.without_the_middle),
    "duplicate": Habit(title="one slice in two files", copies=2),
    "companions": Habit(
        title="a localiser and a larger coronal series beside it", arrange=stacks.with_companions
    ),
    "padding": Habit(
        title="stored -2000 outside the field of view, intercept -1024",
        encoding=Encoding(intercept=-1024, padding=-2000),
    ),
    "unsigned": Habit(
        title="12 unsigned bits, intercept -1024",
        encoding=Encoding(signed=False, bits=12, intercept=-1024),
    ),
    "monochrome1": Habit(
        title="to be displayed inverted; the HU are as ever",
        encoding=Encoding(photometric="MONOCHROME1"),
    ),
    "empty-uids": Habit(title="SOP Instance UIDs are empty", identifiers="empty"),
    "multi-frame": Habit(
        title="one Enhanced CT Image, frames from the feet",
        arrange=stacks.from_the_feet,
        multi_frame=True,
    ),
}
"""All habits; `ctsieve phantom --habit NAME`."""


def shuffled_numbers(count: int) -> list[int]:
    """Instance numbers 1..count in no order."""
    return [int(n) + 1 for n in np.random.default_rng(9).permutation(count)]
