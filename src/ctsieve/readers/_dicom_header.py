"""From the front of a DICOM file to `FileHeader` and `Frame`: once per file, without its pixels."""

import hashlib
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ctsieve.readers._codecs import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, LOSSY
from ctsieve.readers._dicom_elements import PARSE_ERRORS, Elements, Parsed, parse, parse_meta
from ctsieve.readers._dicom_frames import FRAME_TAGS, frames_of
from ctsieve.readers._header import CT_CLASSES, FileHeader, Frame, PixelFormat
from ctsieve.readers._limits import (
    MAX_HEADER_BYTES,
    MAX_INFLATED_BYTES,
    MAX_RATIO,
    SMALL_ARCHIVE_BYTES,
    check_grid,
    safe_text,
)
from ctsieve.types.errors import UnreadableStudy
from ctsieve.types.provenance import Acquisition

_HEADS: Final = (1 << 16, 1 << 20, MAX_HEADER_BYTES)
"""How many bytes are tried in turn: nearly every single-frame header fits into the first."""

_IDENTITY_TAGS: Final = [
    *(0x00080016, 0x00080018, 0x00080060, 0x0020000D),
    *(0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011, 0x00280100, 0x00280101),
    *(0x00280103, 0x00280120, 0x00280121),
]
"""Which instance it is, and what its pixels need."""

_TAGS: Final = [
    *_IDENTITY_TAGS,
    *(0x00080005, 0x00080008, 0x00080020, 0x00080070, 0x00081090, 0x00100010, 0x00100020),
    *(0x00100030, 0x00180010, 0x00180015, 0x00180060, 0x00181120, 0x00181210, 0x00185100),
    *(0x0020000E, 0x00200011, 0x00200052, 0x00280301, 0x00282110),
    *FRAME_TAGS,
]

_NO_CONTRAST: Final = frozenset({"NO", "NONE", "WITHOUT", "NATIVE", "NON CONTRAST", "W/O"})


class NotAnImage(Exception):
    """A DICOM file without pixels we can use; `kind` says what it is.  Never leaves the reader."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def read_header(path: Path, *, name: str) -> list[Frame]:
    """The frames of one DICOM file, its pixels unread.

    Raises:
        NotAnImage: it is a report, a presentation state, ... or colour.
        UnreadableStudy: the header is damaged, hostile or beyond the limits.
    """
    size = path.stat().st_size
    transfer_syntax, found = parsed_front(path, tags=_TAGS)
    pixels = _image_format(found)
    start, length = found.pixels or (size, 0)
    header = FileHeader(
        path=path,
        name=name,
        size=size,
        transfer_syntax=transfer_syntax,
        pixel_start=start,
        pixel_length=length,
        sop_class=found.text(0x00080016),
        sop_instance=found.text(0x00080018),
        study=found.text(0x0020000D),
        series=found.text(0x0020000E),
        frame_of_reference=found.text(0x00200052),
        person=_person(found),
        study_date=found.text(0x00080020),
        series_number=found.integer(0x00200011),
        acquisition=_acquisition(found, _modality(found)),
        pixels=pixels,
        lossy=transfer_syntax in LOSSY or found.text(0x00282110) == "01",
    )
    return frames_of(header, found)


def identity(source: Path | bytes) -> tuple[str, str]:
    """(Study Instance UID, SOP Instance UID) of one DICOM file, empty where it names none.

    Raises:
        NotAnImage: it is a report, a presentation state, ... or colour.
        UnreadableStudy: the header is damaged, hostile or beyond the limits.
    """
    _, found = parsed_front(source, tags=_IDENTITY_TAGS)
    _image_format(found)
    return found.text(0x0020000D), found.text(0x00080018)


def inflated(data: bytes) -> bytes:
    """A deflated file with its data set inflated, under limits (PS3.5 A.5).

    Raises:
        UnreadableStudy: it would be larger, or is damaged.
    """
    _, start = parse_meta(data)
    limit = min(MAX_INFLATED_BYTES, max(SMALL_ARCHIVE_BYTES, MAX_RATIO * len(data)))
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = engine.decompress(data[start:], limit)
    except zlib.error as error:
        raise UnreadableStudy("a deflated DICOM file is damaged", hint="send it again") from error
    if engine.unconsumed_tail:
        raise UnreadableStudy(
            f"a deflated DICOM file of {len(data)} bytes holds more than {limit}",
            hint="export it with another transfer syntax",
        )
    return data[:start] + body


def parsed_front(source: Path | bytes, *, tags: list[int]) -> tuple[str, Parsed]:
    """(transfer syntax, the wanted `tags` in front of the pixels) of one DICOM file.

    `source` is the file, or its content.

    Raises:
        UnreadableStudy: the header is damaged, hostile or beyond the limits.
    """
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    for limit in _HEADS:
        data = source[:limit] if isinstance(source, bytes) else _front(source, limit)
        whole = len(data) == size
        try:
            transfer_syntax, found = _parsed_bytes(data, whole=whole, tags=tags)
        except PARSE_ERRORS as error:
            if whole:
                raise UnreadableStudy(
                    "a DICOM header is damaged", hint="send the file again"
                ) from error
            continue
        if whole or found.pixels is not None:
            return transfer_syntax, found
    raise UnreadableStudy(
        f"no pixels in the first {MAX_HEADER_BYTES} bytes of a DICOM file",
        hint="the file is damaged or no image",
    )


def _front(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit)


def _parsed_bytes(data: bytes, *, whole: bool, tags: list[int]) -> tuple[str, Parsed]:
    if data[128:132] == b"DICM" or data[:2] == b"\x02\x00":
        transfer_syntax, start = parse_meta(data, start=132 if data[128:132] == b"DICM" else 0)
        if transfer_syntax == DEFLATED:
            if not whole:
                raise EOFError
            data = inflated(data)
    else:
        explicit = data[4:6].isalpha() and data[4:6].isupper()
        transfer_syntax, start = EXPLICIT_LITTLE if explicit else IMPLICIT_LITTLE, 0
    # Some writers name an explicit syntax and write implicit elements: two capitals decide.
    vr = data[start + 4 : start + 6]
    implicit = transfer_syntax in ("", IMPLICIT_LITTLE) or not (vr.isalpha() and vr.isupper())
    little = transfer_syntax != EXPLICIT_BIG
    found = parse(data, start=start, implicit=implicit, little_endian=little, tags=tags)
    return transfer_syntax or IMPLICIT_LITTLE, found


def _image_format(found: Parsed) -> PixelFormat:
    """The format of the pixels, which are there and grey."""
    if found.pixels is None:
        is_image = found.text(0x00080016) in CT_CLASSES or 0x00280010 in found
        if found.cut or is_image or 0x00080016 not in found:
            raise UnreadableStudy("a DICOM file ends before its pixels", hint="send it again")
        raise NotAnImage(_modality(found) or "no pixels")
    pixels = _pixel_format(found)
    if pixels.samples != 1:
        raise NotAnImage("colour")
    return pixels


def _modality(found: Elements) -> str:
    return safe_text(found.text(0x00080060), limit=16).upper()


def _pixel_format(found: Elements) -> PixelFormat:
    rows, columns = found.binary(0x00280010) or 0, found.binary(0x00280011) or 0
    frames = found.integer(0x00280008) or 1
    check_grid(frames, rows=rows, columns=columns)
    allocated = found.binary(0x00280100) or 16
    stored = found.binary(0x00280101) or allocated
    if allocated not in (8, 16, 32) or not 1 <= stored <= allocated:
        raise UnreadableStudy(
            f"{stored} bits stored in {allocated} are not supported", hint="export as 16-bit CT"
        )
    signed = found.binary(0x00280103) == 1
    return PixelFormat(
        rows=rows,
        columns=columns,
        samples=found.binary(0x00280002) or 1,
        frames=frames,
        bits_allocated=allocated,
        bits_stored=stored,
        signed=signed,
        monochrome1=found.text(0x00280004) == "MONOCHROME1",
        padding=_padding(found, signed=signed),
    )


def _padding(found: Elements, *, signed: bool) -> tuple[int, int] | None:
    """Padding as stored values (PS3.3 C.7.5.1.1.2).

    Read with the sign of the pixels, whatever the VR: writers store -2000 as the unsigned 63536.
    """
    value = found.binary(0x00280120, signed=signed)
    if value is None:
        return None
    limit = found.binary(0x00280121, signed=signed)
    other = value if limit is None else limit
    return min(value, other), max(value, other)


def _person(found: Elements) -> str:
    """A hash that tells two patients apart; empty where the header names nobody."""
    identity = _normal(found.texts(0x00100020)) or _normal(
        (*found.texts(0x00100010), *found.texts(0x00100030))
    )
    return hashlib.sha256(identity.encode()).hexdigest() if identity else ""


def _normal(parts: Sequence[str]) -> str:
    return " ".join(" ".join(parts).replace("^", " ").upper().split())


def _acquisition(found: Elements, modality: str) -> Acquisition:
    burned = found.text(0x00280301)
    return Acquisition(
        modality=modality or None,
        body_part=safe_text(found.text(0x00180015), limit=16) or None,
        image_type=tuple(safe_text(t, limit=16) for t in found.texts(0x00080008)),
        kernel=safe_text(found.text(0x00181210)) or None,
        contrast=_contrast(found.text(0x00180010)),
        manufacturer=safe_text(found.text(0x00080070)) or None,
        model_name=safe_text(found.text(0x00081090)) or None,
        kvp=found.number(0x00180060),
        tilt_degrees=found.number(0x00181120) or 0.0,
        patient_position=safe_text(found.text(0x00185100), limit=16) or None,
        burned_in_annotation={"YES": True, "NO": False}.get(burned),
    )


def _contrast(agent: str) -> bool | None:
    return None if not agent else agent.upper() not in _NO_CONTRAST
