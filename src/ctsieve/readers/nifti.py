"""NIfTI-1 and -2 (.nii, .nii.gz, .hdr + .img): RAS millimetres become LPS, values become HU.

A NIfTI file cannot say that its values are Hounsfield units, so they are always *assumed* to be
(`Acquisition.intensity` is "assumed-hu") and the gate judges them.  A file that does not say how
it is oriented (no qform, no sform) is refused: left and right would be a guess.
"""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel.fileholders import FileHolder
from nibabel.spatialimages import HeaderDataError, ImageDataError
from nibabel.wrapstruct import WrapStructError

from ctsieve.readers._files import files_under, first_bytes, relative_name
from ctsieve.readers._geometry import Turn, turn_to_canonical
from ctsieve.readers._hu import assumed_hu, doubts
from ctsieve.readers._limits import MAX_HEADER_BYTES, MAX_VOXELS, check_bytes, check_grid
from ctsieve.types.cards import ReaderCard
from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Acquisition, Provenance, SliceSource
from ctsieve.types.volume import CTVolume
from ctsieve.version import __version__

_RAS_TO_LPS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
_MM_PER_UNIT: Final = {"meter": 1000.0, "micron": 0.001, "mm": 1.0, "unknown": 1.0}
_MAX_BYTES: Final = MAX_VOXELS * 8 + MAX_HEADER_BYTES
_GZIP: Final = b"\x1f\x8b"
_DAMAGED: Final = (
    *(EOFError, HeaderDataError, ImageDataError, OSError, OverflowError, ValueError),
    *(WrapStructError, zlib.error),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """The bytes of a NIfTI image, and what they are called."""

    header: bytes
    image: bytes | None
    name: str
    sha256: str
    digest: str


def claims(path: Path) -> bool:
    """Whether `path` is a NIfTI file, one half of a pair, or a folder that holds one."""
    return bool(_headers(path))


def read(path: Path, *, workers: int | None = None) -> CTVolume:  # noqa: ARG001 one file, one thread
    """The CT volume at `path`.

    Raises:
        UnreadableStudy: the file is damaged or beyond the limits.
        InputRejected: it is no single volume of finite numbers, does not say how it lies, or is
            not the only one in its folder.
    """
    header, *others = _headers(path)
    if others:
        raise InputRejected(
            f"the folder holds {len(others) + 1} NIfTI files, and nothing says which is the CT",
            hint="give the file of the CT itself",
        )
    file = _load(header, root=path)
    image = _parsed(file)
    affine, steps = _affine_lps(image)
    turn = turn_to_canonical(affine)
    hu = turn.array(_hounsfield(image))
    shape = (hu.shape[0], hu.shape[1], hu.shape[2])
    steps += doubts(hu)
    return CTVolume(
        hu=hu,
        geometry=Geometry(shape, turn.affine(affine, _source_shape(image)), f"nifti:{file.digest}"),
        provenance=Provenance(
            reader="nifti",
            reader_version=__version__,
            digest=file.digest,
            slices=_sources(file, turn, shape[0]),
            acquisition=Acquisition(intensity="assumed-hu"),
            steps=(*steps, "values taken as Hounsfield units", *turn.steps),
        ),
    )


def _headers(path: Path) -> list[Path]:
    if path.is_file():
        header = path.with_suffix(".hdr") if path.suffix.lower() == ".img" else path
        return [header] if header.is_file() and _magic(header) else []
    return [file for file in files_under(path) if _magic(file)]


def _magic(path: Path) -> bytes:
    """The magic of a NIfTI header, empty for anything else."""
    head = first_bytes(path)
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, 352)
        except zlib.error:
            return b""
    for magic in (head[344:348], head[4:8]):
        if magic in (b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0"):
            return magic
    return b""


def _load(header: Path, *, root: Path) -> _File:
    data = header.read_bytes()
    digests = [hashlib.sha256(data).hexdigest()]
    data = _unzipped(data)
    image, named = None, header
    if data[344:346] == b"ni" or data[4:6] == b"ni":
        named = next(
            (p for s in (".img", ".img.gz") if (p := header.with_suffix(s)).is_file()), header
        )
        if named == header:
            raise UnreadableStudy(
                "a NIfTI header lies without its .img file", hint="give both files"
            )
        image = named.read_bytes()
        digests.append(hashlib.sha256(image).hexdigest())
        image = _unzipped(image)
    return _File(
        header=data,
        image=image,
        name=named.name if root.is_file() else relative_name(named, root=root),
        sha256=digests[-1],
        digest=hashlib.sha256("\n".join(digests).encode()).hexdigest(),
    )


def _unzipped(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    try:
        with gzip.open(BytesIO(data)) as file:
            plain = file.read(_MAX_BYTES + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise UnreadableStudy("a compressed NIfTI file is damaged", hint="send it again") from error
    check_bytes(len(plain), limit=_MAX_BYTES, what="a NIfTI file")
    return plain


def _parsed(file: _File) -> Any:  # noqa: ANN401 nibabel has no types
    try:
        first = nib.Nifti2Image if file.header[4:6] == b"n+" else nib.Nifti1Image
        pair: Any = nib.Nifti2Pair if file.header[4:6] == b"ni" else nib.Nifti1Pair
        if file.image is None:
            image: Any = first.from_bytes(file.header)
        else:
            image = pair.from_file_map(
                {
                    "header": FileHolder(fileobj=BytesIO(file.header)),
                    "image": FileHolder(fileobj=BytesIO(file.image)),
                }
            )
        shape = _source_shape(image)
    except _DAMAGED as error:
        raise UnreadableStudy(
            "a NIfTI header is damaged", hint="convert the study again"
        ) from error
    check_grid(shape[0], rows=shape[1], columns=shape[2])
    if image.get_data_dtype().kind not in "iuf":
        raise InputRejected(
            f"NIfTI values of type {image.get_data_dtype()} are no Hounsfield units",
            hint="give the CT volume itself",
        )
    return image


def _source_shape(image: Any) -> tuple[int, int, int]:  # noqa: ANN401
    """(k, j, i): the file's axes in reverse, so that the first is the slice axis as a rule."""
    shape = tuple(int(n) for n in image.shape)
    if len(shape) < 2 or any(n != 1 for n in shape[3:]):
        raise InputRejected(
            f"a NIfTI image of shape {shape} is no single volume", hint="give one 3-D volume"
        )
    i, j, k = (*shape, 1)[:3]
    return k, j, i


def _affine_lps(image: Any) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:  # noqa: ANN401
    header = image.header
    if header["qform_code"] <= 0 and header["sform_code"] <= 0:
        raise InputRejected(
            "the NIfTI header does not say how the volume is oriented (no qform, no sform)",
            hint="convert the DICOM series again with a tool that writes them",
        )
    unit = header.get_xyzt_units()[0]
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all():
        raise UnreadableStudy("a NIfTI affine is not finite", hint="convert the study again")
    scale = _MM_PER_UNIT.get(unit, 1.0)
    lps = _RAS_TO_LPS @ np.diag([scale, scale, scale, 1.0]) @ affine
    steps = () if scale == 1.0 else (f"affine converted from {unit} to mm",)
    # Grid axes in the order of `_source_shape`.
    return np.asarray(lps[:, [2, 1, 0, 3]]), steps


def _hounsfield(image: Any) -> npt.NDArray[np.int16]:  # noqa: ANN401
    """int16 HU on the axes (k, j, i)."""
    try:
        raw = np.asarray(image.dataobj.get_unscaled()).reshape(image.shape[:3], order="A")
    except _DAMAGED as error:
        raise UnreadableStudy(
            "a NIfTI file ends before its last voxel", hint="send it again"
        ) from error
    planes = np.atleast_3d(raw).transpose(2, 1, 0)
    slope, intercept = float(image.dataobj.slope), float(image.dataobj.inter)
    return assumed_hu(planes, slope=slope, intercept=intercept)


def _sources(file: _File, turn: Turn, number: int) -> tuple[SliceSource, ...]:
    order = range(number - 1, -1, -1) if turn.reverse[0] else range(number)
    return tuple(SliceSource(file=file.name, sha256=file.sha256, frame=k) for k in order)


CARD = ReaderCard(title="NIfTI file", claims=claims, read=read)
