"""The walker of synthetic cohorts refuses tables that make no sense."""

from pathlib import Path

import pytest

from ctsieve.datasets.phantom import CARD, COLUMNS
from ctsieve.types.errors import UnreadableStudy

GOOD = ("a.png", "p1", "north", "covid19", "1", "0", "0", "", "picture")


def table(folder: Path, *rows: tuple[str, ...], columns: tuple[str, ...] = COLUMNS) -> Path:
    (folder / "a.png").write_bytes(b"never opened")
    lines = [",".join(row) for row in (columns, *rows)]
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_good_line_becomes_a_case_without_opening_its_picture(tmp_path: Path) -> None:
    (case,) = CARD.walk(table(tmp_path, GOOD))
    assert case.files == (tmp_path / "a.png",)
    assert (case.patient, case.label, case.site, case.mask) == ("p1", "covid19", "north", None)
    assert dict(case.lesions) == {"ggo": True, "consolidation": False, "crazy_paving": False}


@pytest.mark.parametrize(
    ("position", "value", "message"),
    [
        (0, "b.png", "line 2: b.png is missing"),
        (3, "flu", "line 2: label 'flu'"),
        (8, "film", "line 2: kind 'film'"),
    ],
)
def test_a_bad_line_is_named(position: int, value: str, message: str, tmp_path: Path) -> None:
    row = tuple(value if k == position else old for k, old in enumerate(GOOD))
    with pytest.raises(UnreadableStudy, match=message):
        list(CARD.walk(table(tmp_path, row)))


def test_a_missing_table_or_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableStudy, match=r"cases\.csv is missing") as caught:
        list(CARD.walk(tmp_path))
    assert "make_cohort" in caught.value.hint
    with pytest.raises(UnreadableStudy, match="no column mask"):
        list(CARD.walk(table(tmp_path, columns=tuple(c for c in COLUMNS if c != "mask"))))
