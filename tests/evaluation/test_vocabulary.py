"""Words that are spelled in two ways are found before a model learns that one never occurs."""

import pytest

from ctsieve.evaluation.vocabulary import flag_spellings, nearest, spellings, unexpected_words

CODE = ("GGO", "Csld", "CrPa", "Aibr", "InSep")
"""What the released code of LA-DNN asks for."""
FILES = {"GGO": 211, "Csld": 79, "CrPa": 15, "AirBr": 11, "InSepThi": 12}
"""What its released files say, and how often."""


def test_the_two_spellings_of_la_dnn_are_caught() -> None:
    found = unexpected_words("lesion", FILES, CODE)
    unknown = {f.examples for f in found if f.code == "unknown-lesion"}
    assert unknown == {("AirBr", "Aibr"), ("InSepThi", "InSep")}
    assert {f.examples[0] for f in found if f.code == "lesion-never-seen"} == {"Aibr", "InSep"}
    assert all(f.gravity == "trap" for f in found if f.code == "unknown-lesion")
    assert "11 cases" in found[0].sentence


def test_words_that_are_all_expected_and_seen_give_nothing() -> None:
    assert unexpected_words("lesion", FILES, tuple(FILES)) == ()


def test_a_strange_word_is_not_guessed_at() -> None:
    (finding,) = unexpected_words("label", {"xyz": 1, "covid19": 2}, ("covid19",))
    assert "meant" not in finding.sentence
    assert finding.sentence.startswith("1 case has the label 'xyz'")


@pytest.mark.parametrize("twin", ["covid19", "COVID 19", "covid_19"])
def test_capitals_spaces_and_hyphens_make_no_other_word(twin: str) -> None:
    (finding,) = spellings("label", {"COVID-19": 3, twin: 2, "neither": 9})
    assert set(finding.examples) == {"COVID-19", twin}
    assert finding.number == 5
    assert spellings("label", {"COVID-19": 3, "neither": 9}) == ()


def test_a_flag_column_whose_cells_say_another_word_is_found() -> None:
    rows = [{"imgname": f"{i}.png", "CVD19": "CVD19", "AirBr": "", "GGO": "GGO"} for i in range(9)]
    rows += [{"imgname": "9.png", "CVD19": "", "AirBr": "Aibr", "GGO": ""}]
    (finding,) = flag_spellings("meta.csv", rows)
    assert finding.examples == ("AirBr", "Aibr")
    rows[-1]["AirBr"] = "AirBr"
    assert flag_spellings("meta.csv", rows) == ()


def test_other_columns_are_no_flags() -> None:
    rows = [{"patient": f"patient{i % 5}", "site": "site A", "note": ""} for i in range(20)]
    assert flag_spellings("cases.csv", rows) == ()
    assert flag_spellings("empty.csv", []) == ()


def test_the_nearest_word_shares_most_letters() -> None:
    assert nearest("aibr", ["AirBr", "CrPa"]) == "AirBr"
    assert nearest("GGO", []) == ""
