"""Scores, words and bundles that make no report: a sentence each, and no number."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.evaluation.samples import normal_sample, table_of
from tests.pipeline.commands import run
from tests.screened import screener

from ctsieve.evaluation.tune import TuneSample
from ctsieve.pipeline.score_file import save_scores
from ctsieve.types.errors import BundleError, InputRejected, UnknownName, UsageError


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        ((), UsageError, "say where the report goes"),
        (("--json", "--protocol", "lstm"), UnknownName, "no protocol called 'lstm'"),
        (("--json", "--positive", "flu"), InputRejected, "does not know 'flu'"),
        (("--json", "--prevalence", "2"), UsageError, "between 0 and 1"),
        (("--json", "--partial-auc", "fpr=5-10"), UsageError, "lies inside 0 to 1, got 5 to 10"),
    ],
)
def test_a_job_that_means_nothing_is_a_sentence(
    words: tuple[str, ...], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    scores = save_scores(table_of(normal_sample(0, size=10)), tmp_path / "made.csv")
    with pytest.raises(error, match=sentence):
        run("evaluate", "-", scores, *words)


def test_scores_of_another_bundle_and_a_missing_bundle_are_refused(tmp_path: Path) -> None:
    scores = save_scores(table_of(normal_sample(0, size=10)), tmp_path / "made.csv")
    bundle = screener(tmp_path / "bundle").bundle.folder
    with pytest.raises(InputRejected, match="holds scores of made 1, not of"):
        run("evaluate", bundle, scores, "--json")
    with pytest.raises(BundleError, match="there is no bundle"):
        run("evaluate", "nothing-of-that-name", scores, "--json")
    with pytest.raises(UsageError, match="is no score file"):
        run("evaluate", "-", tmp_path, "--json")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InputRejected, match=r"empty.csv is no score file"):
        run("evaluate", "--scores", tmp_path / "empty.csv", "--json")
    with pytest.raises(InputRejected, match=r"there is no file gone.csv"):
        run("evaluate", "--scores", tmp_path / "gone.csv", "--json")


def test_one_name_with_two_labels_is_a_doubt(tmp_path: Path) -> None:
    table = table_of(normal_sample(0, size=20))
    ill, well = (next(r for r in table.rows if r.label == name) for name in ("covid19", "neither"))
    rows = (replace(r, patient=ill.patient) if r is well else r for r in table.rows)
    scores = save_scores(table.of(tuple(rows)), tmp_path / "made.csv")
    doubts = json.loads(run("evaluate", "--scores", scores, "--json"))["doubts"]
    assert any(doubt.startswith("1 patient name with cases of several labels") for doubt in doubts)


def test_a_patient_on_two_sides_of_the_split_is_refused(tmp_path: Path) -> None:
    table = table_of(normal_sample(0, size=20, each=2))
    rows = (replace(table.rows[0], side="tune"), *table.rows[1:])
    scores = save_scores(table.of(rows), tmp_path / "made.csv")
    with pytest.raises(InputRejected, match="patient '0' has cases on two sides of the split"):
        run("evaluate", "--scores", scores, "--json")


def test_one_kind_of_case_is_a_sentence(tmp_path: Path) -> None:
    table = table_of(normal_sample(0, size=20))
    ill = table.of(tuple(row for row in table.rows if row.label == "covid19"))
    scores = save_scores(ill, tmp_path / "ill.csv")
    with pytest.raises(InputRejected, match="cases are positive"):
        run("evaluate", "-", scores, "--json")


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (("--side", "test"), UsageError, "--side asks for cases"),
        (("--faithfulness", "2"), UsageError, "--faithfulness asks for cases"),
        ((), InputRejected, "carries no held-out scores"),
    ],
)
def test_a_bundle_without_data_needs_held_out_scores(
    words: tuple[str, ...], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    bundle = screener(tmp_path / "bundle").bundle.folder
    with pytest.raises(error, match=sentence):
        run("evaluate", bundle, *words, "--json")


@pytest.mark.parametrize("broken", ["nan", "inf", "1.5"])
def test_a_score_that_is_no_probability_is_a_sentence(broken: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    head = "case,patient,label,score:covid19,threshold:covid19\n"
    path.write_text(head + f"a,p,covid19,{broken},0.5\nb,q,neither,0.2,0.5\nc,r,neither,0.1,0.5\n")
    with pytest.raises(InputRejected, match=r"not finite|lie in \[0, 1\]"):
        run("evaluate", "--scores", path, "--json")


@pytest.mark.parametrize("cut", ["nan", "50", "-1"])
def test_a_cut_that_is_no_probability_is_a_sentence(cut: str, tmp_path: Path) -> None:
    """In percent, it would call nobody: a sensitivity of 0 as if that were the network's."""
    path = tmp_path / "bad.csv"
    rows = [f"{n},{n},{'covid19' if n % 2 else 'neither'},0.{n},{cut}\n" for n in range(1, 9)]
    path.write_text("case,patient,label,score:covid19,threshold:covid19\n" + "".join(rows))
    with pytest.raises(InputRejected, match=r"a cut is a probability, in \[0, 1\]"):
        run("evaluate", "--scores", path, "--json")


def test_a_logit_that_is_no_number_calibrates_nothing() -> None:
    table = table_of(normal_sample(0, size=20), side="tune")
    first = replace(table.rows[0], logits={"covid19": float("nan")})
    with pytest.raises(InputRejected, match="1 of 20 logits are not finite"):
        TuneSample.from_scores(table.of((first, *table.rows[1:])), "covid19", "slice")
