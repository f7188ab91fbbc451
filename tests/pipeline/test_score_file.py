"""Score files: what is written comes back, and what is no score file is a sentence."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.evaluation.samples import normal_sample, table_of

from ctsieve.pipeline.score import age_band, size_band, thickness_band
from ctsieve.pipeline.score_file import is_score_file, load_scores, save_scores
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.scores import ScoreTable

HEAD = "case,patient,label,score:covid19,threshold:covid19\n"


def full_table() -> ScoreTable:
    table = table_of(normal_sample(0, size=12), side="tune")
    first = replace(
        table.rows[0],
        scores={},
        logits={},
        verdict="rejected",
        reasons=("not-ct", "few-slices"),
        abstained="rejected by the gate: not-ct, few-slices",
    )
    second = replace(
        table.rows[1],
        level="scan",
        lesions={"GGO": 0.1 + 0.2},
        truth={"GGO": True, "Csld": False},
        facts={"kernel": 'B70f, "sharp"', "sex": "female"},
    )
    return table.of((first, second, *table.rows[2:]))


@pytest.mark.parametrize("name", ["scores.csv", "scores.parquet"])
def test_a_table_comes_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    table = full_table()
    path = save_scores(table, tmp_path / "new" / name)
    assert is_score_file(path)
    assert load_scores(path) == table


def test_five_columns_made_by_hand_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + "a,p1,covid19,0.9,0.5\nb,p2,neither,,0.5\n")
    table = load_scores(path)
    assert table.labels == ("covid19",)
    assert [row.judged for row in table.rows] == [True, False]
    assert table.rows[0].level == "slice"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("case,patient,label\na,p,covid19\n", "no column 'score:LABEL'"),
        ("patient,label,score:covid19\np,covid19,0.4\n", "no column 'case'"),
        (HEAD, "holds no case"),
        (HEAD + "a,p,covid19,high,0.5\n", "line 2: 'high' is no number"),
        (HEAD + "a,p,covid19,0.4,\n", "line 2 has a score and no threshold"),
        (HEAD + "a,p,covid19,0.4,0.5\na,p,covid19,0.4,0.5\n", "stand in the scores twice"),
        (HEAD + "a,,covid19,0.4,0.5\n", "line 2 has no patient"),
        (HEAD + "a,p,covid19,0.4,0.5\nb,p,,0.4,0.5\n", "line 3 has no label"),
        (HEAD + "a,p,covid19,0.4,0.5,7\n", "line 2 has more cells"),
        (
            HEAD.replace("\n", ",truth:infection\n") + "a,p,covid19,0.4,0.5,maybe\n",
            "line 2: 'maybe' is neither yes nor no",
        ),
        (
            HEAD.replace("\n", ",score:neither,threshold:neither\n") + "a,p,covid19,0.4,0.5,,0.5\n",
            "line 2 has a score, and none for 'neither'",
        ),
        (
            HEAD.replace("\n", ",labels\n") + "a,p,covid19,0.4,0.5,covid19 neither\n",
            "no column 'score:neither'",
        ),
    ],
)
def test_what_is_no_score_file_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputRejected, match=sentence):
        load_scores(path)


def test_bytes_that_are_no_text_are_no_score_file(tmp_path: Path) -> None:
    for name in ("noise.csv", "noise.csv.gz"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00score:" * 9)
        assert not is_score_file(tmp_path / name)
        with pytest.raises(InputRejected, match="cannot be read"):
            load_scores(tmp_path / name)
    (tmp_path / "noise.parquet").write_bytes(b"PAR1 nothing of the kind")
    with pytest.raises(InputRejected, match="is no Parquet file"):
        load_scores(tmp_path / "noise.parquet")


def test_rows_of_two_bundles_and_other_endings_are_refused(tmp_path: Path) -> None:
    table = full_table()
    lines = save_scores(table, tmp_path / "a.csv").read_text().splitlines()
    lines[2] = lines[2].replace("made", "other")
    (tmp_path / "b.csv").write_text("\n".join(lines))
    with pytest.raises(InputRejected, match="of 2 bundles"):
        load_scores(tmp_path / "b.csv")
    with pytest.raises(UsageError, match=r"neither .csv nor .parquet"):
        save_scores(table, tmp_path / "scores.xlsx")


def test_a_list_of_cases_is_no_score_file(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("case,patient,label,file\na,p,covid19,a.png\n")
    assert not is_score_file(path)
    assert not is_score_file(tmp_path)


def test_bands_hold_their_lower_edge() -> None:
    assert (age_band(39.9), age_band(40.0), age_band(99.0)) == (
        "18 to 40 years",
        "40 to 60 years",
        "80 years and more",
    )
    assert age_band(None) == ""
    assert (thickness_band(1.0), thickness_band(5.0)) == ("below 1.5 mm", "3 to 5.5 mm")
    assert size_band(512) == "512 to 1024 pixels"


@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("True", "False"), ("1", "0")])
def test_what_is_known_of_a_case_is_read_as_programs_and_people_write_it(
    yes: str, no: str, tmp_path: Path
) -> None:
    """Read as no, a yes would turn a positive slice into one that is known to be healthy."""
    path = tmp_path / "made.csv"
    head = HEAD.replace("\n", ",truth:infection,score:neither,threshold:neither,multi_label\n")
    path.write_text(
        head + f"a,p,covid19,0.9,0.5,{yes},0.1,0.5,{no}\nb,q,covid19,0.9,0.5,{no},0.1,0.5,\n"
    )
    table = load_scores(path)
    assert [row.truth["infection"] for row in table.rows] == [True, False]
    assert not table.multi_label
