"""Every golden file that is at hand, through the same function as `python -m tests.parity`."""

from pathlib import Path

import numpy as np
import pytest

from tests.parity import PUBLIC, check_file, close, equal, golden_files, load_fill

GOLDEN = PUBLIC
FILES = golden_files(GOLDEN) or (GOLDEN / "absent.json",)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_equal_to_the_authors_code(file: Path) -> None:
    if not file.is_file():
        pytest.skip("golden files are not at hand: set CTSIEVE_GOLDEN to their folder")
    rows = list(check_file(file))
    assert rows
    assert [row for row in rows if not row.passed] == []


def test_a_difference_is_seen() -> None:
    assert close("m", "q", [1.0, 2.0], [1.0, 2.5], 0.5).passed
    assert not close("m", "q", [1.0, 2.0], [1.0, 2.6], 0.5).passed
    assert not equal("m", "q", [1, 2, 3], [1, 3, 2]).passed
    assert equal("m", "q", "digest", "digest").passed


@pytest.mark.parametrize("got", [[1.0], [1.0, np.nan], [np.inf, 2.0]])
def test_another_shape_or_a_missing_number_never_passes(got: list[float]) -> None:
    assert not close("m", "q", got, [1.0, 2.0], 1e9).passed


def test_a_kind_without_a_check_fails(tmp_path: Path) -> None:
    file = tmp_path / "unheard_of_seed1.json"
    file.write_text("{}")
    assert [row.passed for row in check_file(file)] == [False]


def test_a_folder_without_fill_takes_that_of_the_public_files(tmp_path: Path) -> None:
    if not any((place / "fill.py").is_file() for place in (PUBLIC, PUBLIC.resolve().parent)):
        pytest.skip("golden files are not at hand: set CTSIEVE_GOLDEN to their folder")
    image = load_fill(tmp_path).make_image(1, (1, 8, 8))
    assert image.equal(load_fill(PUBLIC).make_image(1, (1, 8, 8)))
