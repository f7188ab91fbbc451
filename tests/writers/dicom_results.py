"""Screenings of volumes that came from DICOM, and DICOM results read back without our own code."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from tests.writers.screenings import EVERY, scan

from ctsieve.phantoms.dicom import save_dicom
from ctsieve.readers import read_study
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import SliceSource
from ctsieve.types.results import Explanation, Lesion, LesionTotal, Screening
from ctsieve.types.study import Cosines, StudyHeader
from ctsieve.types.volume import CTVolume

CT = "1.2.840.10008.5.1.4.1.1.2"
VOLUMES = sorted(kind for kind, make in EVERY.items() if isinstance(make().image, CTVolume))
"""The screenings of `EVERY` that are of volumes."""
Bits = npt.NDArray[np.bool_]


@cache
def header(orientation: Cosines) -> StudyHeader:
    """A study without a date, of images in `orientation`."""
    return StudyHeader(
        attributes={"PatientName": "MUSTERMANN^ERIKA", "PatientID": "7"},
        sop_class=CT,
        orientation=orientation,
    )


def in_memory(geometry: Geometry, orientation: Cosines) -> CTVolume:
    """A volume on `geometry` as if it had been read from a file a slice."""
    template = scan().image.provenance
    slices = tuple(
        SliceSource(file=f"{k}.dcm", sha256="0" * 64, sop_instance_uid=f"1.2.3.{k + 1}")
        for k in range(geometry.shape[0])
    )
    return CTVolume(
        hu=np.full(geometry.shape, -800, np.int16),
        geometry=geometry,
        provenance=replace(template, slices=slices),
        study=header(orientation),
    )


def as_if_read(screening: Screening) -> Screening:
    """The screening as if its volume had been read from DICOM, without any file."""
    volume = screening.image
    assert isinstance(volume, CTVolume)
    read = in_memory(volume.geometry, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    return replace(screening, image=replace(read, hu=volume.hu))


def through_dicom(volume: CTVolume, folder: Path, *, habit: str = "plain") -> CTVolume:
    """The volume written as a scanner with that habit would, and read again."""
    save_dicom(volume, folder, habit=habit)
    read = read_study(folder)
    assert isinstance(read, CTVolume)
    return read


def with_image(screening: Screening, volume: CTVolume) -> Screening:
    """The screening as if it were of `volume`, which has the same grid."""
    shown = screening.explanation
    moved = replace(shown, geometry=volume.geometry) if shown is not None else None
    return replace(screening, image=volume, explanation=moved)


def screened(kind: str, folder: Path, *, habit: str = "plain") -> Screening:
    """One of the screenings of `EVERY`, its image gone through DICOM."""
    made = EVERY[kind]()
    assert isinstance(made.image, CTVolume)
    return with_image(made, through_dicom(made.image, folder, habit=habit))


def marked(volume: CTVolume, lungs: Bits) -> Screening:
    """A screening of `volume` whose lungs, heat and only lesion are those voxels."""
    index = np.argwhere(lungs)
    start, stop = index.min(axis=0), index.max(axis=0) + 1
    box = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    lesion = Lesion(
        kind="ggo",
        score=0.5,
        start=(int(start[0]), int(start[1]), int(start[2])),
        stop=(int(stop[0]), int(stop[1]), int(stop[2])),
        mask=lungs[box],
        geometry=volume.geometry,
    )
    heat = np.where(lungs, 0.75, 0.0).astype(np.float16)
    return replace(
        scan(),
        image=volume,
        slices=None,
        lungs=lungs,
        lesion_instances=(lesion,),
        lesion_totals=(
            LesionTotal(kind="ggo", count=1, ml=lesion.volume_ml, percent_of_lungs=100.0),
            LesionTotal(kind="consolidation", count=0, ml=0.0, percent_of_lungs=0.0),
        ),
        explanation=Explanation(
            method="Grad-CAM++", label="covid19", heat=heat, peak=2.0, geometry=volume.geometry
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameInSpace:
    """One frame of a multi-frame object: its values and where they lie."""

    values: npt.NDArray[np.float64]
    affine: npt.NDArray[np.float64]
    """From (row, column, 1) to LPS millimetres."""
    segment: int | None
    source: str | None
    """SOP Instance UID of the image the frame was made from."""
    source_frame: int | None

    def places(self) -> npt.NDArray[np.float64]:
        """LPS millimetres (n, 3) of the values that are not 0."""
        index = np.argwhere(self.values)
        return np.asarray(np.column_stack([index, np.ones(len(index))]) @ self.affine.T)


def frames_in_space(path: Path) -> list[FrameInSpace]:
    """Every frame of a Segmentation or Parametric Map, by the standard alone (PS3.3 C.7.6.2)."""
    ds = pydicom.dcmread(path)
    shared = ds.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=np.float64)
    row_mm, column_mm = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    pixels = ds.pixel_array.reshape(int(ds.NumberOfFrames), ds.Rows, ds.Columns)
    return [
        _frame(group, shared, values=values, axes=(cosines[3:] * row_mm, cosines[:3] * column_mm))
        for group, values in zip(ds.PerFrameFunctionalGroupsSequence, pixels, strict=True)
    ]


def _frame(
    group: Dataset,
    shared: Dataset,
    *,
    values: npt.NDArray[np.generic],
    axes: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
) -> FrameInSpace:
    position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=np.float64)
    named = group.get("SegmentIdentificationSequence") or shared.get(
        "SegmentIdentificationSequence"
    )
    derivations = group.get("DerivationImageSequence", ())
    sources = [s for d in derivations for s in d.SourceImageSequence]
    frame = sources[0].get("ReferencedFrameNumber") if sources else None
    return FrameInSpace(
        values=values.astype(np.float64),
        affine=np.column_stack([*axes, position]),
        segment=int(named[0].ReferencedSegmentNumber) if named else None,
        source=str(sources[0].ReferencedSOPInstanceUID) if sources else None,
        source_frame=None if frame is None else int(frame),
    )
