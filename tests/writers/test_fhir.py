"""FHIR: valid by other people's models, the same bytes twice, and nobody's name."""

from pathlib import Path

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.diagnosticreport import DiagnosticReport
from tests.writers.dicom_results import VOLUMES, marked, screened

from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume
from ctsieve.writers import fhir

CODE = "code/coding/0/code"


@pytest.mark.parametrize("kind", VOLUMES)
def test_the_bundle_is_valid_and_always_the_same(kind: str, tmp_path: Path) -> None:
    screening = screened(kind, tmp_path / "study")
    (first,) = fhir.write(screening, tmp_path / "first")
    (second,) = fhir.write(screening, tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()
    Bundle.model_validate_json(first.read_bytes())
    report, *_ = (at(entry, "resource") for entry in entries(screening))
    DiagnosticReport.model_validate(report)
    assert isinstance(report, dict)
    assert "subject" not in report
    assert screening.notice in report["conclusion"]
    observed = {f"urn:uuid:{at(o, 'id')}" for o in observations(screening)}
    assert {at(result, "reference") for result in report["result"]} == observed
    device = at(entries(screening)[-1], "fullUrl")
    assert {at(o, "device/reference") for o in observations(screening)} == {device}


def test_numbers_and_codes_are_those_of_the_screening(tmp_path: Path) -> None:
    screening = screened("scan", tmp_path / "study")
    by_code = {at(o, CODE): o for o in observations(screening)}
    covid = by_code["840539006"]
    assert [at(covid, f"component/{k}/{CODE}") for k in (0, 1)] == ["122157", "122411"]
    assert [at(covid, f"component/{k}/valueQuantity/value") for k in (0, 1)] == [
        screening.prediction.probability["covid19"],
        screening.prediction.threshold["covid19"],
    ]
    assert at(covid, "interpretation/0/coding/0/code") == "POS"
    assert screening.involvement is not None
    assert at(by_code["118565006"], "valueQuantity/value") == screening.involvement.lung_ml
    study = f"urn:oid:{screening.image.provenance.study_uid}"
    assert at(covid, "derivedFrom/0/identifier/value") == study


def test_an_abstention_is_indeterminate(tmp_path: Path) -> None:
    screening = screened("abstained", tmp_path / "study")
    covid = next(o for o in observations(screening) if at(o, CODE) == "840539006")
    assert at(covid, "interpretation/0/coding/0/code") == "IND"
    assert at(covid, "note/0/text") == screening.prediction.abstained


def test_lesions_have_volumes(tmp_path: Path) -> None:
    screening = screened("scan", tmp_path / "study")
    assert isinstance(screening.image, CTVolume)
    assert screening.lungs is not None
    *_, ggo, dense = observations(marked(screening.image, screening.lungs))
    assert [at(o, "valueCodeableConcept/coding/0/display") for o in (ggo, dense)] == [
        "Present",
        "Absent",
    ]
    assert [at(ggo, f"component/{k}/valueQuantity/value") for k in (0, 2)] == [1.0, 100.0]
    ml = float(screening.lungs.sum()) * screening.image.geometry.voxel_ml
    assert at(ggo, "component/1/valueQuantity/value") == pytest.approx(ml, abs=1e-6)


def entries(screening: Screening) -> list[object]:
    """What the bundle holds: the report first, the program last."""
    found = at(fhir.to_fhir(screening), "entry")
    assert isinstance(found, list)
    return found


def observations(screening: Screening) -> list[object]:
    """The observations of a screening as plain JSON."""
    found = [at(entry, "resource") for entry in entries(screening)]
    return [resource for resource in found if at(resource, "resourceType") == "Observation"]


def at(resource: object, path: str) -> object:
    """What stands at `path` in plain JSON."""
    for step in path.split("/"):
        if isinstance(resource, list):
            resource = resource[int(step)]
        elif isinstance(resource, dict):
            resource = resource[step]
    return resource
