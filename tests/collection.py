"""The collection of real images that tests use where it is at hand."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CTSIEVE_DATA", REPOSITORY.parent / "shared" / "data"))
GOLDEN = DATA.parent / "golden"

needs_data = pytest.mark.skipif(
    not (DATA / "manifest.csv").is_file(),
    reason="the collection of real images is not at hand; CTSIEVE_DATA says where it is",
)
needs_golden = pytest.mark.skipif(
    not (GOLDEN / "fill.py").is_file(),
    reason="the golden vectors of the authors' code are not beside the collection",
)
