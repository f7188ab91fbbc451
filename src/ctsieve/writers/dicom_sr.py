"""DICOM structured report: the answer in numbers and codes (Comprehensive 3D SR, TID 1500).

Source   PS3.3 A.35.13, PS3.16 TID 1500, TID 1501 and TID 1411.

It refers to the segments of `dicom-seg`, so that format is written along with it.
"""

from pathlib import Path
from typing import Final

from highdicom.sr import (
    Comprehensive3DSR,
    LanguageOfContentItemAndDescendants,
    MeasurementReport,
    ObservationContext,
)
from pydicom.dataset import Dataset
from pydicom.uid import SegmentationStorage

from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._dicom.codes import CHEST_CT, ENGLISH
from ctsieve.writers._dicom.groups import (
    Group,
    absent_group,
    flag_group,
    label_group,
    lesions_group,
    lungs_group,
    quality_group,
)
from ctsieve.writers._dicom.objects import (
    Kind,
    coded,
    encoded,
    identity,
    named_private_scheme,
)
from ctsieve.writers._dicom.observer import observer
from ctsieve.writers._dicom.segments import LUNGS, segments_of
from ctsieve.writers._dicom.study import Source, check_frame_of_reference, source_of
from ctsieve.writers._dicom.uids import uid

FILE: Final = "report.dcm"
KIND: Final = Kind(name="sr", series_number=9002, title="report")


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `report.dcm`.

    Raises:
        UsageError: the image is of no DICOM study, or has no frame of reference.
    """
    source = source_of(screening)
    check_frame_of_reference(source)
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer(screening)),
        procedure_reported=coded(CHEST_CT),
        imaging_measurements=_groups(screening, source),
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(
            coded(ENGLISH)
        ),
    )
    made = Comprehensive3DSR(
        evidence=[*source.images, *_segmentations(screening, source)],
        content=report,
        is_complete=True,
        is_final=False,
        is_verified=False,
        **identity(screening, KIND),
    )
    named_private_scheme(made)
    return write_whole(folder, {FILE: encoded(made, source)})


def _groups(screening: Screening, source: Source) -> list[Group]:
    prediction = screening.prediction
    groups = [quality_group(screening)]
    groups += [label_group(screening, source, label) for label in prediction.probability]
    groups += [flag_group(screening, flag) for flag in screening.lesions]
    segments = segments_of(screening)
    for segment in segments:
        describe = lungs_group if segment.kind == LUNGS else lesions_group
        groups.append(describe(screening, source, segment))
    outlined = {segment.kind for segment in segments}
    absent = (total for total in screening.lesion_totals if total.kind not in outlined)
    groups += [absent_group(screening, total) for total in absent]
    return groups


def _segmentations(screening: Screening, source: Source) -> list[Dataset]:
    """The SEG that the report refers to, as much of it as a reference needs."""
    if not segments_of(screening):
        return []
    made = Dataset()
    made.StudyInstanceUID = source.volume.provenance.study_uid
    made.SeriesInstanceUID = uid(screening, "seg")
    made.SOPInstanceUID = uid(screening, "seg", "1")
    made.SOPClassUID = SegmentationStorage
    return [made]


CARD = FormatCard(
    title="DICOM SR, the answer in codes",
    write=write,
    pictures=False,
    dicom=True,
    along=("dicom-seg",),
)
