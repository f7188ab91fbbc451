"""What tests of several DICOM results start from."""

from pathlib import Path

import pytest
from tests.writers.dicom_results import screened

from ctsieve.types.results import Screening


@pytest.fixture
def judged(tmp_path: Path) -> Screening:
    """A judged phantom that came from DICOM."""
    return screened("scan", tmp_path / "study")
