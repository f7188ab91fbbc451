"""What results must repeat of the study: read once, from the first file of the chosen series.

Names are decoded here, by the character set the header names (PS3.5 6.1, PS3.3 C.12.1.1.2).
"""

import warnings
from typing import Final

from pydicom import charset
from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS

from ctsieve.readers._dicom_elements import PARSE_ERRORS
from ctsieve.readers._dicom_header import parsed_front
from ctsieve.readers._header import Frame
from ctsieve.readers._placing import AXIAL
from ctsieve.types.study import StudyHeader

REPEATED: Final = {
    "StudyDate": 0x00080020,
    "StudyTime": 0x00080030,
    "AccessionNumber": 0x00080050,
    "ReferringPhysicianName": 0x00080090,
    "StudyDescription": 0x00081030,
    "PatientName": 0x00100010,
    "PatientID": 0x00100020,
    "IssuerOfPatientID": 0x00100021,
    "PatientBirthDate": 0x00100030,
    "PatientSex": 0x00100040,
    "PatientAge": 0x00101010,
    "PatientSize": 0x00101020,
    "PatientWeight": 0x00101030,
    "PatientIdentityRemoved": 0x00120062,
    "DeidentificationMethod": 0x00120063,
    "StudyID": 0x00200010,
    "PositionReferenceIndicator": 0x00201040,
    "LossyImageCompressionRatio": 0x00282112,
    "LossyImageCompressionMethod": 0x00282114,
}
"""Attributes that results share with their study, and where they stand."""

_ESCAPE: Final = b"\x1b"
_DEFAULT: Final = "latin-1"
"""For texts without a known character set: every byte means something in it."""


def study_header(frame: Frame) -> StudyHeader:
    """The header of the study that `frame` belongs to.

    Raises:
        UnreadableStudy: the file was damaged since its header was read.
    """
    _, found = parsed_front(frame.header.path, tags=list(REPEATED.values()))
    texts = {
        keyword: _text(found.raw(tag), found.character_set, is_name=keyword.endswith("Name"))
        for keyword, tag in REPEATED.items()
    }
    attributes = {keyword: text for keyword, text in texts.items() if text}
    if frame.header.lossy:
        attributes["LossyImageCompression"] = "01"
    return StudyHeader(
        attributes=attributes,
        sop_class=frame.header.sop_class,
        orientation=frame.orientation or AXIAL,
        num_frames=frame.header.pixels.frames,
    )


def _text(value: bytes, character_set: str, *, is_name: bool) -> str:
    """`value` as text; a wrong character set may spoil letters and never fails."""
    terms = [term.strip() for term in character_set.split("\\")]
    known = [charset.python_encoding[term] for term in terms if term in charset.python_encoding]
    encodings = known or [_DEFAULT]
    if _ESCAPE in value:
        delimiters = PN_DELIMS if is_name else TEXT_VR_DELIMS
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                text = charset.decode_bytes(value, encodings, delimiters)
        except (LookupError, *PARSE_ERRORS):
            text = value.decode(encodings[0], "replace")
    else:
        text = value.decode(encodings[0], "replace")
    return "".join(c for c in text if c.isprintable()).strip()
