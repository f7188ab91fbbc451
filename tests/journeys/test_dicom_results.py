"""From a study to results in an archive's own language, by the command line and on a real study."""

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.journeys.conftest import Command
from tests.tiny_bundle import make_tiny_bundle
from tests.validators import dumped, needs_dump, needs_validate, report_dumped, validated
from tests.writers.dicom_results import frames_in_space

from ctsieve.pipeline.names import FORMATS
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.write import write
from ctsieve.readers import read_study
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume

OBJECTS = tuple(name for name in FORMATS.names() if name.startswith("dicom-"))


def test_formats_are_named_with_commas(tmp_path: Path, ctsieve: Command) -> None:
    study, out = tmp_path / "chest", tmp_path / "out"
    assert ctsieve("phantom", study, "--slices", 24, "--matrix", 128, "--seed", 2).code == 0
    bundle = make_tiny_bundle(tmp_path / "bundle").folder
    formats = ["--format", "dicom-sr, dicom-ko", "-f", "fhir"]
    done = ctsieve("screen", study, "--out", out, "--bundle", bundle, *formats)
    assert done.code == 0, done.err
    made = [Path(line) for line in done.out.splitlines()]
    assert [p.name for p in made] == ["seg.dcm", "report.dcm", "key-objects.dcm", "fhir.json"]
    studies = {pydicom.dcmread(p).StudyInstanceUID for p in made[:-1]}
    assert studies == {pydicom.dcmread(next(study.rglob("*.dcm"))).StudyInstanceUID}
    assert json.loads(made[-1].read_text())["resourceType"] == "Bundle"


def test_a_nifti_file_gets_a_sentence_and_nothing_is_left(tmp_path: Path, ctsieve: Command) -> None:
    made = ctsieve(
        "phantom", tmp_path / "chest", "--format", "nifti", "--slices", 24, "--matrix", 128
    )
    assert made.code == 0, made.err
    bundle = make_tiny_bundle(tmp_path / "bundle").folder
    out = tmp_path / "out"
    file = next(path for path in tmp_path.rglob("chest*") if path.is_file())
    done = ctsieve("screen", file, "--out", out, "--bundle", bundle, "-f", "json,dicom-seg")
    assert done.code == 2
    assert "names no DICOM study" in done.err
    assert not out.exists()


@pytest.fixture(scope="module")
def real(data: Path) -> Screening:
    """P001 of COVID-CT-MD, judged by the default bundle."""
    return Screener.load(threads=1).screen(read_study(data / "covid_ct_md" / "P001", workers=1))


@pytest.fixture(scope="module")
def written(real: Screening, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every DICOM object of it, by file name."""
    paths = write(real, tmp_path_factory.mktemp("real"), OBJECTS)
    return {path.name: path for path in paths}


@needs_validate
@needs_dump
def test_no_program_complains_of_results_of_a_real_study(written: dict[str, Path]) -> None:
    for name, path in written.items():
        for opinion in (validated(path), dumped(path), report_dumped(path)):
            assert opinion.problems == (), (name, opinion.program)


def test_every_voxel_of_a_real_study_is_what_was_computed(
    real: Screening, written: dict[str, Path], data: Path
) -> None:
    assert isinstance(real.image, CTVolume)
    assert real.lungs is not None
    assert real.explanation is not None
    slices = {s.sop_instance_uid: k for k, s in enumerate(real.image.provenance.slices) if s}
    lungs = frames_in_space(written["seg.dcm"])
    assert len(lungs) == len(slices)
    for frame in lungs:
        assert frame.source is not None
        assert np.array_equal(frame.values > 0, real.lungs[slices[frame.source]])
    heat = real.explanation.heat
    for frame in frames_in_space(written["heat.dcm"]):
        assert frame.source is not None
        index = slices[frame.source]
        assert np.array_equal(frame.values, heat[index].astype(np.float64))
        corner = real.image.geometry.to_world([index, 0, 0])[0]
        assert frame.affine[:, 2] == pytest.approx(corner, abs=1e-3)
