"""What DICOM results say: the same bytes twice, the right study, the right codes, no complaints."""

import datetime as dt
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from highdicom.seg import segread
from tests.validators import (
    dumped,
    needs_dump,
    needs_validate,
    read_by_highdicom,
    read_by_pydicom,
    report_dumped,
    validated,
)
from tests.writers.dicom_results import (
    VOLUMES,
    in_memory,
    marked,
    screened,
)
from tests.writers.screenings import EVERY, scan

from ctsieve.phantoms.dicom import PLANTED
from ctsieve.pipeline.names import FORMATS
from ctsieve.pipeline.write import write
from ctsieve.types.errors import UsageError
from ctsieve.types.geometry import Geometry
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume
from ctsieve.writers import (
    dicom_ko,
    dicom_pm,
    dicom_sc,
    dicom_seg,
    dicom_seg_fractional,
)

OBJECTS = tuple(name for name in FORMATS.names() if name.startswith("dicom-"))
SMALL = tuple(name for name in OBJECTS if name != "dicom-sc")
FROM_THE_PATIENT = {
    "PHANTOM^DONOTLEAK",
    "PATIENT-ID-DONOTLEAK",
    "ACCESSION-DONOTL",
    "REFERRER^DONOTLEAK",
    "19010203",
}
"""Of the planted texts those that an archive needs to file a result beside its study."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Written:
    """A screening, and every DICOM object of it."""

    screening: Screening
    paths: tuple[Path, ...]


def every_object(screening: Screening, folder: Path) -> list[Path]:
    return write(screening, folder, OBJECTS)


@pytest.fixture(scope="module", params=VOLUMES)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Every object of a screening of each kind."""
    folder = tmp_path_factory.mktemp("written")
    screening = screened(request.param, folder / "study")
    return Written(screening=screening, paths=tuple(every_object(screening, folder / "out")))


def test_a_second_run_makes_the_same_bytes(written: Written, tmp_path: Path) -> None:
    again = every_object(written.screening, tmp_path)
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in written.paths]
    today = dt.datetime.now(tz=dt.UTC).strftime("%Y%m%d").encode()
    assert not [p.name for p in again if today in p.read_bytes()]


@needs_validate
def test_the_validator_finds_no_error(written: Written) -> None:
    for path in written.paths:
        assert validated(path).problems == (), path.name


@needs_dump
def test_other_programs_read_every_object(written: Written) -> None:
    for path in written.paths:
        for opinion in (dumped(path), report_dumped(path), read_by_pydicom(path)):
            assert opinion.problems == (), (path.name, opinion.program)
        assert read_by_highdicom(path).problems == ()


def test_results_belong_to_the_study(judged: Screening, tmp_path: Path) -> None:
    source = pydicom.dcmread(next((tmp_path / "study").iterdir()))
    made = [pydicom.dcmread(path) for path in every_object(judged, tmp_path / "out")]
    shared = (
        "StudyInstanceUID",
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "ReferringPhysicianName",
    )
    for ds in made:
        assert [ds[k].value for k in shared] == [source[k].value for k in shared]
        assert "research use only" in ds.SeriesDescription
        assert ds.SeriesInstanceUID != source.SeriesInstanceUID
        assert (
            ds.get("FrameOfReferenceUID", source.FrameOfReferenceUID) == source.FrameOfReferenceUID
        )
    assert len({ds.SOPInstanceUID for ds in made}) == len(made)


def test_each_format_has_a_series_of_its_own(judged: Screening, tmp_path: Path) -> None:
    number: dict[str, set[tuple[str, int]]] = {}
    for name in OBJECTS:
        for path in FORMATS[name].write(judged, tmp_path / name):
            ds = pydicom.dcmread(path, stop_before_pixels=True)
            number.setdefault(name, set()).add((ds.SeriesInstanceUID, int(ds.SeriesNumber)))
    assert all(len(series) == 1 for series in number.values())
    assert len(set.union(*number.values())) == len(number)


@pytest.mark.parametrize("what", ["bundle", "software", "image", "recipe"])
def test_other_origins_are_other_objects(judged: Screening, tmp_path: Path, what: str) -> None:
    image = judged.image
    changed = {
        "bundle": replace(judged, bundle=replace(judged.bundle, digest="f" * 64)),
        "software": replace(judged, software="ctsieve 9.9.9"),
        "image": replace(
            judged, image=replace(image, provenance=replace(image.provenance, digest="e" * 64))
        ),
        "recipe": replace(judged, recipe=judged.recipe.model_copy(update={"min_slices": 3})),
    }[what]
    made = [
        {
            str(pydicom.dcmread(path, stop_before_pixels=True)[keyword].value)
            for path in write(screening, tmp_path / name, SMALL)
            for keyword in ("SOPInstanceUID", "SeriesInstanceUID")
        }
        for name, screening in (("before", judged), ("after", changed))
    ]
    assert not made[0] & made[1]


def test_nothing_but_dicom_knows_the_patient(judged: Screening, tmp_path: Path) -> None:
    """And DICOM repeats of the patient only what an archive files by."""
    others = [name for name in FORMATS.names() if not name.startswith("dicom-")]
    said = repr(judged) + repr(judged.image) + repr(judged.image.provenance)
    assert not [text for text in PLANTED if text in said]
    for path in write(judged, tmp_path / "plain", others):
        content = path.read_bytes()
        assert not [text for text in PLANTED if text.encode() in content], path.name
    for path in every_object(judged, tmp_path / "dicom"):
        content = path.read_bytes()
        assert {text for text in PLANTED if text.encode() in content} == FROM_THE_PATIENT


def test_segments_are_the_masks(judged: Screening, tmp_path: Path) -> None:
    """Lungs and two kinds of lesions, read back by highdicom on the volume's own grid."""
    assert judged.lungs is not None
    volume = judged.image
    assert isinstance(volume, CTVolume)
    ggo = judged.lungs & (np.arange(volume.hu.shape[2]) < 40)
    dense = judged.lungs & (np.arange(volume.hu.shape[1]) > 50)[:, None]
    lesions = (*marked(volume, ggo).lesion_instances, *marked(volume, dense).lesion_instances)
    lesions = (lesions[0], replace(lesions[1], kind="consolidation", score=0.25))
    (path,) = dicom_seg.write(replace(judged, lesion_instances=lesions), tmp_path)
    read = segread(path)
    found = [read.get_volume(segment_numbers=[n]).array for n in (1, 2, 3)]
    kinds = [read.get_segment_description(n).segmented_property_type for n in (1, 2, 3)]
    assert [(k.value, k.scheme_designator) for k in kinds] == [
        ("39607008", "SCT"),
        ("95436008", "SCT"),
        ("112120", "DCM"),
    ]
    for values, mask in zip(found, (judged.lungs, dense, ggo), strict=True):
        assert np.array_equal(np.asarray(values).squeeze() > 0, mask)

    (path,) = dicom_seg_fractional.write(replace(judged, lesion_instances=lesions), tmp_path)
    stored = pydicom.dcmread(path)
    sure = stored.pixel_array.reshape(3, *judged.lungs.shape)
    # Frames run from the feet in highdicom's order; the values do not care.
    assert sorted(np.unique(sure[1]).tolist()) == [0, round(0.25 * 255)]
    assert sorted(np.unique(sure[2]).tolist()) == [0, round(0.5 * 255)]
    assert [int((s > 0).sum()) for s in sure] == [int(m.sum()) for m in (judged.lungs, dense, ggo)]


def test_the_map_holds_the_heat(judged: Screening, tmp_path: Path) -> None:
    (path,) = dicom_pm.write(judged, tmp_path)
    ds = pydicom.dcmread(path)
    assert judged.explanation is not None
    warm = judged.explanation.heat.astype(np.float32)
    stored = ds.pixel_array.reshape(-1, ds.Rows, ds.Columns)
    assert np.array_equal(
        np.sort(stored, axis=None), np.sort(warm[warm.any(axis=(1, 2))], axis=None)
    )
    mapping = ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.RealWorldValueSlope == pytest.approx(judged.explanation.peak)
    quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
    assert quantity.CodeValue == "130403"


@pytest.mark.parametrize("name", [*OBJECTS, "fhir"])
def test_other_images_get_a_sentence_and_no_file(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="picture"):
        write(EVERY["picture"](), out, ["json", name])
    with pytest.raises(UsageError, match="names no DICOM study"):
        write(scan(), out, ["json", name])
    assert not out.exists()


@pytest.mark.parametrize("name", [*OBJECTS, "fhir"])
def test_a_study_without_uids_takes_no_results(name: str, tmp_path: Path) -> None:
    screening = screened("scan", tmp_path / "study", habit="empty-uids")
    with pytest.raises(UsageError, match="Instance UID"):
        write(screening, tmp_path / "out", [name])


def test_without_a_frame_of_reference_no_voxel_has_a_place(
    judged: Screening, tmp_path: Path
) -> None:
    made = replace(judged.image.provenance, frame_of_reference_uid="")
    screening = replace(judged, image=replace(judged.image, provenance=made))
    with pytest.raises(UsageError, match="Frame of Reference"):
        dicom_seg.write(screening, tmp_path)
    assert dicom_ko.write(screening, tmp_path)
    assert dicom_sc.write(screening, tmp_path)


def objects_of(attributes: dict[str, str], folder: Path) -> list[Path]:
    """Every object of a study whose header says this of patient and study."""
    grid = Geometry.from_spacing((24, 128, 128), spacing=(5.0, 2.5, 2.5), frame="1.2.3")
    volume = in_memory(grid, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    assert volume.study is not None
    volume = replace(volume, study=replace(volume.study, attributes=attributes))
    lungs = np.zeros(grid.shape, np.bool_)
    lungs[5:9, 40:60, 30:50] = True
    return write(marked(volume, lungs), folder, OBJECTS)


def test_all_objects_say_the_same_of_patient_and_study(tmp_path: Path) -> None:
    """An archive that finds two descriptions of one study asks somebody, or picks one."""
    said = {
        "StudyDescription": "CT thorax",
        "IssuerOfPatientID": "HOSPITAL",
        "PatientAge": "039Y",
        "PatientWeight": "81.5",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "by hand",
    }
    for path in objects_of(said, tmp_path):
        ds = pydicom.dcmread(path)
        assert {keyword: str(ds.get(keyword)) for keyword in said} == said, path.name


def test_odd_headers_are_cut_to_what_is_allowed(tmp_path: Path) -> None:
    """Text of any length and kind: the objects are written without a warning and stay valid."""
    odd = {
        "PatientName": "Жук^Иван",
        "ReferringPhysicianName": "x" * 90,
        "PatientID": "7" * 100,
        "PatientBirthDate": "about 1950",
        "PatientSex": "female",
        "PatientAge": "39",
        "PatientWeight": "eighty",
        "StudyDate": "2020.01.02",
        "StudyTime": "25:00",
        "StudyID": "a name of a study that is too long",
        "AccessionNumber": "A" * 40,
        "PatientIdentityRemoved": "YES",
        "LossyImageCompression": "01",
        "LossyImageCompressionRatio": "12.5",
    }
    for path in objects_of(odd, tmp_path):
        ds = pydicom.dcmread(path)
        assert ds.StudyDate == ""
        assert len(ds.PatientID) == 64
        assert ds.PatientName == odd["PatientName"]
        assert ds.ReferringPhysicianName == "x" * 64
        if shutil.which("dciodvfy"):
            assert validated(path).problems == (), path.name
