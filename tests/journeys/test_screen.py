"""The main job from the command line and from Python, on phantoms and on real studies."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from tests.journeys.conftest import Command
from tests.tiny_bundle import make_tiny_bundle

import ctsieve as package
from ctsieve.bundles import store
from ctsieve.phantoms.dicom import PLANTED
from ctsieve.types.results import NOTICE


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle")).folder


@pytest.fixture
def study(tmp_path: Path, ctsieve: Command) -> Path:
    done = ctsieve("phantom", tmp_path / "chest", "--slices", 24, "--matrix", 128, "--seed", 2)
    assert done.code == 0, done.err
    return tmp_path / "chest"


def test_a_phantom_is_screened_and_reported(
    study: Path, bundle: Path, tmp_path: Path, ctsieve: Command
) -> None:
    done = ctsieve("screen", study, "--out", tmp_path / "out", "--bundle", bundle)
    assert done.code == 0, done.err
    made = [Path(line) for line in done.out.splitlines()]
    assert [p.name for p in made] == ["screening.json", "report.html"]
    result = json.loads(made[0].read_text())
    assert result["notice"] == NOTICE
    assert 0.0 <= result["prediction"]["probability"]["covid19"] <= 1.0
    page = made[1].read_text()
    assert NOTICE in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page


def test_json_on_stdout_is_all_there_is_on_stdout(
    study: Path, bundle: Path, ctsieve: Command
) -> None:
    done = ctsieve("screen", study, "--json", "--bundle", bundle)
    assert done.code == 0
    assert json.loads(done.out)["gate"]["verdict"].startswith("accepted")


def test_no_patient_leaves_the_front_door(
    study: Path, bundle: Path, tmp_path: Path, ctsieve: Command
) -> None:
    formats = ["--format", "json", "--format", "html", "--format", "png", "--format", "nifti"]
    done = ctsieve("screen", study, "--out", tmp_path / "out", "--bundle", bundle, *formats)
    assert done.code == 0
    results = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    everything = done.out.encode() + done.err.encode() + b"".join(p.read_bytes() for p in results)
    assert not [value for value in PLANTED if value.encode() in everything]
    source = b"".join(p.read_bytes() for p in study.iterdir())
    assert all(value.encode() in source for value in PLANTED)


def test_a_zip_gives_the_same_answer_as_the_folder(
    study: Path, bundle: Path, tmp_path: Path, ctsieve: Command
) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for path in study.iterdir():
            archive.write(path, f"deep/inside/{path.name}")
    answers = []
    for source in (study, tmp_path / "study.zip"):
        done = ctsieve("screen", source, "--json", "--bundle", bundle)
        answers.append(json.loads(done.out))
    assert answers[0]["prediction"] == answers[1]["prediction"]
    assert answers[0]["slices"] is not None


def test_gate_prints_a_verdict_for_each_path(study: Path, tmp_path: Path, ctsieve: Command) -> None:
    done = ctsieve("gate", study, tmp_path / "nowhere", "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["verdict"] for row in rows] == ["accepted_with_warnings", "unreadable"]
    assert done.code == 3
    assert ctsieve("gate", study).code == 0


def test_the_python_api_is_what_the_readme_says(study: Path, bundle: Path, tmp_path: Path) -> None:
    image = package.read_study(study)
    screener = package.Screener.load(bundle)
    screening = screener.screen(image)
    assert isinstance(screening, package.Screening)
    assert set(screening.prediction.probability) == {"covid19"}
    assert screening.prediction.abstained is None
    assert screening.gate.verdict in ("accepted", "accepted_with_warnings")
    assert all(isinstance(code, str) for code in screening.gate.reasons)
    made = package.write(screening, tmp_path / "out", formats=["json", "html"])
    assert all(path.is_file() for path in made)


def test_there_are_ten_public_names_and_each_is_there() -> None:
    assert len(package.__all__) == 10
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError):
        _ = getattr(package, "screener")  # noqa: B009  # a name that is not there


@pytest.mark.parametrize("name", ["P001", "cap001", "normal001"])
def test_a_real_study_is_judged_by_the_default_bundle(
    name: str, data: Path, tmp_path: Path, ctsieve: Command
) -> None:
    done = ctsieve("screen", data / "covid_ct_md" / name, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    result = json.loads((tmp_path / "out" / "screening.json").read_text())
    assert result["gate"]["verdict"].startswith("accepted")
    assert result["bundle"]["name"] == store.DEFAULT
    assert result["prediction"]["calibrated"]


def test_the_order_of_files_does_not_matter(
    study: Path, bundle: Path, tmp_path: Path, ctsieve: Command
) -> None:
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    for number, path in enumerate(sorted(study.iterdir(), reverse=True)):
        shutil.copy(path, shuffled / f"{(number * 7919) % 1000:03d}-{number}")
    one = json.loads(ctsieve("screen", study, "--json", "--bundle", bundle).out)
    other = json.loads(ctsieve("screen", shuffled, "--json", "--bundle", bundle).out)
    assert one["prediction"] == other["prediction"]
