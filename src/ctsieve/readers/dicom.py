"""DICOM: a file, or a folder in any order with anything else in it, becomes one CT volume.

Pass 1 reads headers only; the series is chosen from them.  Pass 2 reads each chosen file once.
DICOMDIR files are never followed: what a folder holds is found by looking.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ctsieve.readers._codecs import CODECS, NATIVE, RLE
from ctsieve.readers._dicom_header import NotAnImage, identity, read_header
from ctsieve.readers._dicom_pixels import load
from ctsieve.readers._dicom_study import study_header
from ctsieve.readers._dicom_twins import without_twins
from ctsieve.readers._files import files_under, first_bytes, is_dicom, relative_name
from ctsieve.readers._geometry import Turn, shear_degrees, turn_to_canonical
from ctsieve.readers._header import Frame
from ctsieve.readers._hu import padding_is_outside_tissue
from ctsieve.readers._limits import check_grid, plural
from ctsieve.readers._placing import Placed, place, with_places
from ctsieve.readers._series import Candidate, choices, ranked
from ctsieve.readers._stacks import Stack, stacks_of
from ctsieve.types.cards import ReaderCard
from ctsieve.types.errors import InputRejected, MixedPatients, UnreadableStudy
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Acquisition, Provenance, SliceSource
from ctsieve.types.volume import CTVolume
from ctsieve.version import __version__

TRANSFER_SYNTAXES: Final = (*sorted(NATIVE), RLE, *sorted(CODECS))
"""Every encoding of pixels that is read."""

_DICOMDIR: Final = "DICOMDIR"
_DAMAGED: Final = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    """What the headers of a folder say, and what was left aside."""

    frames: tuple[Frame, ...]
    steps: tuple[str, ...]
    num_damaged: int


def claims(path: Path) -> bool:
    """Whether `path` is a DICOM file or a folder that holds one."""
    return any(is_dicom(first_bytes(file)) for file in files_under(path))


def read(path: Path, *, workers: int | None = None) -> CTVolume:
    """The CT volume at `path`.

    Raises:
        MixedPatients: the folder holds images of more than one patient.
        InputRejected: there is no CT, or its geometry cannot be trusted.
        UnreadableStudy: files are damaged, hostile or beyond the limits.
    """
    scan = _scan(path)
    _check_one_patient(scan.frames)
    candidates = ranked(stacks_of(scan.frames))
    try:
        chosen, placed, steps = _first_placeable(candidates)
    except InputRejected as error:
        if scan.num_damaged:
            error.hint = f"{plural(scan.num_damaged, 'damaged file')} left out: fetch them again"
        raise
    hu, geometry, turn, digests = _voxels(placed, workers=workers)
    return CTVolume(
        hu=hu,
        geometry=geometry,
        provenance=Provenance(
            reader="dicom",
            reader_version=__version__,
            digest=_digest(placed, turn, digests),
            slices=_sources(placed, turn, digests),
            study_uid=placed.frames[0].header.study,
            series_uid=placed.frames[0].header.series,
            frame_of_reference_uid=placed.frames[0].header.frame_of_reference,
            acquisition=_acquisition(placed, geometry),
            steps=(
                *(*scan.steps, *steps, *_value_steps(placed.frames)),
                *(*_tilt_steps(placed, geometry), *turn.steps),
            ),
            choices=choices(candidates, chosen=chosen),
            num_damaged=scan.num_damaged,
        ),
        study=study_header(placed.frames[0]),
    )


def identify(source: Path | bytes) -> tuple[str, str]:
    """(Study Instance UID, SOP Instance UID) of one image file, its pixels and planes unread.

    `source` is the file, or its content.

    Raises:
        InputRejected: it is no image, or names no study or no instance.
        UnreadableStudy: it is damaged, hostile or beyond the limits.
    """
    try:
        study, instance = identity(source)
    except NotAnImage as other:
        raise InputRejected(
            f"the object is no CT image ({other.kind})", hint="send CT images only"
        ) from other
    if not (study and instance):
        raise InputRejected("the image names no study or no instance", hint="export it again")
    return study, instance


def _scan(path: Path) -> _Scan:
    files = list(files_under(path))
    frames: list[Frame] = []
    others: dict[str, int] = {}
    problem: UnreadableStudy | None = None
    for file in files:
        kind = ""
        if file.name.upper() == _DICOMDIR:
            kind = "a directory of other files"
        elif not is_dicom(first_bytes(file)):
            kind = "not DICOM"
        else:
            try:
                frames += read_header(file, name=relative_name(file, root=path))
            except NotAnImage as other:
                kind = f"no CT image ({other.kind})"
            except UnreadableStudy as error:
                problem, kind = problem or error, _DAMAGED
        if kind:
            others[kind] = others.get(kind, 0) + 1
    if not frames:
        raise problem or _nothing(len(files), others)
    return _Scan(
        frames=tuple(frames),
        steps=tuple(f"{plural(n, 'file')} left out: {kind}" for kind, n in sorted(others.items())),
        num_damaged=others.get(_DAMAGED, 0),
    )


def _nothing(number: int, others: dict[str, int]) -> InputRejected:
    if not number:
        return UnreadableStudy("the folder is empty", hint="give the folder of a study")
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(others.items()))
    return InputRejected(
        f"there is no image in {plural(number, 'file')}: {kinds}",
        hint="give a CT series of the chest",
    )


def _check_one_patient(frames: Sequence[Frame]) -> None:
    people = {f.header.person for f in frames} - {""}
    if len(people) > 1:
        raise MixedPatients(
            f"the folder holds images of {len(people)} patients",
            hint="give one folder per patient",
        )


def _first_placeable(candidates: list[Candidate]) -> tuple[int, Placed, tuple[str, ...]]:
    """The best candidate whose slices can be placed; the first problem if none can."""
    problem: InputRejected | None = None
    for number, candidate in enumerate(candidates):
        if not candidate.readable:
            break
        try:
            placed, steps = _placed(candidate.stack)
        except UnreadableStudy:
            raise
        except InputRejected as error:
            problem = problem or error
            objections = (*candidate.unfit, str(error))
            candidates[number] = replace(candidate, unfit=objections)
        else:
            return number, placed, steps
    raise problem or InputRejected("there is no CT image", hint="give a CT series of the chest")


def _placed(stack: Stack) -> tuple[Placed, tuple[str, ...]]:
    frames, assumed = with_places(stack.frames)
    single, dropped = without_twins(frames)
    placed = place(single)
    return placed, (*stack.steps, *assumed, *dropped, *placed.steps)


def _voxels(
    placed: Placed, *, workers: int | None
) -> tuple[npt.NDArray[np.int16], Geometry, Turn, dict[str, str]]:
    pixels = placed.frames[0].header.pixels
    shape = (len(placed.nearer), pixels.rows, pixels.columns)
    check_grid(shape[0], rows=shape[1], columns=shape[2])
    turn = turn_to_canonical(placed.affine)
    source = np.empty((len(placed.frames), pixels.rows, pixels.columns), np.int16)
    digests = load(placed.frames, out=source, workers=workers)
    hu = turn.array(_interpolated(placed, source))
    header = placed.frames[0].header
    frame = header.frame_of_reference or f"series:{header.series or digests[header.name]}"
    return hu, Geometry(_three(hu.shape), turn.affine(placed.affine, shape), frame), turn, digests


def _interpolated(placed: Placed, source: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    if placed.is_regular and placed.nearer == tuple(range(len(source))):
        return source
    grid = np.empty((len(placed.nearer), *source.shape[1:]), np.int16)
    ways = zip(placed.nearer, placed.further, placed.weight, strict=True)
    for k, (near, far, weight) in enumerate(ways):
        if near == far:
            grid[k] = source[near]
        else:
            mixed = source[near] * (1.0 - weight) + source[far] * weight
            grid[k] = np.rint(mixed).astype(np.int16)
    return grid


def _digest(placed: Placed, turn: Turn, digests: dict[str, str]) -> str:
    """SHA-256 over the files' digests in slice order, each file once."""
    frames = placed.frames[::-1] if turn.keeps_slices and turn.reverse[0] else placed.frames
    names = dict.fromkeys(f.header.name for f in frames)
    return hashlib.sha256("\n".join(digests[n] for n in names).encode()).hexdigest()


def _sources(placed: Placed, turn: Turn, digests: dict[str, str]) -> tuple[SliceSource | None, ...]:
    """One per canonical slice; None where it was interpolated or cuts across the file's slices."""
    if not turn.keeps_slices:
        first = placed.frames[0].header.pixels
        return (None,) * (first.rows if turn.axes[0] == 1 else first.columns)
    sources = [
        _source(placed.frames[near], digests) if near == far else None
        for near, far in zip(placed.nearer, placed.further, strict=True)
    ]
    return tuple(reversed(sources)) if turn.reverse[0] else tuple(sources)


def _source(frame: Frame, digests: dict[str, str]) -> SliceSource:
    return SliceSource(
        file=frame.header.name,
        sha256=digests[frame.header.name],
        sop_instance_uid=frame.header.sop_instance,
        frame=frame.index,
        instance_number=frame.instance_number,
    )


def _acquisition(placed: Placed, geometry: Geometry) -> Acquisition:
    frame = placed.frames[0]
    rescaled = all(f.slope is not None and f.intercept is not None for f in placed.frames)
    return replace(
        frame.header.acquisition,
        image_type=tuple(t[:16] for t in frame.image_type) or frame.header.acquisition.image_type,
        slice_thickness_mm=frame.thickness,
        tilt_degrees=round(shear_degrees(geometry.affine), 2),
        intensity="hu" if rescaled else "assumed-hu",
    )


def _tilt_steps(placed: Placed, geometry: Geometry) -> tuple[str, ...]:
    """The grid says how it is tilted; the header's own word for it is only compared."""
    measured = shear_degrees(geometry.affine)
    if measured:
        return (f"gantry tilt of {measured:.1f} degrees: the grid is kept sheared",)
    named = abs(placed.frames[0].header.acquisition.tilt_degrees)
    if named > 1.0 and len(placed.frames) > 1:
        return (f"the header names a gantry tilt of {named:.1f} degrees, the positions show none",)
    return ()


def _value_steps(frames: Sequence[Frame]) -> tuple[str, ...]:
    first = frames[0]
    slope, intercept = first.slope or 1.0, first.intercept or 0.0
    padding = first.header.pixels.padding
    kept = padding is not None and not padding_is_outside_tissue(
        padding, slope=slope, intercept=intercept
    )
    noted = (
        (first.header.acquisition.modality is None, "modality not stated: CT by its class"),
        (
            any(f.slope is None or f.intercept is None for f in frames),
            "rescale not stated: values taken as Hounsfield units",
        ),
        (first.header.pixels.monochrome1, "MONOCHROME1 concerns display: values unchanged"),
        (any(f.header.lossy for f in frames), "pixels were compressed with loss"),
        (kept, "declared padding value lies among tissue values and was kept"),
    )
    return tuple(step for holds, step in noted if holds)


def _three(shape: tuple[int, ...]) -> tuple[int, int, int]:
    slices, rows, columns = shape
    return slices, rows, columns


CARD = ReaderCard(title="DICOM file or folder", claims=claims, read=read)
