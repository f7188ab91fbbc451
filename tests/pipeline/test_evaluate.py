"""A cohort of phantoms becomes a report by way of the production screener."""

from pathlib import Path

import pytest
from tests.screened import screener

from ctsieve.phantoms.cohort import CohortConfig, make_cohort
from ctsieve.pipeline.evaluate import evaluate
from ctsieve.pipeline.names import DATASETS
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Figure
from ctsieve.types.results import NOTICE


def test_a_cohort_is_evaluated_with_n_and_intervals(tmp_path: Path) -> None:
    config = CohortConfig(pictures_each=2, num_slices=16, matrix=96)
    make_cohort(tmp_path / "cohort", num_patients=6, seed=0, config=config)
    cases = list(DATASETS["phantom"].walk(tmp_path / "cohort"))
    report = evaluate(screener(tmp_path / "bundle"), cases)
    assert len(report.scores) == len(cases) == 12
    judged = [score for score in report.scores if score.judged]
    assert report.num_rejected == 12 - len(judged)
    figure = report.figures["auc"]
    assert figure.low <= figure.value <= figure.high
    assert figure.num_patients == 6
    slices = report.levels["slice"]["auc"]
    assert isinstance(slices, Figure)
    assert slices.num_cases == len(judged)
    assert report.notice == NOTICE
    again = evaluate(screener(tmp_path / "bundle"), reversed(cases))
    assert again.cases_digest == report.cases_digest
    assert again.figures["auc"].value == report.figures["auc"].value


def test_a_label_the_bundle_does_not_know_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="does not know 'lung-cancer'"):
        evaluate(screener(tmp_path), [], positive="lung-cancer")


def test_no_cases_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="none of 0 cases"):
        evaluate(screener(tmp_path), [])
