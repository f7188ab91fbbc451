"""Golden numbers stand where they stood."""

import json
from pathlib import Path

import pytest

from tests.golden.numbers import RELATIVE, measure


def test_numbers_stand_where_they_stood() -> None:
    """Fails after a change that moves results: run `make golden` and say why they moved."""
    golden = json.loads((Path(__file__).parent / "numbers.json").read_text())
    assert measure() == pytest.approx(golden, rel=RELATIVE, abs=0.05)
