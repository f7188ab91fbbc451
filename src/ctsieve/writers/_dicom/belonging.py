"""Whether results of a screening can belong to a DICOM study at all; knows no DICOM library."""

from ctsieve.types.errors import UsageError
from ctsieve.types.results import Screening
from ctsieve.types.study import StudyHeader
from ctsieve.types.volume import CTVolume
from ctsieve.writers._dicom.uids import is_uid


def study_of(screening: Screening) -> tuple[CTVolume, StudyHeader]:
    """The volume of `screening` and the header of the study it was read from.

    Raises:
        UsageError: the image was not read from DICOM, or its headers name no study, no series or
            no image that a result could refer to.
    """
    volume = screening.image
    if not isinstance(volume, CTVolume):
        raise unfit("a picture belongs to no DICOM study")
    if volume.study is None:
        raise unfit(f"the image was read as {volume.provenance.reader} and names no DICOM study")
    slices = [source for source in volume.provenance.slices if source is not None]
    if not slices:
        raise unfit("no slice of the volume is an image of the study as it stands")
    named = (
        ("Study Instance UID", volume.provenance.study_uid),
        ("Series Instance UID", volume.provenance.series_uid),
        *(("SOP Instance UID", source.sop_instance_uid) for source in slices),
    )
    for name, uid in named:
        if not is_uid(uid):
            raise unfit(f"the study has an image without a valid {name}")
    return volume, volume.study


def unfit(sentence: str) -> UsageError:
    """The error that says why no result of this kind can be written."""
    return UsageError(
        f"this format needs a DICOM study: {sentence}",
        hint="give the original DICOM series, or choose json, html, png or nifti",
    )
