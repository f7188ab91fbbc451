"""FHIR R4: the answer as a diagnostic report with observations, for systems that are no archive.

Source   HL7 FHIR 4.0.1: Bundle, DiagnosticReport, Observation, Device; PS3.20 and FHIR's
         ImagingStudy for how a study is named (urn:dicom:uid, urn:oid:...).

The study is named by its UID and the patient not at all: who receives the report knows whose study
it is.  There is no date, so a second run writes the same bytes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._dicom.belonging import study_of
from ctsieve.writers._dicom.codes import call_concept
from ctsieve.writers._dicom.uids import uuid
from ctsieve.writers._fhir_observations import (
    Json,
    Resource,
    codeable,
    device,
    logical_study,
    observations,
)
from ctsieve.writers._words import headline

FILE: Final = "fhir.json"
CHEST_CT: Final[Resource] = {"system": "http://loinc.org", "code": "24627-2", "display": "CT Chest"}
RADIOLOGY: Final[Resource] = {
    "system": "http://terminology.hl7.org/CodeSystem/v2-0074",
    "code": "RAD",
    "display": "Radiology",
}


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `fhir.json`.

    Raises:
        UsageError: the image is of no DICOM study.
    """
    text = json.dumps(to_fhir(screening), ensure_ascii=False, allow_nan=False, indent=2)
    return write_whole(folder, {FILE: f"{text}\n".encode()})


def to_fhir(screening: Screening) -> Resource:
    """The screening as a FHIR Bundle: a report, its observations and the program as a device.

    Raises:
        UsageError: the image is of no DICOM study.
    """
    study_of(screening)
    resources = list(_resources(screening))
    return {
        "resourceType": "Bundle",
        "id": str(uuid(screening, "fhir")),
        "type": "collection",
        "entry": [{"fullUrl": f"urn:uuid:{r['id']}", "resource": r} for r in resources],
    }


def _resources(screening: Screening) -> Iterator[Resource]:
    found = list(observations(screening))
    yield _report(screening, found)
    yield from found
    yield device(screening)


def _report(screening: Screening, found: list[Resource]) -> Resource:
    words, prediction = headline(screening), screening.prediction
    sentences = [f"{words.title}.", words.detail, *(f.sentence for f in screening.gate.findings)]
    made: Resource = {
        "resourceType": "DiagnosticReport",
        "id": str(uuid(screening, "fhir", "report")),
        # Preliminary: no radiologist has looked at it.
        "status": "preliminary",
        "category": [{"coding": [RADIOLOGY]}],
        "code": {"coding": [CHEST_CT]},
        "imagingStudy": [logical_study(screening)],
        "result": [{"reference": f"urn:uuid:{r['id']}"} for r in found],
        "conclusion": " ".join([*sentences, screening.notice]),
    }
    calls: list[Json] = [codeable(call_concept(prediction, k)) for k in prediction.probability]
    if calls:
        made["conclusionCode"] = calls
    return made


CARD = FormatCard(
    title="FHIR R4, report and observations",
    write=write,
    pictures=False,
    dicom=True,
)
