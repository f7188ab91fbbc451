"""Pictures of CT slices: PNG, JPEG, TIFF (also multi-page), BMP, one or a numbered folder of them.

A picture has no Hounsfield units and no millimetres; its values are what a screen would show.
- Transparency is laid on black, the colour of the air around a patient.
- Colours become luminance (ITU-R 601-2); `Acquisition.coloured_fraction` says how many pixels
  had any: arrows, letters, overlays.
- Samples of more than 8 bits are divided by the largest value of the narrowest of 8, 10, 12, 14
  or 16 bits that holds them: CT is exported with 12 bits in 16, and dividing those by 65535
  would make it black.  A stack has one divisor.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from struct import error as struct_error
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ctsieve.readers._files import (
    files_under,
    first_bytes,
    natural_key,
    picture_kind,
    relative_name,
)
from ctsieve.readers._limits import MAX_PICTURE_PIXELS, check_grid, plural
from ctsieve.readers._parallel import in_parallel
from ctsieve.types.cards import ReaderCard
from ctsieve.types.errors import CtsieveError, InputRejected, UnreadableStudy
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Acquisition, Provenance, SliceSource
from ctsieve.types.volume import CTPicture
from ctsieve.version import __version__

VISIBLE_COLOUR: Final = 24
"""Channels that differ by more of 255 are colour to the eye; JPEG leaves less on grey pictures."""
MOST_LABELS: Final = 255

_BITS: Final = (8, 10, 12, 14, 16)
_DEEP: Final = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_TRANSPARENT: Final = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})
_DAMAGED: Final = (
    *(AttributeError, EOFError, IndexError, KeyError, OSError, SyntaxError, TypeError),
    *(UserWarning, ValueError, ZeroDivisionError, struct_error),
)
_BOMB: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Samples of one picture (row, column), their largest possible value, and their colour."""

    samples: npt.NDArray[Any]
    coloured: float
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """One file."""

    name: str
    sha256: str
    kind: str
    mode: str
    pages: tuple[_Page, ...]


_PageOf = Callable[[Image.Image, int], _Page]


def claims(path: Path) -> bool:
    """Whether `path` is a picture or a folder that holds one."""
    return any(picture_kind(first_bytes(file)) for file in files_under(path))


def read(path: Path, *, workers: int | None = None) -> CTPicture:
    """The picture, or the stack of pictures, at `path`.

    Raises:
        UnreadableStudy: a file is damaged or beyond the limits.
        InputRejected: the pictures of a folder are no stack.
    """
    return _read(path, _page, workers)


def read_labels(path: Path, *, workers: int | None = None) -> CTPicture:
    """The mask at `path`, every pixel the number it is stored as, a palette's colours left aside.

    Raises:
        UnreadableStudy: a file is damaged or beyond the limits.
        InputRejected: the pictures of a folder are no stack, a pixel is a colour, or the file is a
            JPEG, which keeps no number as it was.
    """
    picture = _read(path, _label_page, workers)
    if picture.provenance.acquisition.picture_format == "jpeg":
        raise InputRejected(
            "the mask is a JPEG, which changes the numbers of its pixels", hint="save it as PNG"
        )
    return picture


def _read(path: Path, page_of: _PageOf, workers: int | None) -> CTPicture:
    files = list(files_under(path))
    named = {relative_name(f, root=path): f for f in files if picture_kind(first_bytes(f))}
    names = _in_slice_order(list(named))
    pictures = list(in_parallel(lambda n: _load(named[n], n, page_of), names, workers=workers))
    pages = [page for picture in pictures for page in picture.pages]
    values = _stacked(pages)
    digest = hashlib.sha256("\n".join(p.sha256 for p in pictures).encode()).hexdigest()
    shape = (values.shape[0], values.shape[1], values.shape[2])
    left = len(files) - len(named)
    return CTPicture(
        values=values,
        geometry=Geometry.of_picture(shape, digest),
        provenance=Provenance(
            reader="picture",
            reader_version=__version__,
            digest=digest,
            slices=tuple(
                SliceSource(file=picture.name, sha256=picture.sha256, frame=page.index)
                for picture in pictures
                for page in picture.pages
            ),
            acquisition=Acquisition(
                intensity="display",
                picture_format=pictures[0].kind,
                picture_mode=pictures[0].mode,
                coloured_fraction=float(np.mean([page.coloured for page in pages])),
            ),
            steps=tuple(_steps(left, len(pictures))),
        ),
    )


def _steps(left: int, number: int) -> Iterator[str]:
    if left:
        yield f"{plural(left, 'file')} left out: no picture"
    if number > 1:
        yield "slices in the order of the numbers in their names"


def _in_slice_order(names: list[str]) -> list[str]:
    """The names as slices of one stack.

    Raises:
        InputRejected: they do not differ in exactly one number, so they are no numbered stack.
    """
    if len(names) == 1:
        return names
    stems = [name.rpartition(".")[0] or name for name in names]
    texts = {re.sub(r"[0-9]+", "#", stem) for stem in stems}
    numbers = [tuple(map(int, re.findall(r"[0-9]+", stem))) for stem in stems]
    if len(texts) == 1:
        varying = sum(len(set(place)) > 1 for place in zip(*numbers, strict=True))
        if varying == 1 and len(set(numbers)) == len(names):
            return sorted(names, key=natural_key)
    raise InputRejected(
        f"the {len(names)} pictures of the folder are no stack: their names should differ in one "
        "number only, the slice's",
        hint="give one picture, or a folder with the slices of one scan",
    )


def _load(path: Path, name: str, page_of: _PageOf) -> _Picture:
    data = path.read_bytes()
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG", "TIFF", "BMP")) as image:
            mode = image.mode
            pages = tuple(_pages(image, page_of))
    except _BOMB as error:
        raise _too_large() from error
    except CtsieveError:
        raise
    except _DAMAGED as error:
        raise UnreadableStudy(
            "a picture is damaged and cannot be decoded", hint="save or send it again"
        ) from error
    return _Picture(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        kind=picture_kind(data) or "",
        mode=mode,
        pages=pages,
    )


def _pages(image: Image.Image, page_of: _PageOf) -> Iterator[_Page]:
    number = int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
    check_grid(number, rows=image.height, columns=image.width)
    for index in range(number):
        image.seek(index)
        if image.width * image.height > MAX_PICTURE_PIXELS:
            raise _too_large()
        yield page_of(ImageOps.exif_transpose(image), index)


def _too_large() -> UnreadableStudy:
    return UnreadableStudy(
        f"a picture has more than {MAX_PICTURE_PIXELS} pixels", hint="give a picture of one slice"
    )


def _page(image: Image.Image, index: int) -> _Page:
    if image.mode in _DEEP or image.mode == "F":
        return _Page(samples=_deep(image), coloured=0.0, index=index)
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return _Page(samples=np.asarray(image.convert("L")), coloured=0.0, index=index)
    colour = _opaque(image)
    channels = np.asarray(colour)
    spread = channels.max(axis=2) - channels.min(axis=2)
    return _Page(
        samples=np.asarray(colour.convert("L")),
        coloured=float((spread > VISIBLE_COLOUR).mean()),
        index=index,
    )


def _label_page(image: Image.Image, index: int) -> _Page:
    if image.mode == "P":
        return _Page(samples=np.asarray(image), coloured=0.0, index=index)
    if image.mode in ("RGB", *_TRANSPARENT) and np.ptp(np.asarray(_opaque(image)), axis=2).any():
        raise InputRejected(
            "the mask is drawn in colours, and a colour is no number of a kind",
            hint="save it with one grey value, or one entry of a palette, for each kind",
        )
    page = _page(image, index)
    highest = int(page.samples.max())
    if image.mode in _DEEP and highest > MOST_LABELS:
        raise InputRejected(f"a mask's numbers end at {MOST_LABELS}, this one's at {highest}")
    return page


def _opaque(image: Image.Image) -> Image.Image:
    """RGB, transparent parts laid on black."""
    if image.mode not in _TRANSPARENT and "transparency" not in image.info:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    black = Image.new("RGBA", layered.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, layered).convert("RGB")


def _deep(image: Image.Image) -> npt.NDArray[Any]:
    """Samples of more than 8 bits: uint16, or float32 already in [0, 1].

    Raises:
        UnreadableStudy: values are negative, not finite or need more than 16 bits.
    """
    samples = np.asarray(image)
    top = 1.0 if image.mode == "F" else 65535.0
    low, high = float(samples.min()), float(samples.max())
    if not (low >= 0.0 and high <= top):
        raise UnreadableStudy(
            f"picture values {low:g}..{high:g} do not lie in 0..{top:g}",
            hint="give Hounsfield units as DICOM or NIfTI, or save an 8- or 16-bit picture",
        )
    return samples.astype(np.float32 if image.mode == "F" else np.uint16)


def _stacked(pages: Sequence[_Page]) -> npt.NDArray[np.float32]:
    """All pages as one float32 array in [0, 1] (slice, row, column)."""
    sizes = {page.samples.shape for page in pages}
    if len(sizes) > 1:
        raise InputRejected(
            f"the pictures have {len(sizes)} different sizes, so they are no stack",
            hint="give one picture, or a folder with the slices of one scan",
        )
    rows, columns = pages[0].samples.shape
    check_grid(len(pages), rows=rows, columns=columns)
    divisor = max(_divisor(page.samples) for page in pages)
    values = np.empty((len(pages), rows, columns), np.float32)
    for target, page in zip(values, pages, strict=True):
        np.divide(page.samples, divisor, out=target, dtype=np.float32)
    return values


def _divisor(samples: npt.NDArray[Any]) -> int:
    if samples.dtype.kind == "f":
        return 1
    if samples.dtype == np.uint8:
        return 255
    highest = int(samples.max())
    return next((1 << bits) - 1 for bits in _BITS if highest < 1 << bits)


CARD = ReaderCard(
    title="Picture or numbered folder of pictures",
    claims=claims,
    read=read,
    read_labels=read_labels,
)
