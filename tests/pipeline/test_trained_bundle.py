"""A run of every kind ends in a bundle that screens, says what it was fitted on, and what not."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.learning.small import config, small_detector

from ctsieve.bundles.bundle import open_bundle
from ctsieve.bundles.verify import verify
from ctsieve.evaluation.recalibration import fit_shared_slope
from ctsieve.models.la_dnn import LESIONS
from ctsieve.phantoms.cohort import CohortConfig, make_cohort
from ctsieve.pipeline.architecture import build_network
from ctsieve.pipeline.evaluation_files import Options
from ctsieve.pipeline.evaluation_job import Job, evaluate_job
from ctsieve.pipeline.experiment import RunOptions, TrainRecipe
from ctsieve.pipeline.reproduce import reproduce
from ctsieve.pipeline.score import image_of
from ctsieve.pipeline.score_file import load_scores
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.train import walked_cases
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.pipeline.trained_bundle import kinds_of, split_of
from ctsieve.pipeline.tune_calibration import calibrated_on_tune, rescored
from ctsieve.types.cases import Split
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.recipe import Calibration, Level, Recipe, Threshold
from ctsieve.types.results import BundleIdentity
from ctsieve.types.scores import CaseScore, ScoreTable

LABELS = ("covid19", "other_pneumonia", "neither")
DEALT = {"always_tune": [f"p000{number}" for number in range(3, 9)], "slices": "lungs"}
ONE_EPOCH = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 2}


@pytest.fixture(autouse=True)
def _libraries_may_warn() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    sizes = CohortConfig(form="both", pictures_each=1, num_slices=12, matrix=96)
    make_cohort(folder, num_patients=9, seed=0, config=sizes)
    return folder


def run(chosen: TrainConfig, out: Path, data: Path) -> Path:
    return TrainRecipe(chosen).run(out, RunOptions(data=data))


def test_a_run_of_slices_ends_in_a_bundle_calibrated_on_its_tune_side(
    cohort: Path, tmp_path: Path
) -> None:
    chosen = config("resnet18", data=DEALT, run=ONE_EPOCH)
    folder = run(chosen, tmp_path / "run", cohort)
    bundle = open_bundle(folder)
    assert all(row.passed for row in verify(bundle))
    split = split_of(tmp_path / "run", chosen, cohort)
    fitted = bundle.recipe.picture.calibration[0].fitted
    assert fitted is not None
    assert (fitted.side, fitted.digest) == ("tune", split.digest)
    assert fitted.num_cases <= len(split.sides["tune"])
    assert bundle.recipe.scan.calibration[0].fitted is None
    card = bundle.text("MODEL_CARD.md")
    assert "Scans are not calibrated" in card
    assert str(tmp_path) not in card + bundle.text("recipe.json")
    assert (folder / "figures" / "curves.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "run" / "tune" / "report.html").is_file()
    case = split.sides["tune"][0]
    prediction = Screener.load(folder).screen(image_of(case)).prediction
    assert tuple(prediction.probability) == LABELS
    assert sum(prediction.probability.values()) == pytest.approx(1.0)
    assert prediction.calibrated


def test_a_run_of_la_dnn_ends_in_a_bundle_with_lesions_and_heat(
    cohort: Path, tmp_path: Path
) -> None:
    chosen = config(
        "la-dnn",
        data=DEALT | {"labels": ("covid19",)},
        model={"preset": "paper", "settings": {"backbone": "resnet18"}},
        run=ONE_EPOCH,
    )
    folder = run(chosen, tmp_path / "run", cohort)
    recipe = open_bundle(folder).recipe
    assert (recipe.labels, recipe.kind) == (("covid19",), "slice")
    assert recipe.lesions == LESIONS
    assert recipe.picture.calibration[0].fitted is not None
    case = split_of(tmp_path / "run", chosen, cohort).sides["tune"][0]
    screening = Screener.load(folder).screen(image_of(case))
    assert screening.prediction.calibrated
    assert tuple(flag.kind for flag in screening.lesions) == LESIONS
    assert screening.explanation is not None
    again = reproduce(tmp_path / "run", tmp_path / "again", data=cohort)
    assert all(row.same for row in again)


def test_the_tune_side_of_a_run_is_evaluated_by_its_split_file(
    cohort: Path, tmp_path: Path
) -> None:
    chosen = config("resnet18", data=DEALT, run=ONE_EPOCH)
    folder = run(chosen, tmp_path / "run", cohort)
    job = Job(bundle=str(folder), data=cohort, split=tmp_path / "run" / "split.json", side="tune")
    evaluate_job(job, Options(), tmp_path / "again")
    kept, again = (load_scores(tmp_path / name / "scores.csv") for name in ("run/tune", "again"))
    assert {row.case: row.scores for row in again.rows} == {
        row.case: row.scores for row in kept.rows
    }


def test_a_run_of_scans_ends_in_a_bundle_of_scans(cohort: Path, tmp_path: Path) -> None:
    chosen = config(
        "series-maxpool",
        kinds="volume",
        data=DEALT | {"labels": ["covid19"]},
        model={"settings": {"backbone": "googlenet"}},
        run=ONE_EPOCH,
        bundle={"name": "mine", "version": "2.0.0"},
    )
    folder = run(chosen, tmp_path / "run", cohort)
    assert folder == tmp_path / "run" / "mine"
    screener = Screener.load(folder)
    assert screener.bundle.identity.version == "2.0.0"
    assert screener.bundle.recipe.kind == "scan"
    case = next(case for case in walked_cases(chosen, cohort) if case.kind == "volume")
    prediction = screener.screen(image_of(case)).prediction
    assert (prediction.level, prediction.calibrated) == ("scan", True)
    assert "Single slices are not calibrated" in screener.bundle.text("MODEL_CARD.md")


@pytest.mark.parametrize("name", ["single-shot", "mask-rcnn"])
def test_a_run_of_a_detector_ends_in_a_bundle_that_finds_objects(
    name: str, cohort: Path, tmp_path: Path
) -> None:
    both = name == "single-shot"
    task = {"kinds": [[1, 2, 3]], "min_area": 4}
    chosen = config(
        name,
        data=DEALT,
        model={"settings": small_detector()},
        input={"size": [64, 64]},
        task=task if both else task | {"phases": ["segmentation"]},
        run=ONE_EPOCH | ({} if both else {"criterion": "lesion_map", "better": "max"}),
    )
    screener = Screener.load(run(chosen, tmp_path / "run", cohort))
    recipe = screener.bundle.recipe
    assert recipe.objects is not None
    assert recipe.objects.kinds == (("lesion",) if both else ("object 1", "object 2"))
    case = next(case for case in walked_cases(chosen, cohort) if case.kind == "picture")
    prediction = screener.screen(image_of(case)).prediction
    assert prediction.calibrated == both
    assert ("nothing to calibrate" in screener.bundle.text("MODEL_CARD.md")) != both


def test_names_of_kinds_must_be_as_many_as_the_network_has(tmp_path: Path) -> None:
    chosen = config(
        "single-shot",
        model={"settings": small_detector()},
        task={"kinds": [[1, 2, 3]]},
        bundle={"kinds": ["ggo", "consolidation"]},
    )
    network = build_network(chosen.model, chosen.data.labels, folder=tmp_path)
    with pytest.raises(UsageError, match="2 names, and the network tells 1 kinds apart"):
        kinds_of(network, chosen)
    named = chosen.bundle.model_copy(update={"kinds": ("opacity",)})
    assert kinds_of(network, chosen.model_copy(update={"bundle": named})) == ("opacity",)


def row(number: int, label: str, logit: float, *, side: str = "tune") -> CaseScore:
    logits = {"covid19": logit, "neither": -logit}
    return CaseScore(
        case=str(number),
        patient=f"p{number}",
        site="here",
        label=label,
        level="slice",
        side=side,
        scores=dict.fromkeys(logits, 0.5),
        logits=logits,
        thresholds=dict.fromkeys(logits, 0.5),
    )


def two_labels() -> Recipe:
    labels = ("covid19", "neither")
    level = Level(
        calibration=(Calibration(), Calibration()),
        thresholds=tuple(Threshold(label=label, value=0.5) for label in labels),
    )
    return Recipe(labels=labels, multi_label=False, picture=level, scan=level)


def scored(rows: list[CaseScore]) -> ScoreTable:
    bundle = BundleIdentity(name="b", version="1", digest="0")
    return ScoreTable(
        bundle=bundle, labels=("covid19", "neither"), multi_label=False, rows=tuple(rows)
    )


LEAKY = Split(name="s", sides={}, leakage=("One patient is on two sides.",))


def test_a_softmax_is_calibrated_by_one_temperature_and_says_that_its_split_leaks() -> None:
    table = scored(
        [row(n, "covid19" if n % 2 else "neither", 9.0 * (n % 2) - n / 3) for n in range(12)]
    )
    found = calibrated_on_tune(two_labels(), table, LEAKY)
    slopes = {part.slope for part in found.recipe.picture.calibration}
    assert len(slopes) == 1
    assert slopes.pop() < 1.0  # logits of 9 and more were far too sure
    assert found.recipe.leakage == LEAKY.leakage
    assert found.recipe.scan == two_labels().scan
    assert [result.label for result in found.results] == ["covid19", "neither"]
    again = rescored(table, found.recipe).rows[1]
    assert sum(again.scores.values()) == pytest.approx(1.0)
    assert again.scores["covid19"] != 0.5


def test_nothing_is_fitted_where_a_label_is_lacking() -> None:
    found = calibrated_on_tune(two_labels(), scored([row(1, "neither", 0.0)]), LEAKY)
    assert found.recipe == two_labels()
    assert "do not hold both cases with and cases without covid19" in found.reasons[0]


def test_nothing_is_fitted_on_other_sides() -> None:
    rows = [row(0, "neither", 0.0), row(1, "covid19", 1.0, side="test")]
    with pytest.raises(InputRejected, match="not from the tune side"):
        calibrated_on_tune(two_labels(), scored(rows), LEAKY)


@given(st.floats(0.25, 4.0))
def test_the_shared_slope_undoes_a_scale_of_the_logits(scale: float) -> None:
    random = np.random.default_rng(0)
    true = np.arange(60) % 3
    logits = 1.5 * np.eye(3)[true] + random.normal(size=(60, 3))
    patient = np.array([f"p{n}" for n in range(60)])
    plain = fit_shared_slope(logits, true, patient)
    assert fit_shared_slope(scale * logits, true, patient) == pytest.approx(plain / scale, rel=1e-3)
