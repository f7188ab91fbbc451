"""What every DICOM object of ours has in common, and how it becomes bytes.

Dates    An object made twice is the same object, so it cannot carry the hour of its making: its
         dates are those of the study (docs/reference/dicom-objects.md).
"""

import io
from dataclasses import dataclass
from typing import Final, TypedDict

from highdicom import SOPClass
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite

from ctsieve.types.results import Screening
from ctsieve.writers._dicom.codes import PRIVATE, PRIVATE_UID, Concept
from ctsieve.writers._dicom.study import CHARACTER_SET, WHERE_KNOWN, Source
from ctsieve.writers._dicom.uids import uid, uid_of

MANUFACTURER: Final = "ctsieve"
CREATOR: Final = "ctsieve^"
"""As a person's name: one component, and meant so."""

NO_DATE, NO_TIME = "19000101", "000000"
"""For studies without a date, where an object must have one: plainly none rather than likely."""

RESEARCH: Final = "research use only"
MOST_DESCRIPTION: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object: its name among UIDs, the number and the title of its series."""

    name: str
    series_number: int
    title: str


class Identity(TypedDict):
    """The arguments that every object of highdicom takes."""

    series_instance_uid: str
    series_number: int
    sop_instance_uid: str
    instance_number: int
    manufacturer: str
    manufacturer_model_name: str
    software_versions: str
    device_serial_number: str
    series_description: str
    specific_character_set: str


def identity(screening: Screening, kind: Kind, *, instance: int = 1) -> Identity:
    """Who made an object and what it is called: the program, the bundle, UIDs of their own."""
    bundle = screening.bundle
    return Identity(
        series_instance_uid=uid(screening, kind.name),
        series_number=kind.series_number,
        sop_instance_uid=uid(screening, kind.name, str(instance)),
        instance_number=instance,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=bundle.name[:MOST_DESCRIPTION],
        software_versions=f"{screening.software}, bundle {bundle.version}"[:MOST_DESCRIPTION],
        device_serial_number=bundle.digest[:MOST_DESCRIPTION],
        series_description=f"ctsieve {kind.title} ({RESEARCH})"[:MOST_DESCRIPTION],
        specific_character_set=CHARACTER_SET,
    )


def device_uid(screening: Screening) -> str:
    """Names the program with this bundle, whatever study it looked at."""
    return uid_of("device", screening.software, screening.bundle.digest)


def coded(concept: Concept) -> CodedConcept:
    """The concept as highdicom takes it."""
    return CodedConcept(concept.value, concept.scheme, concept.meaning)


def named_private_scheme(made: SOPClass) -> None:
    """Say in the header whose the private codes are (PS3.3 C.12.1.1.1)."""
    scheme = Dataset()
    scheme.CodingSchemeDesignator = PRIVATE
    scheme.CodingSchemeUID = PRIVATE_UID
    scheme.CodingSchemeName = "ctsieve: codes of its own"
    scheme.CodingSchemeResponsibleOrganization = "the ctsieve authors"
    made.CodingSchemeIdentificationSequence = [scheme]


def encoded(made: SOPClass, source: Source) -> bytes:
    """The object as a DICOM file, the same bytes for the same screening.

    highdicom puts the time and random UIDs where ours must not change: they are replaced here.
    """
    study = source.images[0]
    for keyword, name in source.names.items():
        setattr(made, keyword, name)
    for keyword in WHERE_KNOWN:
        if keyword in study and keyword not in made:
            setattr(made, keyword, study[keyword].value)
    date, time = study.StudyDate or NO_DATE, study.StudyTime or NO_TIME
    for keyword in ("InstanceCreation", "Content", "Series", "OfSecondaryCapture"):
        day, hour = (
            (f"Date{keyword}", f"Time{keyword}")
            if keyword.startswith("Of")
            else (f"{keyword}Date", f"{keyword}Time")
        )
        if keyword == "Series" or day in made:
            setattr(made, day, date)
            setattr(made, hour, time)
    for equipment in made.get("ContributingEquipmentSequence", ()):
        equipment.ContributionDateTime = f"{date}{time}"
    _name_dimensions(made)
    with io.BytesIO() as buffer:
        dcmwrite(buffer, made, enforce_file_format=True)
        return buffer.getvalue()


def _name_dimensions(made: SOPClass) -> None:
    name = uid_of("dimensions", str(made.SOPInstanceUID))
    for keyword in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in made.get(keyword, ()):
            item.DimensionOrganizationUID = name
