"""Where the real data is."""

import os
from pathlib import Path

import pytest

_DEFAULT = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """The root of the real CT data; tests that need it are skipped where it is absent."""
    root = Path(os.environ.get("CTSIEVE_DATA", _DEFAULT))
    if not root.is_dir():
        pytest.skip(f"no real CT data at {root}: set CTSIEVE_DATA")
    return root
