"""What the front door lets in at most: checked from headers, before anything is decoded.

The numbers are generous for chest CT (a 2,000-slice study at 512 x 512 is half a gigabyte of
samples) and small beside what a few kilobytes of hostile input can ask for.
"""

from typing import Final

from ctsieve.types.errors import UnreadableStudy

MAX_FILES: Final = 20_000
"""Files in one folder or archive."""

MAX_FILE_BYTES: Final = 4 << 30
"""Size of one file."""

MAX_STUDY_BYTES: Final = 16 << 30
"""Size of all files of one folder or archive together."""

MAX_HEADER_BYTES: Final = 64 << 20
"""Bytes in front of the pixels of a DICOM file; enhanced multi-frame headers reach a few MiB."""

MAX_INFLATED_BYTES: Final = 512 << 20
"""Size of a deflated DICOM file after inflation."""

MAX_SIDE: Final = 8192
"""Rows or columns of one slice or picture."""

MAX_FRAMES: Final = 8192
"""Frames of one file, slices of one stack, pages of one TIFF."""

MAX_VOXELS: Final = 1 << 30
"""Samples of one image: 4,096 slices of 512 x 512."""

MAX_PICTURE_PIXELS: Final = 64_000_000
"""Pixels of one picture."""

MAX_RATIO: Final = 200
"""How many times larger than an archive or deflated file its contents may be; CT compresses 2 to
10 times."""

SMALL_ARCHIVE_BYTES: Final = 64 << 20
"""Contents up to this size are let in whatever the ratio: a few blank slices compress 500 times."""


def check_grid(frames: int, *, rows: int, columns: int) -> None:
    """Refuse images whose declared size is impossible or too large to be a CT.

    Raises:
        UnreadableStudy: a size is not positive or over the limit.
    """
    if min(frames, rows, columns) < 1:
        raise UnreadableStudy(
            f"the header declares {frames} frames of {rows} x {columns} pixels",
            hint="the file is damaged; export it again",
        )
    if max(rows, columns) > MAX_SIDE or frames > MAX_FRAMES or frames * rows * columns > MAX_VOXELS:
        raise UnreadableStudy(
            f"{frames} frames of {rows} x {columns} pixels are more than the limit of "
            f"{MAX_FRAMES} frames, {MAX_SIDE} pixels a side and {MAX_VOXELS} samples",
            hint="give one series of one study",
        )


def check_bytes(size: int, *, limit: int, what: str) -> None:
    """Refuse `size` bytes of `what` over `limit`.

    Raises:
        UnreadableStudy: the size is over the limit.
    """
    if size > limit:
        raise UnreadableStudy(
            f"{what} holds {size} bytes, more than the limit of {limit}",
            hint="give one series of one study",
        )


def safe_text(text: str, *, limit: int = 64) -> str:
    """Header text made fit to print: one line of printable ASCII, at most `limit` characters."""
    if text.isascii() and text.isprintable():
        return text.strip()[:limit]
    return "".join(c if c.isascii() and c.isprintable() else " " for c in text).strip()[:limit]


def plural(number: int, thing: str) -> str:
    """`number` things, in words: "1 slice", "2 slices".

    Example:
        >>> plural(1, "slice"), plural(3, "slice")
        ('1 slice', '3 slices')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
