"""The file name is the registry."""

import subprocess
import sys

import pytest

from ctsieve.pipeline.names import FORMATS, MODELS
from ctsieve.runtime import RUNTIMES
from ctsieve.types.cards import FormatCard, RuntimeCard
from ctsieve.types.errors import UnknownName


def test_names_are_file_names() -> None:
    assert "onnx" in RUNTIMES.names()
    assert isinstance(RUNTIMES["onnx"], RuntimeCard)
    assert len(RUNTIMES) == len(list(RUNTIMES))


def test_an_unknown_name_hints_at_the_nearest() -> None:
    with pytest.raises(UnknownName, match="'onxn'") as caught:
        RUNTIMES["onxn"]
    assert "'onnx'" in caught.value.hint


def test_every_format_has_a_card() -> None:
    for name in FORMATS:
        assert isinstance(FORMATS[name], FormatCard)


def test_listing_imports_no_plug_in() -> None:
    program = (
        "import sys; from ctsieve.pipeline.names import MODELS; MODELS.names();"
        "sys.exit(any(m.startswith('ctsieve.models.') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_both_spellings_name_the_same_card() -> None:
    assert MODELS["la_dnn"] is MODELS["la-dnn"]
