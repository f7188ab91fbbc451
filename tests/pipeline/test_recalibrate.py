"""A bundle calibrated anew says so, answers differently, and only tune data may do it."""

from pathlib import Path

import pytest
from tests.evaluation.samples import normal_sample, table_of
from tests.pipeline.commands import run
from tests.screened import phantom_picture, screener

from ctsieve.bundles.bundle import open_bundle
from ctsieve.pipeline.score_file import save_scores
from ctsieve.pipeline.screen import Screener
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.scores import ScoreTable


def scores_of(bundle: Path, path: Path, *, side: str = "tune") -> Path:
    """Made scores under the name of a bundle."""
    made = table_of(normal_sample(0, size=120), side=side)
    identity = open_bundle(bundle).identity
    return save_scores(
        ScoreTable(bundle=identity, labels=made.labels, multi_label=True, rows=made.rows), path
    )


def test_a_recalibrated_bundle_keeps_where_its_numbers_are_from(tmp_path: Path) -> None:
    old = screener(tmp_path / "bundle").bundle
    scores = scores_of(old.folder, tmp_path / "scores.csv")
    words = ["calibrate", old.folder, scores, "--criterion", "sensitivity>=0.9"]
    printed = run(*words, "--out", tmp_path / "new")
    assert "isotonic" in printed
    assert "Conformal sets" in printed
    new = open_bundle(tmp_path / "new")
    threshold = new.recipe.picture.thresholds[0]
    assert threshold.fitted is not None
    assert threshold.fitted.num_cases == 120
    assert "at least 0.9" in threshold.fitted.criterion
    assert new.recipe.scan == old.recipe.scan
    assert new.identity.digest != old.identity.digest
    assert "Recalibrated" in new.text("MODEL_CARD.md")
    before = screener(tmp_path / "bundle").screen(phantom_picture()).prediction
    after = Screener.load(tmp_path / "new").screen(phantom_picture()).prediction
    assert after.logit == before.logit
    assert after.probability != before.probability
    assert after.threshold["covid19"] == threshold.value


def test_test_data_and_other_bundles_scores_calibrate_nothing(tmp_path: Path) -> None:
    bundle = screener(tmp_path / "bundle").bundle.folder
    test_side = scores_of(bundle, tmp_path / "scores.csv", side="test")
    with pytest.raises(InputRejected, match="not from the tune side"):
        run("calibrate", bundle, test_side)
    foreign = save_scores(table_of(normal_sample(0), side="tune"), tmp_path / "foreign.csv")
    with pytest.raises(InputRejected, match="holds scores of made 1"):
        run("calibrate", bundle, foreign)
    tune_side = scores_of(bundle, tmp_path / "tune.csv")
    with pytest.raises(UsageError, match="a slope and an intercept"):
        run("calibrate", bundle, tune_side, "--method", "isotonic", "--out", tmp_path / "new")
