"""The Segmentation object, binary or fractional (PS3.3 A.51): one series, one instance."""

from typing import Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentDescription

from ctsieve.types.results import Screening
from ctsieve.writers._dicom.codes import LUNG, SEGMENTATION
from ctsieve.writers._dicom.derivation import name_sources
from ctsieve.writers._dicom.grid import SourceGrid
from ctsieve.writers._dicom.objects import CREATOR, Kind, coded, encoded, identity
from ctsieve.writers._dicom.segments import Segment, segments_of
from ctsieve.writers._dicom.study import check_frame_of_reference, source_of
from ctsieve.writers._dicom.uids import uid

T = TypeVar("T", bound=np.generic)
Type = Literal["BINARY", "FRACTIONAL"]

KINDS: Final[dict[Type, Kind]] = {
    "BINARY": Kind(name="seg", series_number=9001, title="lungs and lesions"),
    "FRACTIONAL": Kind(
        name="seg-fractional", series_number=9007, title="lungs and lesions by score"
    ),
}


def segmentation(screening: Screening, kind: Type) -> bytes:
    """The segments of `screening` as a DICOM file; nothing (no bytes) where there are none.

    Raises:
        UsageError: the image is of no DICOM study, or has no frame of reference.
    """
    source = source_of(screening)
    check_frame_of_reference(source)
    segments = segments_of(screening)
    if not segments:
        return b""
    grid = source.grid
    made = Segmentation(
        source_images=source.images,
        pixel_array=_pixels(segments, kind, grid),
        segmentation_type=kind,
        segment_descriptions=[_description(screening, segment) for segment in segments],
        fractional_type="PROBABILITY",
        plane_positions=grid.positions(range(grid.shape[0])),
        plane_orientation=grid.planes,
        pixel_measures=grid.measures,
        # Viewers put segments with gaps between their frames in the wrong place.
        omit_empty_frames=False,
        content_label="CTSIEVE",
        content_description="Research use only",
        content_creator_name=CREATOR,
        **identity(screening, KINDS[kind]),
    )
    name_sources(made, source, SEGMENTATION)
    made.BodyPartExamined = "CHEST"
    return encoded(made, source)


def _pixels(
    segments: tuple[Segment, ...], kind: Type, grid: SourceGrid
) -> npt.NDArray[np.bool_] | npt.NDArray[np.float32]:
    """Frames in the source's order: (S, R, C) for one segment, (S, R, C, K) for more."""
    if kind == "BINARY":
        return _together([grid.array(segment.mask) for segment in segments])
    return _together([grid.array(segment.sureness()) for segment in segments])


def _together(values: list[npt.NDArray[T]]) -> npt.NDArray[T]:
    return values[0] if len(values) == 1 else np.stack(values, axis=-1)


def _description(screening: Screening, segment: Segment) -> SegmentDescription:
    lung = coded(LUNG)
    return SegmentDescription(
        segment_number=segment.number,
        segment_label=segment.label,
        segmented_property_category=coded(segment.category),
        segmented_property_type=coded(segment.concept),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=segment.algorithm,
            family=coded(segment.family),
            version=screening.software,
            source=screening.bundle.name,
        ),
        tracking_uid=uid(screening, "segment", segment.label),
        tracking_id=segment.label,
        anatomic_regions=[lung],
        display_color=CIELabColor.from_rgb(*segment.colour),
    )
