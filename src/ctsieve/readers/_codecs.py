"""One compressed frame to one array, with `imagecodecs` alone (BSD; one wheel for every codec).

It alone reads every encoding in the default install.  Milliseconds of processor time for a
512 x 512 CT frame (ours / python-gdcm / best pydicom plugin): JPEG Lossless 1.5 / 6.4 / 8.5 (GPL),
JPEG 0.6 / 2.8 / 0.8, JPEG-LS 3.7 / 7.4 / 4.0, RLE 0.2 / - / 3.6, JPEG 2000 24 / 28 / 24.  All
decoders release the GIL.  Frames declare their size inside the codestream too: it is compared
with the header before a decoder may allocate anything.
"""

from collections.abc import Callable
from itertools import product
from typing import Any, Final, NamedTuple

import imagecodecs
import numpy as np
import numpy.typing as npt

from ctsieve.readers._header import PixelFormat
from ctsieve.types.errors import UnreadableStudy

Samples = npt.NDArray[np.integer[Any]]

IMPLICIT_LITTLE: Final = "1.2.840.10008.1.2"
EXPLICIT_LITTLE: Final = "1.2.840.10008.1.2.1"
EXPLICIT_BIG: Final = "1.2.840.10008.1.2.2"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
RLE: Final = "1.2.840.10008.1.2.5"
NATIVE: Final = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED})


_MAX_TAIL: Final = 1024
"""Zeros that may follow the end marker of a frame: fragments are padded."""


class Codec(NamedTuple):
    """How one family of transfer syntaxes is decoded: the first decoder that succeeds."""

    family: str
    decoders: tuple[Callable[..., Any], ...]
    errors: tuple[type[Exception], ...]


_JPEG = Codec("jpeg", (imagecodecs.jpeg8_decode,), (imagecodecs.Jpeg8Error, ValueError))
_JPEG_LOSSLESS = Codec(
    "jpeg",
    (imagecodecs.jpeg8_decode, imagecodecs.jpegsof3_decode),
    (imagecodecs.Jpeg8Error, imagecodecs.Jpegsof3Error, ValueError),
)
_JPEG_LS = Codec("jpeg", (imagecodecs.jpegls_decode,), (imagecodecs.JpeglsError, ValueError))
# OpenJPEG reads the high-throughput block coder too (4.201 to 4.203).
_JPEG_2000 = Codec("j2k", (imagecodecs.jpeg2k_decode,), (imagecodecs.Jpeg2kError, ValueError))

CODECS: Final = {
    "1.2.840.10008.1.2.4.50": _JPEG,
    "1.2.840.10008.1.2.4.51": _JPEG,
    "1.2.840.10008.1.2.4.53": _JPEG,
    "1.2.840.10008.1.2.4.55": _JPEG,
    "1.2.840.10008.1.2.4.57": _JPEG_LOSSLESS,
    "1.2.840.10008.1.2.4.70": _JPEG_LOSSLESS,
    "1.2.840.10008.1.2.4.80": _JPEG_LS,
    "1.2.840.10008.1.2.4.81": _JPEG_LS,
    "1.2.840.10008.1.2.4.90": _JPEG_2000,
    "1.2.840.10008.1.2.4.91": _JPEG_2000,
    "1.2.840.10008.1.2.4.201": _JPEG_2000,
    "1.2.840.10008.1.2.4.202": _JPEG_2000,
    "1.2.840.10008.1.2.4.203": _JPEG_2000,
}

LOSSY: Final = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 53, 55, 81))
"""Always lossy.  JPEG 2000 (4.91) and HTJ2K (4.203) may be: the header says."""


def is_supported(transfer_syntax: str) -> bool:
    """Whether pixels in this transfer syntax can be decoded."""
    return transfer_syntax in NATIVE or transfer_syntax == RLE or transfer_syntax in CODECS


def decode_frame(
    frame: bytes, *, transfer_syntax: str, pixels: PixelFormat, out: Samples | None = None
) -> Samples:
    """One encapsulated frame as (row, column) samples, as the decoder gives them.

    The transfer syntax is one that `is_supported` and encapsulates.  Samples are written into
    `out` where the decoder can and their type fits: fresh memory costs a third of decoding.

    Raises:
        UnreadableStudy: the frame is damaged or is not of the size the header declares.
    """
    if transfer_syntax == RLE:
        return _decode_rle(frame, pixels)
    codec = CODECS[transfer_syntax]
    declared = _size_of_j2k(frame) if codec.family == "j2k" else _size_of_jpeg(frame)
    expected = (pixels.rows, pixels.columns, pixels.samples)
    if declared != expected:
        raise UnreadableStudy(
            f"a compressed frame is {declared or 'no image'} inside, the header says {expected}",
            hint="the file is damaged; export it again",
        )
    # libjpeg fills what is missing with grey and says nothing: a cut stream has no end marker.
    if codec.family == "jpeg" and not frame[-_MAX_TAIL:].rstrip(b"\0").endswith(b"\xff\xd9"):
        raise UnreadableStudy("a compressed frame is cut short", hint="send the study again")
    # OpenJPEG looks at `out` only after decoding, when it is late to say that it does not fit.
    targets = (out, None) if out is not None and codec.family == "jpeg" else (None,)
    for decoder, target in product(codec.decoders, targets):
        try:
            return _checked(np.asarray(decoder(frame, out=target)), pixels)
        except codec.errors:
            continue
    raise UnreadableStudy(
        "a compressed frame is damaged and cannot be decoded", hint="export the study again"
    )


def _decode_rle(frame: bytes, pixels: PixelFormat) -> Samples:
    dtype = np.dtype(f"u{pixels.bits_allocated // 8}")
    # The output buffer bounds what a hostile run-length stream can write.
    out = bytearray(pixels.frame_bytes)
    try:
        imagecodecs.dicomrle_decode(frame, dtype, out=out)
    except (imagecodecs.DicomrleError, ValueError) as error:
        raise UnreadableStudy(
            "an RLE frame is damaged and cannot be decoded", hint="export the study again"
        ) from error
    return np.frombuffer(out, dtype).reshape(pixels.rows, pixels.columns)


def _checked(array: npt.NDArray[Any], pixels: PixelFormat) -> Samples:
    if array.shape != (pixels.rows, pixels.columns) or array.dtype.kind not in "iu":
        raise ValueError(f"decoded to {array.shape} {array.dtype}")
    return array


def _size_of_jpeg(frame: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, components) from the start-of-frame marker (T.81 B.2.2, T.87 C.2.2)."""
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 10 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1  # fill byte
            continue
        is_frame = 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
        if is_frame or marker == 0xF7:
            return _big(frame, at + 5), _big(frame, at + 7), frame[at + 9]
        at += 2 + _big(frame, at + 2)
    return None


def _size_of_j2k(frame: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, components) from the SIZ marker (T.800 A.5.1), also inside a JP2 box."""
    at = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
    if at < 0 or len(frame) < at + 44:
        return None
    right, bottom, left, top = (_big(frame, at + 8 + 4 * i, size=4) for i in range(4))
    return bottom - top, right - left, _big(frame, at + 40)


def _big(data: bytes, at: int, *, size: int = 2) -> int:
    return int.from_bytes(data[at : at + size], "big")
