"""COVIDx-SeqCT: lists become scans, scans become 16 slices; the authors' way is in tests/parity."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.datasets.trees.tree import touch, write

from ctsieve.datasets._covidx_lists import parse
from ctsieve.datasets.covidx_seqct import (
    AuthorsSelection,
    even_slices,
    scans,
    walk,
    walk_authors,
)
from ctsieve.types.errors import InputRejected, UnreadableStudy


def rows(scan: str, number: int, label: int) -> list[str]:
    return [f"{scan}_{i:04d}.png {label} {10 + i} 20 {200 - i} 300" for i in range(number)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Lists with a scan of CNCB, a short one, and one that comes back later."""
    lines = rows("NCP_7_12", 20, 2) + rows("CP_1_3", 15, 1) + rows("NCP_7_12", 16, 2)
    for partition in ("train", "val", "test"):
        content = lines if partition == "train" else rows(f"Normal_9_{partition}", 31, 0)
        write(tmp_path / f"{partition}_COVIDx_CT-2A.txt", content)
        touch(tmp_path / "2A_images", (row.split()[0] for row in content))
    return tmp_path


@given(st.integers(16, 2000))
def test_even_slices_are_different_and_reach_both_ends(number: int) -> None:
    chosen = even_slices(number)
    assert len(set(chosen.tolist())) == 16
    assert (chosen[0], chosen[-1]) == (0, number - 1)
    assert np.ptp(np.diff(chosen)) <= 1


@given(st.integers(16, 2000), st.integers(0, 2**32 - 1))
def test_the_authors_draw_sorted_multiples_of_the_stride(number: int, seed: int) -> None:
    chosen = AuthorsSelection(seed=seed).slices(number)
    assert len(set(chosen.tolist())) == 16
    assert (np.diff(chosen) > 0).all()
    assert not (chosen % (number // 16)).any()
    assert chosen[-1] < number


@pytest.mark.parametrize("number", [0, 15])
def test_short_scans_have_no_sixteen_slices(number: int) -> None:
    with pytest.raises(InputRejected, match=str(number)):
        even_slices(number)
    with pytest.raises(InputRejected, match=str(number)):
        AuthorsSelection().slices(number)


def test_no_scan_is_lost_but_the_short_ones(copy: Path) -> None:
    cases = list(walk(copy))
    assert [case.id for case in cases] == [
        "train/NCP_7_12",
        "train/NCP_7_12#2",
        "val/Normal_9_val",
        "test/Normal_9_test",
    ]
    assert all(len(case.files) == 16 for case in cases)
    assert [case.label for case in cases] == ["covid19", "covid19", "neither", "neither"]
    assert cases[0].patient == cases[1].patient == "NCP_7"
    assert cases[0].box == (10, 20, 200, 300)


def test_the_authors_lose_the_last_scan_of_a_list() -> None:
    listed = parse(rows("NCP_7_12", 20, 2) + rows("CP_1_3", 20, 1))
    assert [scan.scan for scan in scans(listed)] == ["NCP_7_12", "CP_1_3"]
    assert [sequence.scan for sequence in AuthorsSelection().sequences(listed)] == ["NCP_7_12"]


@pytest.mark.parametrize(
    ("file", "scan"),
    [
        ("NCP_96_1328_0035.png", "NCP_96_1328"),
        ("LIDC-IDRI-0001-1.3.6.1-0041.png", "LIDC-IDRI-0001-1.3.6.1"),
        ("normal1_patient1_SR_2_IM00042.png", "normal1_patient1_SR_2"),
    ],
)
def test_a_scan_is_the_file_without_its_last_number(file: str, scan: str) -> None:
    assert parse([f"{file} 0 1 2 3 4"])[0].scan == scan


@pytest.mark.parametrize(
    "line", ["a_1.png 0 1 2 3", "a_1.png x 1 2 3 4", "a_1.png 3 1 2 3 4", "picture.png 0 1 2 3 4"]
)
def test_a_row_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(UnreadableStudy, match="list row 1"):
        parse([line])


def test_a_scan_of_two_classes_is_refused() -> None:
    with pytest.raises(UnreadableStudy, match="NCP_7_12"):
        scans(parse(rows("NCP_7_12", 2, 2) + rows("NCP_7_12", 2, 1)))


def test_the_variant_has_the_authors_slices(copy: Path) -> None:
    lists = {
        partition: parse((copy / f"{partition}_COVIDx_CT-2A.txt").read_text().splitlines())
        for partition in ("train", "val", "test")
    }
    selection = AuthorsSelection()
    expected = [
        [listed[row].file for row in sequence.rows]
        for listed in lists.values()
        for sequence in selection.sequences(listed)
    ]
    assert [[path.name for path in case.files] for case in walk_authors(copy)] == expected


def test_a_missing_list_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UnreadableStudy, match="train_COVIDx") as refusal:
        list(walk(tmp_path))
    assert refusal.value.hint
