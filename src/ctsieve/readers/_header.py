"""What the reader keeps of a DICOM file: plain values, no pydicom, nobody's name."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ctsieve.types.provenance import Acquisition

Triple = tuple[float, float, float]

UNDEFINED_LENGTH: Final = 0xFFFFFFFF
"""The length that says "until the delimiter" (PS3.5 7.1): encapsulated pixel data."""


CT_CLASSES: Final = frozenset(
    {"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"}
)
"""CT, Enhanced CT and Legacy Converted Enhanced CT Image Storage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelFormat:
    """How the samples of one file are stored (PS3.3 C.7.6.3)."""

    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    monochrome1: bool
    padding: tuple[int, int] | None
    """Stored values from the first to the second, ends included, are padding."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one uncompressed frame."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHeader:
    """One DICOM file with pixels; `person` is a hash used only to tell two patients apart."""

    path: Path = field(repr=False)
    name: str = field(repr=False)
    """Path relative to what the user gave, POSIX separators."""
    size: int
    transfer_syntax: str
    pixel_start: int
    """Where the value of Pixel Data begins, in the file (after inflation, if deflated)."""
    pixel_length: int
    sop_class: str
    sop_instance: str = field(repr=False)
    study: str = field(repr=False)
    series: str = field(repr=False)
    frame_of_reference: str = field(repr=False)
    person: str = field(repr=False)
    study_date: str = field(repr=False)
    series_number: int | None
    acquisition: Acquisition
    pixels: PixelFormat
    lossy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One image plane of a file: where it lies and how its samples become Hounsfield units.

    `position` is the LPS place in mm of the centre of the first pixel; `orientation` holds the
    LPS directions of increasing column and of increasing row; `spacing` is (row, column) in mm.
    """

    header: FileHeader = field(repr=False)
    index: int
    position: Triple | None
    orientation: tuple[Triple, Triple] | None
    spacing: tuple[float, float] | None
    thickness: float | None
    between: float | None
    """Spacing Between Slices, mm."""
    slice_location: float | None
    instance_number: int | None
    slope: float | None
    intercept: float | None
    rescale_type: str
    image_type: tuple[str, ...]
    phase: tuple[str, ...]
    """Acquisition number, temporal position, ... : what tells two images at one place apart."""
