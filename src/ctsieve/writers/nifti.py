"""NIfTI: heat, lungs and lesions on the study's own grid, for viewers and further computing.

Source   NIfTI-1.1, nifti1.h of the NIfTI Data Format Working Group (header layout, `scl_slope`,
         sform and qform).

Nothing is resampled or reordered: in memory the column runs fastest, which is NIfTI's first axis,
so voxel (i, j, k) is (column, row, slice) and only the affine turns from LPS to RAS.  Heat is kept
as whole numbers 0 to 255 with `scl_slope` 1/255, a quarter of the size of floats; values read back
are exact to 1/510.
"""

import gzip
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.types.cards import FormatCard
from ctsieve.types.errors import UsageError
from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import promise
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._colour import heat_levels
from ctsieve.writers._lesions import kinds, lesion_slice

HEAT_FILE = "heat.nii.gz"
LUNGS_FILE = "lungs.nii.gz"
LESIONS_FILE = "lesions.nii.gz"

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
COLUMN_ROW_SLICE = [2, 1, 0, 3]

UINT8 = 2
INT16 = 4
SCANNER_SPACE = 1
MILLIMETRES = 2
HEADER_BYTES = 352
"""The header (348) and the four bytes that say that no extension follows."""
SQUARE = 1e-5
"""Cosine up to which axes count as perpendicular; a qform knows no other."""
FAST = 1

HEADER = np.dtype(
    {
        "names": [
            "sizeof_hdr", "dim", "datatype", "bitpix", "pixdim", "vox_offset", "scl_slope",
            "scl_inter", "xyzt_units", "cal_max", "descrip", "qform_code", "sform_code",
            "quatern", "qoffset", "srow", "intent_name", "magic",
        ],
        "formats": [
            "<i4", ("<i2", 8), "<i2", "<i2", ("<f4", 8), "<f4", "<f4",
            "<f4", "u1", "<f4", "S80", "<i2", "<i2",
            ("<f4", 3), ("<f4", 3), ("<f4", (3, 4)), "S16", "S4",
        ],
        "offsets": [
            0, 40, 70, 72, 76, 108, 112,
            116, 123, 124, 148, 252, 254,
            256, 268, 280, 328, 344,
        ],
        "itemsize": HEADER_BYTES,
    }
)  # fmt: skip


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `heat.nii.gz`, `lungs.nii.gz` and `lesions.nii.gz`, each where the screening has it.

    Lesions are 1, 2, ... by their kind, in the order of `Screening.lesion_totals`.

    Raises:
        UsageError: the image is a picture and has no millimetres.
    """
    image = screening.image
    if not isinstance(image, CTVolume):
        raise UsageError(
            "a picture has no millimetres, so no NIfTI can be written of it",
            hint="choose png, html or json",
        )
    files: dict[str, bytes] = {}
    if screening.explanation is not None:
        levels = (heat_levels(plane) for plane in screening.explanation.heat)
        header = _header(image.geometry, slope=1.0 / 255.0, name=screening.explanation.label)
        files[HEAT_FILE] = _compressed(header, levels)
    if screening.lungs is not None:
        promise(screening.lungs.shape == image.geometry.shape, "the lungs lie on the image's grid")
        header = _header(image.geometry, slope=1.0, name="lungs")
        files[LUNGS_FILE] = _compressed(
            header, (plane.astype(np.uint8) for plane in screening.lungs)
        )
    if screening.lesion_totals:
        header = _header(image.geometry, slope=1.0, name="lesions")
        levels = (_lesion_labels(screening, k) for k in range(image.geometry.shape[0]))
        files[LESIONS_FILE] = _compressed(header, levels)
    return write_whole(folder, files)


def volume_bytes(volume: CTVolume) -> bytes:
    """The volume itself as a packed NIfTI file of Hounsfield units (int16)."""
    header = np.frombuffer(_header(volume.geometry, slope=1.0, name="HU"), dtype=HEADER).copy()
    header["datatype"], header["bitpix"] = INT16, 16
    header["cal_max"] = 0.0
    return _compressed(header.tobytes(), volume.hu)


def _lesion_labels(screening: Screening, index: int) -> npt.NDArray[np.uint8]:
    """One slice (rows, columns): 0, or the number of the kind of lesion."""
    labels = np.zeros(screening.image.geometry.shape[1:], dtype=np.uint8)
    for number, kind in enumerate(kinds(screening), start=1):
        labels[lesion_slice(screening, kind, index)] = number
    return labels


def ras_affine(geometry: Geometry) -> npt.NDArray[np.float64]:
    """From NIfTI voxel (i, j, k) = (column, row, slice) to RAS millimetres (4, 4)."""
    return np.asarray((RAS_FROM_LPS.diagonal()[:, None] * geometry.affine)[:, COLUMN_ROW_SLICE])


def _header(geometry: Geometry, *, slope: float, name: str) -> bytes:
    promise(max(geometry.shape) < 2**15, f"a NIfTI axis has at most 32767 voxels: {geometry.shape}")
    affine = ras_affine(geometry)
    slices, rows, columns = geometry.shape
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    header = np.zeros((), dtype=HEADER)
    header["sizeof_hdr"] = 348
    header["dim"] = (3, columns, rows, slices, 1, 1, 1, 1)
    header["datatype"], header["bitpix"] = UINT8, 8
    header["pixdim"] = (1.0, *steps, 0.0, 0.0, 0.0, 0.0)
    header["vox_offset"] = HEADER_BYTES
    header["scl_slope"] = slope
    header["xyzt_units"] = MILLIMETRES
    header["cal_max"] = 1.0
    header["descrip"] = b"ctsieve, research use only"
    header["sform_code"], header["srow"] = SCANNER_SPACE, affine[:3]
    header["intent_name"] = name.encode("ascii", "replace")[:15]
    header["magic"] = b"n+1"
    rotation = _rotation(affine)
    if rotation is not None:
        quaternion, handedness = rotation
        header["pixdim"][0] = handedness
        header["qform_code"], header["quatern"] = SCANNER_SPACE, quaternion[1:]
        header["qoffset"] = affine[:3, 3]
    return header.tobytes()


def _rotation(affine: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float] | None:
    """Unit quaternion (a, b, c, d), a >= 0, and handedness +1 or -1; None on a sheared grid.

    Some viewers read only the qform; a sheared grid has none and they must refuse it rather than
    show heat in a wrong place.
    """
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if np.abs(axes.T @ axes - np.eye(3)).max() > SQUARE:
        return None
    handedness = 1.0 if np.linalg.det(axes) > 0 else -1.0
    (a, b, c), (d, e, f), (g, h, i) = axes * (1.0, 1.0, handedness)
    # Four times the outer product of the quaternion with itself: its longest column is the
    # quaternion without the cancellation that the others suffer near half turns.
    product = np.array(
        [
            [1 + a + e + i, h - f, c - g, d - b],
            [h - f, 1 + a - e - i, b + d, c + g],
            [c - g, b + d, 1 - a + e - i, f + h],
            [d - b, c + g, f + h, 1 - a - e + i],
        ]
    )
    longest = product[:, int(np.argmax(product.diagonal()))]
    quaternion = longest / np.linalg.norm(longest)
    return (quaternion if quaternion[0] >= 0 else -quaternion), handedness


def _compressed(header: bytes, planes: Iterable[npt.NDArray[np.generic]]) -> bytes:
    """Header and voxels as gzip, the same bytes for the same voxels: no time, no file name."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=FAST, fileobj=buffer, mtime=0) as file:
        file.write(header)
        for plane in planes:
            file.write(np.ascontiguousarray(plane).tobytes())
    return buffer.getvalue()


CARD = FormatCard(title="NIfTI, heat, lungs and lesions as voxels", write=write, pictures=False)
