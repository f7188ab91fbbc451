"""What the results of a DICOM study must repeat of it, so that an archive files them beside it.

The only type that knows who the patient is.  It travels with the volume from the reader to the
DICOM writers and nowhere else: no other format, log or message looks at it, its `repr` is empty.
Decision: docs/decisions/0011-who-the-patient-is.md
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Cosines = tuple[tuple[float, float, float], tuple[float, float, float]]
"""LPS directions of growing column and of growing row (Image Orientation (Patient))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyHeader:
    """Patient, study and image headers of the series that an image was read from.

    `attributes` maps keywords of DICOM (`PatientID`, `StudyDate`, ...) to their values as text,
    several values joined by backslashes; what the header does not say is absent.
    """

    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    sop_class: str = field(repr=False)
    """Of the source images."""
    orientation: Cosines = field(repr=False)
    """Of the source images."""
    num_frames: int = field(default=1, repr=False)
    """Frames of a source file; 1 where each slice has a file of its own."""
