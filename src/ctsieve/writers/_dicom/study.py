"""The study that DICOM results belong to: checked once, then repeated in every object.

In memory the source images are header-only data sets: highdicom takes patient, study and places
from them.  Nothing here opens a file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from ctsieve.types.provenance import SliceSource
from ctsieve.types.results import Screening
from ctsieve.types.study import StudyHeader
from ctsieve.types.volume import CTVolume
from ctsieve.writers._dicom.belonging import study_of, unfit
from ctsieve.writers._dicom.grid import SourceGrid, source_grid
from ctsieve.writers._dicom.uids import is_uid
from ctsieve.writers._dicom.values import decimal, fitting

CHARACTER_SET: Final = "ISO_IR 192"
"""UTF-8: whatever the source was written in."""

ALWAYS: Final = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PositionReferenceIndicator",
)
"""Type 2: present in every object, empty where the source says nothing."""

WHERE_KNOWN: Final = (
    "StudyDescription",
    "IssuerOfPatientID",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
)
"""Of the patient and the study: the same in every object of a study, or archives see a conflict."""

PERSONS: Final = ("PatientName", "ReferringPhysicianName")

ELSEWHERE: Final = 1000.0
"""Millimetres off the grid: where frames lie that the reader left out, so that nothing matches."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """A source image, with the frames (from 1) that are meant; none means the whole of it."""

    image: Dataset
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """The images that a screening judged, as results refer to them."""

    volume: CTVolume
    header: StudyHeader
    grid: SourceGrid
    images: tuple[Dataset, ...]
    """One per source file that is a slice of the volume, from the head.

    They name nobody: highdicom warns of names that real headers have.
    """

    @property
    def names(self) -> Mapping[str, str]:
        """The persons that the source names, by keyword; empty where it is silent."""
        said = self.header.attributes
        return {keyword: fitting(keyword, said.get(keyword, "")) for keyword in PERSONS}

    def references(self, indices: Iterable[int]) -> tuple[Reference, ...]:
        """The source images of the slices `indices`; interpolated slices have none."""
        by_uid = {str(image.SOPInstanceUID): image for image in self.images}
        frames: dict[str, list[int]] = {}
        for source in (self.volume.provenance.slices[i] for i in indices):
            if source is not None:
                frames.setdefault(source.sop_instance_uid, []).append(source.frame + 1)
        many = self.header.num_frames > 1
        return tuple(
            Reference(image=by_uid[name], frames=tuple(numbers) if many else ())
            for name, numbers in frames.items()
        )


def source_of(screening: Screening) -> Source:
    """The study that results of `screening` belong to.

    Raises:
        UsageError: the image was not read from DICOM, or its headers name no study, no series or
            no image that a result could refer to.
    """
    volume, header = study_of(screening)
    grid = source_grid(
        volume.geometry,
        header.orientation,
        thickness_mm=volume.provenance.acquisition.slice_thickness_mm,
    )
    return Source(
        volume=volume,
        header=header,
        grid=grid,
        images=_images(volume, header, grid),
    )


def check_frame_of_reference(source: Source) -> None:
    """Refuse to place voxels where the study names no frame of reference.

    Raises:
        UsageError: there is none.
    """
    if not is_uid(source.volume.provenance.frame_of_reference_uid):
        raise unfit("the study names no valid Frame of Reference UID, so no voxel has a place")


def _images(volume: CTVolume, header: StudyHeader, grid: SourceGrid) -> tuple[Dataset, ...]:
    by_file: dict[str, list[tuple[int, SliceSource]]] = {}
    for index, source in enumerate(volume.provenance.slices):
        if source is not None:
            by_file.setdefault(source.sop_instance_uid, []).append((index, source))
    images = []
    for uid, slices in by_file.items():
        image = _image(volume, header)
        image.SOPInstanceUID = uid
        image.Rows, image.Columns = grid.rows, grid.columns
        if header.num_frames > 1:
            _describe_frames(image, grid, header, slices)
        else:
            image.InstanceNumber = slices[0][1].instance_number
            image.ImagePositionPatient = grid.position(slices[0][0])
            image.ImageOrientationPatient = grid.orientation
            image.PixelSpacing = grid.pixel_spacing
            image.SliceThickness = decimal(grid.thickness_mm)
        images.append(image)
    return tuple(images)


def _image(volume: CTVolume, header: StudyHeader) -> Dataset:
    """What all images of the series share."""
    image = Dataset()
    image.SpecificCharacterSet = CHARACTER_SET
    for keyword in ALWAYS:
        setattr(image, keyword, "")
    for keyword, text in header.attributes.items():
        if keyword in PERSONS:
            continue
        value = fitting(keyword, text)
        if value or keyword in ALWAYS:
            setattr(image, keyword, value)
    if image.get("PatientIdentityRemoved") == "YES" and "DeidentificationMethod" not in image:
        # Type 1C (PS3.3 C.7.1.1): the source may say it in codes, which are not carried along.
        image.DeidentificationMethod = "As the source images"
    image.SOPClassUID = header.sop_class
    image.StudyInstanceUID = volume.provenance.study_uid
    image.SeriesInstanceUID = volume.provenance.series_uid
    image.Modality = "CT"
    if volume.provenance.frame_of_reference_uid:
        image.FrameOfReferenceUID = volume.provenance.frame_of_reference_uid
    return image


def _describe_frames(
    image: Dataset,
    grid: SourceGrid,
    header: StudyHeader,
    slices: list[tuple[int, SliceSource]],
) -> None:
    """Functional groups of a multi-frame source: where each frame lies (PS3.3 C.7.6.16)."""
    image.NumberOfFrames = header.num_frames
    orientation, measures, shared = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = grid.orientation
    measures.PixelSpacing = grid.pixel_spacing
    measures.SliceThickness = decimal(grid.thickness_mm)
    shared.PlaneOrientationSequence = Items([orientation])
    shared.PixelMeasuresSequence = Items([measures])
    image.SharedFunctionalGroupsSequence = Items([shared])
    places = {source.frame: grid.position(index) for index, source in slices}
    nowhere = [coordinate + ELSEWHERE for coordinate in grid.position(0)]
    frames = []
    for number in range(header.num_frames):
        position, frame = Dataset(), Dataset()
        position.ImagePositionPatient = places.get(number, nowhere)
        frame.PlanePositionSequence = Items([position])
        frames.append(frame)
    image.PerFrameFunctionalGroupsSequence = Items(frames)
