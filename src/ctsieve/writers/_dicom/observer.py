"""Who looked: the program as a device (TID 1004), and how it came to its answer (TID 4019)."""

from highdicom.sr import (
    AlgorithmIdentification,
    DeviceObserverIdentifyingAttributes,
    ObserverContext,
)
from pydicom.sr.codedict import codes

from ctsieve.types.results import Screening
from ctsieve.writers._dicom.codes import INTELLIGENCE
from ctsieve.writers._dicom.objects import MANUFACTURER, coded, device_uid


def observer(screening: Screening) -> ObserverContext:
    """The program with its bundle."""
    return ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=device_uid(screening),
            name=screening.software,
            manufacturer_name=MANUFACTURER,
            model_name=screening.bundle.name,
            serial_number=screening.bundle.digest,
        ),
    )


def algorithm(screening: Screening) -> AlgorithmIdentification:
    """The bundle, as every number of it names its origin."""
    bundle = screening.bundle
    return AlgorithmIdentification(
        name=bundle.name, version=bundle.version, family=coded(INTELLIGENCE)
    )


def algorithm_in_full(screening: Screening) -> AlgorithmIdentification:
    """The bundle with its digests: what would have to run again to get the same numbers."""
    bundle = screening.bundle
    return AlgorithmIdentification(
        name=bundle.name,
        version=bundle.version,
        parameters=(
            f"bundle sha256 {bundle.digest}",
            f"recipe sha256 {screening.recipe.digest}",
            f"software {screening.software}",
            f"input sha256 {screening.image.provenance.digest}",
        ),
        family=coded(INTELLIGENCE),
        manufacturer=MANUFACTURER,
    )
