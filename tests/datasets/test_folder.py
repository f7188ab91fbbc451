"""A user's table: what is understood, and one sentence with a hint for everything that is not."""

from pathlib import Path

import pytest
from tests.datasets.trees.tree import touch, write

from ctsieve.datasets import DATASETS, folder
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UnreadableStudy

HEADER = "image,patient,site,label"
GOOD = "a.png,p1,north,covid19"


def table(root: Path, *rows: str, header: str = HEADER, end: str = "\n") -> Path:
    touch(root, ["a.png", "b.png", "c.nii.gz", "d.dcm", "m.png", "scan/10.dcm", "scan/9.dcm"])
    (root / "empty").mkdir(exist_ok=True)
    write(root / "cases.csv", [header, *rows], end=end)
    return root


def refused(root: Path) -> InputRejected:
    with pytest.raises(InputRejected) as refusal:
        list(folder.walk(root))
    assert refusal.value.hint
    assert str(root) not in f"{refusal.value} {refusal.value.hint}"
    return refusal.value


def only(root: Path) -> Case:
    (case,) = folder.walk(root)
    return case


def test_a_row_becomes_a_case(tmp_path: Path) -> None:
    header = f"{HEADER},mask,box,partition,sex,age,scan,position,paper,ggo,halo,fact:kernel"
    row = f"{GOOD},m.png,1 2 30 40,val,F,61,s1,7,doi:1,1,no,sharp"
    case = only(table(tmp_path, row, header=header))
    assert case.files == (tmp_path / "a.png",)
    assert (case.patient, case.site, case.label, case.partition) == (
        "p1",
        "north",
        "covid19",
        "val",
    )
    assert (case.mask, case.box) == (tmp_path / "m.png", (1, 2, 30, 40))
    assert (case.sex, case.age, case.scan, case.position) == ("female", 61.0, "s1", 7)
    assert (case.paper, dict(case.facts)) == ("doi:1", {"kernel": "sharp"})
    assert dict(case.lesions) == {"ggo": True, "halo": False}


def test_an_empty_flag_is_unknown_and_not_absent(tmp_path: Path) -> None:
    assert only(table(tmp_path, f"{GOOD},", header=f"{HEADER},ggo")).lesions == {}


@pytest.mark.parametrize(
    ("image", "kind", "files"),
    [
        ("a.png", "picture", ["a.png"]),
        ("c.nii.gz", "volume", ["c.nii.gz"]),
        ("d.dcm", "slice", ["d.dcm"]),
        ("scan", "volume", ["scan/9.dcm", "scan/10.dcm"]),
    ],
)
def test_the_kind_follows_from_the_file(
    image: str, kind: str, files: list[str], tmp_path: Path
) -> None:
    case = only(table(tmp_path, f"{image},p,s,neither"))
    assert case.kind == kind
    assert case.files == tuple(tmp_path / name for name in files)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_tables_of_spreadsheets_are_understood(
    separator: str, end: str, mark: str, tmp_path: Path
) -> None:
    header, row = (mark + line.replace(",", separator) for line in (HEADER, GOOD))
    root = table(tmp_path, row.removeprefix(mark), header=header, end=end)
    assert only(root).patient == "p1"


def test_empty_cells_behind_the_last_column_are_passed_over(tmp_path: Path) -> None:
    assert only(table(tmp_path, f"{GOOD},,,")).label == "covid19"


def test_the_table_may_be_given_itself_or_be_the_only_one(tmp_path: Path) -> None:
    root = table(tmp_path, GOOD)
    expected = list(folder.walk(root))
    (root / "cases.csv").rename(root / "mine.csv")
    assert list(folder.walk(root)) == list(folder.walk(root / "mine.csv")) == expected
    write(root / "other.csv", [HEADER])
    with pytest.raises(UnreadableStudy, match="2 CSV files") as refusal:
        list(folder.walk(root))
    assert "cases.csv" in refusal.value.hint


@pytest.mark.parametrize("column", HEADER.split(","))
def test_a_missing_column_is_named(column: str, tmp_path: Path) -> None:
    header = HEADER.replace(column, "something")
    with pytest.raises(UnreadableStudy, match=f"no column {column}") as refusal:
        list(folder.walk(table(tmp_path, GOOD, header=header)))
    assert HEADER.replace(",", ", ") in refusal.value.hint


@pytest.mark.parametrize(
    ("header", "row", "sentence", "hint"),
    [
        (HEADER, "x.png,p,s,neither", "image 'x.png' is not there", "table's folder"),
        (HEADER, "scan\\9.dcm,p,s,neither", "is not there", "write / and not"),
        (HEADER, f"{'x' * 5000}.png,p,s,neither", "is not there", "table's folder"),
        (HEADER, "empty,p,s,neither", "image folder 'empty' is empty", "fill it"),
        (HEADER, "b.png,,s,neither", "patient is empty", "one person"),
        (HEADER, "b.png,p,s,", "label is empty", "covid19"),
        (HEADER, "b.png,p,,neither", "site is empty", "hospital"),
        (HEADER, ",p,s,neither", "image is empty", "path"),
        (HEADER, "b.png,p,s,neither,more", "5 cells, but the header has 4", "double quotes"),
        (HEADER, "b.png,p1,s,neither", "patient 'p1' is 'neither' here and 'covid19' in row 2", ""),
        (HEADER, "./a.png,p1,s,covid19", "image 'a.png' is already in row 2", "once"),
        (f"{HEADER},mask", "b.png,p,s,neither,n.png", "mask 'n.png' is not there", "folder"),
        (f"{HEADER},box", "b.png,p,s,neither,1 2 3", "box '1 2 3' is not four", "left top"),
        (f"{HEADER},box", "b.png,p,s,neither,9 2 3 4", "box '9 2 3 4' has no area", "left top"),
        (f"{HEADER},box", "b.png,p,s,neither,-1 2 3 4", "begins outside", "left top"),
        (f"{HEADER},partition", "b.png,p,s,neither,Train", "partition 'Train'", "empty"),
        (f"{HEADER},sex", "b.png,p,s,neither,x", "sex 'x' is neither F nor M", "empty"),
        (f"{HEADER},age", "b.png,p,s,neither,old", "age 'old' is no number", "years"),
        (f"{HEADER},age", "b.png,p,s,neither,1961", "not between 0 and 120", "years"),
        (f"{HEADER},position", "b.png,p,s,neither,last", "position 'last'", "1, 2, 3"),
        (f"{HEADER},note", "b.png,p,s,neither,see report", "'see report'", "fact:note"),
    ],
)
def test_a_bad_row_gets_one_sentence_with_its_number(
    header: str, row: str, sentence: str, hint: str, tmp_path: Path
) -> None:
    refusal = refused(table(tmp_path, GOOD, "", row, header=header))
    assert str(refusal).startswith("cases.csv row 4: ")
    assert sentence in str(refusal)
    assert hint in refusal.hint


def test_all_bad_rows_are_listed_and_none_is_yielded(tmp_path: Path) -> None:
    root = table(tmp_path, GOOD, "x.png,p,s,neither", "b.png,,s,neither", "y.png,p,s,neither")
    assert "2 more" in str(refused(root))
    assert [finding.code for finding in folder.check(root)] == [
        "absent-image",
        "empty-patient",
        "absent-image",
    ]
    assert folder.check(table(tmp_path, GOOD)) == ()


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"\xff\xfe\x00\x01", b"image,image,patient,site,label\n"):
        (tmp_path / "cases.csv").write_bytes(content)
        with pytest.raises(UnreadableStudy) as refusal:
            list(folder.walk(tmp_path))
        assert refusal.value.hint
    write(tmp_path / "cases.csv", [HEADER])
    with pytest.raises(UnreadableStudy, match="no rows"):
        list(folder.walk(tmp_path))


def test_it_is_in_the_catalogue(tmp_path: Path) -> None:
    assert next(DATASETS["folder"].walk(table(tmp_path, GOOD))).id == "a.png"
