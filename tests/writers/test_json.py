"""screening.json says everything, in a published shape, and no NaN."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.writers.parts import PERSON, SERIES_UID, STUDY_UID
from tests.writers.screenings import EVERY, picture, rejected, scan, three_labels

from ctsieve.types.promise import BrokenPromise
from ctsieve.types.recipe import Recipe
from ctsieve.types.results import Finding, GateReport, Screening
from ctsieve.types.volume import CTPicture, CTVolume, Window
from ctsieve.writers._json_model import SCHEMA_VERSION, ScreeningRecord
from ctsieve.writers._json_reference import reference_text, schema_text
from ctsieve.writers.json import screening_to_dict, to_json, write

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("kind", EVERY)
def test_every_kind_is_valid_by_the_published_schema(kind: str) -> None:
    schema = json.loads((REFERENCE / "screening.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(json.loads(to_json(EVERY[kind]())))) == []


@pytest.mark.parametrize("kind", EVERY)
def test_every_kind_reads_back_as_itself(kind: str) -> None:
    text = to_json(EVERY[kind]())
    again = ScreeningRecord.model_validate_json(text)
    assert json.loads(again.model_dump_json(by_alias=True)) == json.loads(text)


def test_the_schema_refuses_what_it_does_not_know() -> None:
    document = screening_to_dict(scan())
    validator = jsonschema.Draft202012Validator(json.loads(schema_text()))
    assert not validator.is_valid({**document, "diagnosis": "none"})
    assert not validator.is_valid({k: v for k, v in document.items() if k != "notice"})


def test_the_published_schema_is_current() -> None:
    published = (REFERENCE / "screening.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run `make docs`: the schema has changed"


def test_the_reference_page_is_current() -> None:
    published = (REFERENCE / "json.md").read_text(encoding="utf-8")
    assert published == reference_text(), "run `make docs`: the reference has changed"


def test_the_numbers_are_those_of_the_screening() -> None:
    screening = scan()
    assert screening.slices is not None
    record = ScreeningRecord.model_validate_json(to_json(screening))
    assert record.schema_version == SCHEMA_VERSION
    assert record.id == screening.id
    assert record.prediction.call == "positive"
    assert record.prediction.probability == {"covid19": 0.934}
    assert [s.index for s in record.slices] == screening.slices.index.tolist()
    probabilities = [s.probability["covid19"] for s in record.slices]
    assert probabilities == pytest.approx(screening.slices.probability[:, 0].tolist(), abs=1e-6)
    assert sum(s.weight for s in record.slices) == pytest.approx(1.0, abs=1e-4)
    assert record.top_slices == screening.top_slices
    assert record.slices[0].lesion_probability["ggo"] == pytest.approx(0.9)
    assert record.lesions[0].name == "Ground-glass opacity (GGO)"
    assert record.image.spacing_mm == pytest.approx(screening.image.geometry.spacing)


def test_a_slice_is_where_the_affine_says() -> None:
    screening = scan()
    _, rows, columns = screening.image.geometry.shape
    record = ScreeningRecord.model_validate_json(to_json(screening))
    affine = np.array(record.image.affine_lps)
    for judged in record.slices:
        centre = affine @ (judged.index, (rows - 1) / 2, (columns - 1) / 2, 1.0)
        assert judged.z_mm == pytest.approx(centre[2], abs=2e-3)


def test_slices_lead_back_to_their_images() -> None:
    record = ScreeningRecord.model_validate_json(to_json(scan()))
    assert record.provenance.study_uid == STUDY_UID
    assert record.provenance.series_uid == SERIES_UID
    judged = {s.index: s for s in record.slices}
    assert judged[10].sop_instance_uid == f"{SERIES_UID}.11"
    assert [s.index for s in record.provenance.sources[:2]] == [0, 2], "the second has no source"


def test_what_is_no_uid_is_given_by_its_hash() -> None:
    record = ScreeningRecord.model_validate_json(to_json(scan()))
    assert record.provenance.sources[1].sop_instance_uid is not None
    assert record.provenance.sources[1].sop_instance_uid.startswith("hashed:")
    assert record.provenance.choices[1].series_uid.startswith("hashed:")
    assert PERSON not in to_json(scan())


def test_the_recipe_is_the_one_its_digest_names() -> None:
    document = json.loads(to_json(three_labels()))
    again = Recipe.model_validate_json(json.dumps(document["recipe"]))
    assert again.digest == document["bundle"]["recipe_digest"]


def test_what_was_not_measured_is_null() -> None:
    record = ScreeningRecord.model_validate_json(to_json(scan()))
    assert record.gate.measurements == {"lung_litres": 4.2, "noise_hu": None}
    assert record.provenance.acquisition.kvp is None


def test_a_rejected_image_has_reasons_and_no_numbers() -> None:
    record = ScreeningRecord.model_validate_json(to_json(rejected()))
    assert record.gate.verdict == "rejected"
    assert record.gate.reasons == ("not-chest", "contrast")
    assert record.prediction.call == "none"
    assert record.prediction.probability == {}
    assert record.slices == ()


def test_a_picture_has_no_millimetres() -> None:
    screening = picture()
    assert isinstance(screening.image, CTPicture)
    windowed = replace(screening.image, window=Window(centre=-600.0, width=1500.0))
    record = ScreeningRecord.model_validate_json(to_json(replace(screening, image=windowed)))
    assert record.image.kind == "picture"
    assert record.image.spacing_mm is None
    assert record.image.affine_lps is None
    assert record.image.window is not None
    assert record.slices[0].z_mm is None


def test_minus_zero_is_zero() -> None:
    screening = scan()
    still = replace(screening.prediction, logit={"covid19": -1e-9})
    assert '"covid19": -0.0' not in to_json(replace(screening, prediction=still))


def test_a_score_that_is_no_number_is_our_defect() -> None:
    broken = replace(scan().prediction, logit={"covid19": float("nan")})
    with pytest.raises(BrokenPromise, match="finite"):
        to_json(replace(scan(), prediction=broken))


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_categories=())), st.floats())
def test_any_text_and_any_measurement_can_be_written(sentence: str, value: float) -> None:
    finding = Finding(code="odd", severity="warning", sentence=sentence)
    gate = GateReport(findings=(finding,), measurements={"x": value})
    document = json.loads(to_json(_light(gate)).encode("utf-8"))
    shown = sentence.encode("utf-8", "replace").decode()
    assert document["gate"]["findings"][0]["sentence"] == shown


def _light(gate: GateReport) -> Screening:
    screening = rejected()
    assert isinstance(screening.image, CTVolume)
    return replace(screening, gate=gate)


def test_the_file_ends_with_a_line_break(tmp_path: Path) -> None:
    (path,) = write(scan(), tmp_path)
    assert path.name == "screening.json"
    assert path.read_bytes() == to_json(scan()).encode() + b"\n"
