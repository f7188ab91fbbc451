"""What was found, as FHIR observations: quality, labels, lesion flags, volumes."""

from collections.abc import Iterator
from typing import Final

from ctsieve.types.results import Involvement, LesionFlag, LesionTotal, Screening
from ctsieve.writers._dicom.codes import (
    ABSENT,
    CALL,
    DENSE_SHARE,
    DENSE_VOLUME,
    LESION_COUNT,
    LUNG,
    LUNG_SHARE,
    MILLILITRE,
    NO_UNITS,
    PERCENT,
    PRESENT,
    PRIVATE,
    PRIVATE_UID,
    QUALITY,
    QUALITY_FINDING,
    SERIES_QUALITY,
    THRESHOLD,
    VOLUME,
    Concept,
    call_concept,
    label_concept,
    lesion_concept,
    presence,
    private,
    score_concept,
)
from ctsieve.writers._dicom.uids import uuid, uuid_of
from ctsieve.writers._words import label_name, lesion_name

Json = str | int | float | bool | list["Json"] | dict[str, "Json"]
Resource = dict[str, Json]

SYSTEMS: Final = {
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "SCT": "http://snomed.info/sct",
    "UCUM": "http://unitsofmeasure.org",
    PRIVATE: f"urn:oid:{PRIVATE_UID}",
}
IMAGING: Final[Resource] = {
    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
    "code": "imaging",
}
POSITIVE: Final = ("POS", "Positive")
NEGATIVE: Final = ("NEG", "Negative")
INDETERMINATE: Final = ("IND", "Indeterminate")
DIGITS: Final = 6


def observations(screening: Screening) -> Iterator[Resource]:
    """Quality first, then labels, lesion flags and volumes, as far as there are any."""
    yield _quality(screening)
    for label in screening.prediction.probability:
        yield _label(screening, label)
    for flag in screening.lesions:
        yield _flag(screening, flag)
    if screening.involvement is not None:
        yield _lungs(screening, screening.involvement)
    for total in screening.lesion_totals:
        yield _lesions(screening, total)


def device(screening: Screening) -> Resource:
    """The program with its bundle."""
    bundle = screening.bundle
    return {
        "resourceType": "Device",
        "id": _device_id(screening),
        "manufacturer": "ctsieve",
        "deviceName": [{"name": bundle.name, "type": "model-name"}],
        "version": [{"value": screening.software}, {"value": f"bundle {bundle.version}"}],
        "serialNumber": bundle.digest,
        "note": [{"text": screening.notice}],
    }


def logical_study(screening: Screening) -> Resource:
    """A reference to the study by its UID, wherever it is kept."""
    study = screening.image.provenance.study_uid
    return {
        "type": "ImagingStudy",
        "identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{study}"},
    }


def codeable(concept: Concept) -> Resource:
    """A code as FHIR writes it."""
    coding: Resource = {
        "system": SYSTEMS[concept.scheme],
        "code": concept.value,
        "display": concept.meaning,
    }
    return {"coding": [coding]}


def _quality(screening: Screening) -> Resource:
    gate = screening.gate
    made = _observation(screening, "quality", SERIES_QUALITY)
    made["valueCodeableConcept"] = codeable(QUALITY[gate.verdict])
    if gate.findings:
        made["component"] = [
            {
                "code": codeable(QUALITY_FINDING),
                "valueCodeableConcept": {
                    **codeable(private(f.code, f.code)),
                    "text": f.sentence,
                },
            }
            for f in gate.findings
        ]
    return made


def _label(screening: Screening, label: str) -> Resource:
    prediction = screening.prediction
    made = _observation(screening, f"label {label}", label_concept(label))
    score = score_concept(calibrated=prediction.calibrated)
    made["valueCodeableConcept"] = {
        **codeable(call_concept(prediction, label)),
        "text": f"{CALL.meaning}, {label_name(label)}",
    }
    if prediction.abstained is not None:
        made["interpretation"] = [_interpretation(INDETERMINATE)]
        made["note"] = [{"text": prediction.abstained}, {"text": screening.notice}]
    else:
        positive = label in prediction.positive
        made["interpretation"] = [_interpretation(POSITIVE if positive else NEGATIVE)]
    made["component"] = [
        _component(score, prediction.probability[label], NO_UNITS),
        _component(THRESHOLD, prediction.threshold[label], NO_UNITS),
    ]
    return made


def _flag(screening: Screening, flag: LesionFlag) -> Resource:
    made = _observation(screening, f"flag {flag.kind}", lesion_concept(flag.kind))
    shown = presence(flag)
    made["valueCodeableConcept"] = {**codeable(shown), "text": lesion_name(flag.kind)}
    made["interpretation"] = [_interpretation(NEGATIVE if shown == ABSENT else POSITIVE)]
    made["component"] = [
        _component(score_concept(calibrated=False), flag.probability, NO_UNITS),
        _component(THRESHOLD, flag.threshold, NO_UNITS),
    ]
    return made


def _lungs(screening: Screening, found: Involvement) -> Resource:
    made = _observation(screening, "lungs", VOLUME)
    made["valueQuantity"] = _quantity(found.lung_ml, MILLILITRE)
    made["method"] = {"text": found.method}
    made["component"] = [
        _component(DENSE_SHARE, found.percent, PERCENT),
        _component(DENSE_VOLUME, found.dense_ml, MILLILITRE),
    ]
    return made


def _lesions(screening: Screening, total: LesionTotal) -> Resource:
    """All lesions of a kind that has places: present or absent, number, volume, share of lungs."""
    made = _observation(screening, f"lesions {total.kind}", lesion_concept(total.kind))
    made["valueCodeableConcept"] = {
        **codeable(PRESENT if total.count else ABSENT),
        "text": f"{lesion_name(total.kind)}, outlined",
    }
    parts: list[Json] = [_component(LESION_COUNT, total.count, NO_UNITS)]
    if total.ml is not None:
        parts.append(_component(VOLUME, total.ml, MILLILITRE))
    if total.percent_of_lungs is not None:
        parts.append(_component(LUNG_SHARE, total.percent_of_lungs, PERCENT))
    made["component"] = parts
    return made


def _observation(screening: Screening, name: str, code: Concept) -> Resource:
    return {
        "resourceType": "Observation",
        "id": str(uuid(screening, "fhir", name)),
        "status": "preliminary",
        "category": [{"coding": [IMAGING]}],
        "code": codeable(code),
        "bodySite": codeable(LUNG),
        "device": {"reference": f"urn:uuid:{_device_id(screening)}"},
        "derivedFrom": [logical_study(screening)],
        "note": [{"text": screening.notice}],
    }


def _device_id(screening: Screening) -> str:
    return str(uuid_of("device", screening.software, screening.bundle.digest))


def _component(name: Concept, value: float, unit: Concept) -> Resource:
    return {"code": codeable(name), "valueQuantity": _quantity(value, unit)}


def _quantity(value: float, unit: Concept) -> Resource:
    return {
        "value": round(float(value), DIGITS),
        "unit": unit.meaning,
        "system": SYSTEMS[unit.scheme],
        "code": unit.value,
    }


def _interpretation(meaning: tuple[str, str]) -> Resource:
    code, display = meaning
    coding: Resource = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
        "code": code,
        "display": display,
    }
    return {"coding": [coding]}
