"""From a chosen file to Hounsfield units: each file is read once and hashed on the way."""

import hashlib
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.encaps import generate_frames

from ctsieve.readers._codecs import (
    DEFLATED,
    EXPLICIT_BIG,
    NATIVE,
    Samples,
    decode_frame,
    is_supported,
)
from ctsieve.readers._dicom_elements import PARSE_ERRORS
from ctsieve.readers._dicom_header import inflated
from ctsieve.readers._header import UNDEFINED_LENGTH, FileHeader, Frame
from ctsieve.readers._hu import Rescale, stored_values, to_hu
from ctsieve.readers._parallel import in_parallel
from ctsieve.types.errors import UnreadableStudy, UnsupportedTransferSyntax

_TRUNCATED_HINT: Final = "the file is incomplete; send the study again"


def load(
    frames: Sequence[Frame], *, out: npt.NDArray[np.int16], workers: int | None
) -> dict[str, str]:
    """Decode `frames` into `out[0]`, `out[1]`, ... and return the SHA-256 of each file by name.

    Raises:
        UnsupportedTransferSyntax: no decoder here reads the pixels.
        UnreadableStudy: a file is truncated or damaged.
    """
    by_file: dict[str, list[int]] = {}
    for slot, frame in enumerate(frames):
        by_file.setdefault(frame.header.name, []).append(slot)
    digests: dict[str, str] = {}

    def load_file(slots: list[int]) -> None:
        try:
            load_frames(slots)
        except UnreadableStudy as error:
            raise type(error)(f"{_which(frames, slots[0])}: {error}", hint=error.hint) from error

    def load_frames(slots: list[int], threads: int | None = 1) -> None:
        header = frames[slots[0]].header
        data = header.path.read_bytes()
        digests[header.name] = hashlib.sha256(data).hexdigest()
        planes = planes_of(header, data)

        def load_frame(slot: int) -> None:
            _frame_hu(frames[slot], planes[frames[slot].index], out[slot])

        _drain(in_parallel(load_frame, slots, workers=threads))

    jobs = list(by_file.values())
    if len(jobs) == 1:
        load_frames(jobs[0], workers)
    else:
        _drain(in_parallel(load_file, jobs, workers=workers))
    return digests


def _which(frames: Sequence[Frame], slot: int) -> str:
    """Which of many files is meant, in a viewer's number: a file name may be a patient's."""
    number = frames[slot].instance_number
    return f"slice {slot + 1} of {len(frames)}" if number is None else f"image {number}"


def _frame_hu(frame: Frame, plane: bytes, out: npt.NDArray[np.int16]) -> None:
    """Write one frame in Hounsfield units (row, column), as its own header rescales it."""
    pixels = frame.header.pixels
    stored = stored_values(_samples(frame.header, plane, out), pixels)
    rescale = Rescale(
        slope=1.0 if frame.slope is None else frame.slope,
        intercept=0.0 if frame.intercept is None else frame.intercept,
        padding=pixels.padding,
    )
    to_hu(stored, rescale, out=out)


def planes_of(header: FileHeader, data: bytes) -> list[bytes]:
    """The bytes of every frame, still compressed where they are.

    Raises:
        UnsupportedTransferSyntax: no decoder here reads them.
        UnreadableStudy: the file ends before its pixels do.
    """
    syntax = header.transfer_syntax
    if not is_supported(syntax):
        raise UnsupportedTransferSyntax(
            f"transfer syntax {syntax} is not supported",
            hint="export the study uncompressed, or as JPEG Lossless, JPEG-LS or JPEG 2000",
        )
    if syntax == DEFLATED:
        data = inflated(data)
    if syntax in NATIVE:
        return _native_planes(header, data)
    return _encapsulated_planes(header, data)


def _native_planes(header: FileHeader, data: bytes) -> list[bytes]:
    size, number = header.pixels.frame_bytes, header.pixels.frames
    start, length = header.pixel_start, header.pixel_length
    if length == UNDEFINED_LENGTH or length < size * number or start + length > len(data):
        raise UnreadableStudy(
            f"{size * number} bytes of pixels are needed and "
            f"{min(length, max(0, len(data) - start))} are there",
            hint=_TRUNCATED_HINT,
        )
    view = memoryview(data)
    return [bytes(view[start + i * size : start + (i + 1) * size]) for i in range(number)]


def _encapsulated_planes(header: FileHeader, data: bytes) -> list[bytes]:
    end = len(data)
    if header.pixel_length != UNDEFINED_LENGTH:
        end = header.pixel_start + header.pixel_length
    if end > len(data):
        raise UnreadableStudy("a DICOM file ends inside its pixels", hint=_TRUNCATED_HINT)
    little = header.transfer_syntax != EXPLICIT_BIG
    file = BytesIO(data)
    file.seek(header.pixel_start)
    try:
        planes = list(
            generate_frames(
                file,
                number_of_frames=header.pixels.frames,
                endianness="<" if little else ">",
            )
        )
    except PARSE_ERRORS as error:
        raise UnreadableStudy(
            "the compressed pixels of a DICOM file are damaged", hint=_TRUNCATED_HINT
        ) from error
    if len(planes) != header.pixels.frames:
        raise UnreadableStudy(
            f"{header.pixels.frames} frames are declared and {len(planes)} are there",
            hint=_TRUNCATED_HINT,
        )
    return planes


def _samples(header: FileHeader, plane: bytes, out: npt.NDArray[np.int16]) -> Samples:
    pixels = header.pixels
    if header.transfer_syntax not in NATIVE:
        return decode_frame(
            plane,
            transfer_syntax=header.transfer_syntax,
            pixels=pixels,
            out=out.view(np.uint16) if pixels.bits_allocated == 16 else None,
        )
    order = ">" if header.transfer_syntax == EXPLICIT_BIG else "<"
    stored: npt.NDArray[Any] = np.frombuffer(plane, f"{order}u{pixels.bits_allocated // 8}")
    native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    return native.reshape(pixels.rows, pixels.columns)


def _drain(items: Iterable[None]) -> None:
    for _ in items:
        pass
