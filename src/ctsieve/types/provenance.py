"""Where an image came from: enough to find the bytes again, nothing that names a person.

`repr` of everything here is safe to log: UIDs are shown as short hashes and file names not at all.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

PLACES_ASSUMED = "positions not stated"
"""Begins the step that says by what slices were ordered whose places the header does not say."""


def hashed(uid: str) -> str:
    """A short, stable, one-way name for a UID, fit for logs.

    Example:
        >>> hashed("1.2.3") == hashed("1.2.3"), len(hashed("1.2.3"))
        (True, 12)
    """
    return hashlib.sha256(uid.encode()).hexdigest()[:12]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceSource:
    """The file a slice of the image came from; an interpolated slice has none of its own."""

    file: str = field(repr=False)
    """Path relative to what the user gave (POSIX separators)."""
    sha256: str
    sop_instance_uid: str = field(default="", repr=False)
    frame: int = 0
    """0-based frame inside a multi-frame file or page inside a TIFF."""
    instance_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """What the header says of how the image was made; None means "not said"."""

    modality: str | None = None
    body_part: str | None = None
    image_type: tuple[str, ...] = ()
    kernel: str | None = None
    contrast: bool | None = None
    """True where a contrast agent is named, False where the header says there was none."""
    manufacturer: str | None = None
    model_name: str | None = None
    kvp: float | None = None
    slice_thickness_mm: float | None = None
    patient_position: str | None = None
    tilt_degrees: float = 0.0
    burned_in_annotation: bool | None = None
    intensity: str = "hu"
    """Either hu (rescaled as the header says), assumed-hu (integers taken as they are), display."""
    picture_format: str | None = None
    picture_mode: str | None = None
    """Pillow's mode of a picture file: L, I;16, RGB, RGBA, ..."""
    coloured_fraction: float = 0.0
    """Share of a picture's pixels whose colour channels differ visibly (marks, arrows, letters)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChoice:
    """Why one series of a study was taken, or left."""

    series: str = field(repr=False)
    """Series Instance UID, or a folder name where there is none."""
    summary: str
    """For people: number, orientation, slices, kernel.  No free text of the header."""
    num_images: int
    chosen: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How to find the bytes again and what was done to them on the way in."""

    reader: str
    """The reader's name: dicom, nifti, picture."""
    reader_version: str
    digest: str
    """SHA-256 over the digests of all files, in slice order: the study's fingerprint."""
    slices: tuple[SliceSource | None, ...] = field(repr=False)
    """One per slice of the image, head to feet; None where a slice was interpolated."""
    study_uid: str = field(default="", repr=False)
    series_uid: str = field(default="", repr=False)
    frame_of_reference_uid: str = field(default="", repr=False)
    acquisition: Acquisition = field(default_factory=Acquisition)
    steps: tuple[str, ...] = ()
    """What reading changed, in order: "reversed slices", "2 missing slices interpolated", ..."""
    num_damaged: int = 0
    """Files of the study that are damaged and were left out."""
    choices: tuple[SeriesChoice, ...] = ()

    @property
    def log_name(self) -> str:
        """A name for logs that leads nobody to a patient."""
        return hashed(self.series_uid or self.digest)
