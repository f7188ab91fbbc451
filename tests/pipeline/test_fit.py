"""Cases become a bundle that opens, verifies, and says what it was made from."""

import json
import warnings
from pathlib import Path

import pytest
from tests.collection import REPOSITORY
from tests.synthetic import tiny_config, write_collection

from ctsieve.bundles.bundle import open_bundle
from ctsieve.bundles.verify import verify
from ctsieve.pipeline.case_list import side_in_file
from ctsieve.pipeline.collection import cases_of
from ctsieve.pipeline.evaluation_files import Options
from ctsieve.pipeline.evaluation_job import Job, evaluate_job
from ctsieve.pipeline.fit import fit
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.held_out import held_out_scores
from ctsieve.pipeline.score_file import load_scores
from ctsieve.types.errors import UsageError

DEFAULT = REPOSITORY / "configs" / "la-dnn-default.toml"


def test_fit_writes_a_bundle_that_verifies(tmp_path: Path) -> None:
    data = write_collection(tmp_path / "data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = fit(tiny_config(stages=[{"size": 32, "epochs": 1}]), tmp_path / "run", data=data)
    bundle = open_bundle(folder)
    assert all(row.passed for row in verify(bundle))
    fitted = bundle.recipe.picture.calibration[0].fitted
    assert fitted is not None
    assert (fitted.side, fitted.num_patients) == ("tune", 3)
    assert "Non-commercial research demonstration only" in bundle.text("MODEL_CARD.md")
    assert str(tmp_path) not in bundle.text("MODEL_CARD.md") + bundle.text("recipe.json")
    assert json.loads(bundle.text("metadata.json"))["name"] == "tiny"
    assert (tmp_path / "run" / "tune" / "logs" / "metrics.csv").is_file()


def trained_on_folds(config: FitConfig, data: Path) -> set[str]:
    """Patients of a collection that are not always in training."""
    cases = cases_of(config.data.sets, data)
    always = set(config.data.always_train)
    return {c.patient for c in cases if c.site not in always and c.weight > 0}


def test_folds_ship_the_mean_of_networks_measured_on_patients_they_never_saw(
    tmp_path: Path,
) -> None:
    data = write_collection(tmp_path / "data")
    config = tiny_config(stages=[{"size": 32, "epochs": 1}], folds=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = fit(config, tmp_path / "run", data=data)
        again = fit(config, tmp_path / "run", data=data, resume=True)
    bundle = open_bundle(folder)
    assert all(row.passed for row in verify(bundle))
    fitted = bundle.recipe.picture.calibration[0].fitted
    assert fitted is not None
    assert fitted.num_patients == 12  # every patient that a fold holds out
    assert "Cross-fitted" in bundle.text("MODEL_CARD.md")
    assert bundle.manifest == open_bundle(again).manifest
    table = held_out_scores(bundle)
    assert {row.patient for row in table.rows} == trained_on_folds(config, data)
    assert {row.facts["network"] for row in table.rows} == {"1 of 2", "2 of 2"}
    beside = load_scores(tmp_path / "run" / "held_out.csv")
    assert beside == table
    assert str(tmp_path) not in (tmp_path / "run" / "held_out.csv").read_text()
    page = evaluate_job(Job(bundle=str(folder)), Options(), None)
    assert any("2 networks that never saw the patient" in d for d in page.verdict.doubts)
    assert {p.name for p in (tmp_path / "run").glob("fold-*")} == {"fold-1", "fold-2"}
    held_out = side_in_file(
        data, tmp_path / "run" / "split.json", "tune", datasets=config.data.sets
    )
    assert {case.patient for case in held_out} == trained_on_folds(config, data)


def test_committed_settings_are_understood() -> None:
    config = FitConfig.load(DEFAULT)
    assert FitConfig.model_validate_json(config.model_dump_json()) == config


def test_single_values_can_be_set_by_name() -> None:
    config = FitConfig.load(DEFAULT, ["run.seed=7", "optimiser.learning_rate=1e-3"])
    assert (config.run.seed, config.optimiser.learning_rate) == (7, 1e-3)
    assert FitConfig.load(DEFAULT, ["model.backbone=resnet18"]).model.backbone == "resnet18"


@pytest.mark.parametrize("setting", ["run.sead=7", "run.seed=-x", "seed", "cache_size.x=1"])
def test_a_setting_that_does_not_fit_is_refused(setting: str) -> None:
    with pytest.raises(UsageError):
        FitConfig.load(DEFAULT, [setting])


def test_a_misspelt_setting_and_a_missing_value_are_said_plainly() -> None:
    with pytest.raises(UsageError, match=r"^run\.sead: there is no such setting$"):
        FitConfig.load(DEFAULT, ["run.sead=7"])
    with pytest.raises(UsageError, match=r"'run\.seed' gives no value"):
        FitConfig.load(DEFAULT, ["run.seed"])


def test_settings_that_are_not_there_or_no_toml_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^none\.toml cannot be read: No such file") as refused:
        FitConfig.load(tmp_path / "none.toml")
    assert refused.value.hint
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"^bad\.toml is no TOML"):
        FitConfig.load(tmp_path / "bad.toml")
