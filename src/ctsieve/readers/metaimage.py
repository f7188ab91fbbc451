"""MetaImage (.mha, .mhd + .raw): a text header says how the voxels lie, in LPS millimetres.

Source   "MetaIO/Documentation" of the Insight Toolkit's wiki: header keys, element types.
Differs  Lists of files and patterns of names (`ElementDataFile = LIST`) are not read, nor voxel
         files in another folder than their header: a header from elsewhere must not point at them.

As in NIfTI, nothing says that values are Hounsfield units: they are *assumed* to be, and the gate
judges them.
"""

import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ctsieve.readers._files import files_under, first_bytes, relative_name
from ctsieve.readers._geometry import Turn, turn_to_canonical
from ctsieve.readers._hu import assumed_hu, doubts
from ctsieve.readers._limits import MAX_FILE_BYTES, check_bytes, check_grid, safe_text
from ctsieve.types.cards import ReaderCard
from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Acquisition, Provenance, SliceSource
from ctsieve.types.volume import CTVolume
from ctsieve.version import __version__

_FIRST_LINE: Final = re.compile(rb"(?:Comment|ObjectType|NDims)[ \t]*=[^\n]*\n")
_MAX_HEADER: Final = 64 << 10
"""Bytes of text in front of the voxels; real headers have a few kilobytes."""
_ELEMENTS: Final = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_IDENTITY: Final = "1 0 0 0 1 0 0 0 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """The text of a MetaImage, and where in its file the voxels begin."""

    fields: Mapping[str, str]
    end: int

    def text(self, *names: str, default: str = "") -> str:
        """The first of several spellings of a field that is there."""
        return next((self.fields[name] for name in names if name in self.fields), default)

    def numbers(self, *names: str, default: str = "", count: int = 3) -> npt.NDArray[np.float64]:
        """A field of `count` finite numbers."""
        text = self.text(*names, default=default)
        try:
            values = np.array([float(word) for word in text.split()])
        except ValueError:
            values = np.empty(0)
        if values.shape != (count,) or not np.isfinite(values).all():
            raise UnreadableStudy(
                f"a MetaImage header gives {names[0]} as {safe_text(text)!r}",
                hint="convert the study again",
            )
        return values

    def flag(self, *names: str) -> bool:
        """A field that is True or False; False where it is absent."""
        return self.text(*names).lower() in ("true", "1")


def claims(path: Path) -> bool:
    """Whether `path` is a MetaImage's file or header, or a folder with exactly one."""
    return len(_headers(path)) == 1


def read(path: Path, *, workers: int | None = None) -> CTVolume:  # noqa: ARG001 one file, one thread
    """The CT volume at `path`.

    Raises:
        UnreadableStudy: the file is damaged or beyond the limits, or its voxels are not beside it.
        InputRejected: it is no single volume of finite numbers.
    """
    source = _headers(path)[0]
    check_bytes(source.stat().st_size, limit=MAX_FILE_BYTES, what="a MetaImage file")
    data = source.read_bytes()
    header = _parsed(data)
    columns, rows, slices = _size(header)
    affine = _affine_lps(header)
    voxels, named, digests = _voxels(source, header, data)
    turn = turn_to_canonical(affine)
    hu = turn.array(assumed_hu(_planes(header, voxels, (slices, rows, columns))))
    digest = hashlib.sha256("\n".join(digests).encode()).hexdigest()
    name = named.name if path.is_file() else relative_name(named, root=path)
    return CTVolume(
        hu=hu,
        geometry=Geometry(
            (hu.shape[0], hu.shape[1], hu.shape[2]),
            turn.affine(affine, (slices, rows, columns)),
            f"metaimage:{digest}",
        ),
        provenance=Provenance(
            reader="metaimage",
            reader_version=__version__,
            digest=digest,
            slices=_sources(name, digests[-1], turn, hu.shape[0]),
            acquisition=Acquisition(intensity="assumed-hu"),
            steps=(*doubts(hu), "values taken as Hounsfield units", *turn.steps),
        ),
    )


def _headers(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if _FIRST_LINE.match(first_bytes(path)) else []
    return [file for file in files_under(path) if _FIRST_LINE.match(first_bytes(file))]


def _parsed(data: bytes) -> _Header:
    fields: dict[str, str] = {}
    position = 0
    while position < min(len(data), _MAX_HEADER):
        end = data.find(b"\n", position, _MAX_HEADER)
        end = min(len(data), _MAX_HEADER) if end < 0 else end
        key, _, value = data[position:end].decode("latin-1").partition("=")
        fields[key.strip()] = value.strip()
        position = end + 1
        if key.strip() == "ElementDataFile":  # always the last line
            return _Header(fields=fields, end=position)
    raise UnreadableStudy(
        "a MetaImage header has no ElementDataFile", hint="the file is damaged; send it again"
    )


def _size(header: _Header) -> tuple[int, int, int]:
    """Columns, rows, slices."""
    dimensions = header.text("NDims")
    channels = header.text("ElementNumberOfChannels", default="1")
    if dimensions != "3" or channels != "1":
        raise InputRejected(
            f"a MetaImage of {safe_text(dimensions)} dimensions and {safe_text(channels)} "
            "channels is no single volume",
            hint="give one 3-D volume",
        )
    columns, rows, slices = (int(n) for n in header.numbers("DimSize"))
    check_grid(slices, rows=rows, columns=columns)
    return columns, rows, slices


def _affine_lps(header: _Header) -> npt.NDArray[np.float64]:
    """Index (slice, row, column) to LPS millimetres; a triple of the matrix is an axis."""
    spacing = header.numbers("ElementSpacing")
    axes = header.numbers("TransformMatrix", "Rotation", "Orientation", default=_IDENTITY, count=9)
    affine = np.eye(4)
    affine[:3, :3] = (axes.reshape(3, 3).T * spacing)[:, ::-1]
    affine[:3, 3] = header.numbers("Offset", "Position", "Origin", default="0 0 0")
    return affine


def _voxels(source: Path, header: _Header, data: bytes) -> tuple[bytes, Path, list[str]]:
    """The voxels as stored, the file that holds them, and the digests of all files read."""
    digests = [hashlib.sha256(data).hexdigest()]
    name = header.fields["ElementDataFile"]
    if name == "LOCAL":
        return data[header.end :], source, digests
    named = source.parent / name
    if not name or Path(name).name != name or not named.is_file():
        raise UnreadableStudy(
            f"a MetaImage header lies without its voxels, {safe_text(name)!r}",
            hint="put the .raw or .zraw file beside the .mhd file; lists of files are not read",
        )
    check_bytes(named.stat().st_size, limit=MAX_FILE_BYTES, what="a MetaImage file")
    stored = named.read_bytes()
    return stored, named, [*digests, hashlib.sha256(stored).hexdigest()]


def _planes(header: _Header, stored: bytes, shape: tuple[int, int, int]) -> npt.NDArray[Any]:
    element = _ELEMENTS.get(header.text("ElementType"))
    if element is None or header.text("BinaryData", default="True").lower() in ("false", "0"):
        raise InputRejected(
            f"MetaImage values of type {safe_text(header.text('ElementType'))} as text or pixels "
            "are no Hounsfield units",
            hint="give the CT volume itself",
        )
    big = header.flag("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
    dtype = np.dtype(element).newbyteorder(">" if big else "<")
    needed = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if header.flag("CompressedData"):
        try:
            stored = zlib.decompressobj().decompress(stored, needed + 1)
        except zlib.error as error:
            raise UnreadableStudy(
                "the compressed voxels of a MetaImage are damaged", hint="send it again"
            ) from error
    else:
        skip = int(header.numbers("HeaderSize", default="0", count=1)[0])
        stored = stored[-needed:] if skip == -1 else stored[max(0, skip) :]
    if len(stored) != needed:
        raise UnreadableStudy(
            f"a MetaImage holds {len(stored)} bytes of voxels and its header says {needed}",
            hint="send it again",
        )
    return np.frombuffer(stored, dtype).reshape(shape)


def _sources(name: str, sha256: str, turn: Turn, number: int) -> tuple[SliceSource, ...]:
    order = range(number - 1, -1, -1) if turn.reverse[0] else range(number)
    return tuple(SliceSource(file=name, sha256=sha256, frame=k) for k in order)


CARD = ReaderCard(title="MetaImage file", claims=claims, read=read)
