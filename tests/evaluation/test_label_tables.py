"""Three labels measured on cases of which some say only what they are not."""

from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score
from tests.evaluation.samples import normal_sample, table_of
from tests.evaluation.test_tables import three_classes
from tests.pipeline.commands import run

from ctsieve.evaluation.cohort import check_labels
from ctsieve.evaluation.label_tables import class_tables, one_against_rest_table
from ctsieve.pipeline.score_file import save_scores
from ctsieve.types.errors import InputRejected
from ctsieve.types.scores import ScoreTable


def half_told(seed: int = 0) -> ScoreTable:
    """Every third case that is not COVID-19 is said to be no more than that."""
    table = three_classes(seed)
    others = [row.case for row in table.rows if row.label != "covid19"]
    vague = set(others[::3])
    return table.of(
        tuple(replace(r, label="non_covid19") if r.case in vague else r for r in table.rows)
    )


def test_a_bundle_of_three_labels_is_measured_where_some_cases_are_not_told_apart(
    tmp_path: Path,
) -> None:
    scores = save_scores(half_told(), tmp_path / "made.csv")
    run("evaluate", "--scores", scores, "--out", tmp_path / "out")
    matrix, several = class_tables(half_told(), "patient")
    assert sum(int(cell) for row in matrix.rows for cell in row[1:]) == 70
    assert matrix.note.startswith("20 cases left out")
    assert several.note == matrix.note
    assert class_tables(three_classes(0), "patient")[0].note == ""


def test_who_may_be_healthy_is_no_negative_of_healthy() -> None:
    """A case that is not COVID-19 says nothing of the two other labels."""
    table = half_told(3)
    found = one_against_rest_table(table, "covid19", "patient")
    rows = {row[0]: row for row in found.rows}
    assert rows["covid19"][1] == "30 of 90"
    told = [row for row in table.rows if row.label != "non_covid19"]
    for label in ("neither", "other_pneumonia"):
        truth = [row.label == label for row in told]
        area = roc_auc_score(truth, [row.scores[label] for row in told])
        row = rows[label.replace("_", " ")]
        assert row[1] == f"{sum(truth)} of 70"
        assert row[2].startswith(f"{area:.3f} (")
    assert found.note.startswith("20 cases left out")
    with pytest.raises(InputRejected, match="'non_covid19', which the bundle does not know"):
        check_labels(table, "other_pneumonia")
    check_labels(table, "other_pneumonia", negative=["non_covid19"])


def test_a_word_that_counts_as_negative_does_so_in_a_comparison_too(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        table = table_of(normal_sample(0, size=40), name=name)
        viral = {"neither": "viral"}
        rows = tuple(replace(r, label=viral.get(r.label, r.label)) for r in table.rows)
        files.append(save_scores(table.of(rows), tmp_path / f"{name}.csv"))
    with pytest.raises(InputRejected, match="'viral', which the bundle does not know"):
        run("compare", *files)
    assert "40 cases" in run("compare", *files, "--negative", "viral")
