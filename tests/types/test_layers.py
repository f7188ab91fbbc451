"""Gates that no linter has: file sizes, and a screening path without torch."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "ctsieve"

WITHOUT_TORCH = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "torchvision", "lightning", "matplotlib"}:
            raise ImportError(name + " was imported on a path that must not need it")

sys.meta_path.insert(0, Refuse())
import importlib, pkgutil
import ctsieve.pipeline.screen, ctsieve.pipeline.write, ctsieve.readers, ctsieve.cli
for package in ("types", "ops", "readers", "bundles", "writers", "phantoms"):
    module = importlib.import_module("ctsieve." + package)
    for found in pkgutil.walk_packages(module.__path__, module.__name__ + "."):
        importlib.import_module(found.name)
"""


def test_the_screening_path_imports_no_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: p.stem)
def test_a_module_is_at_most_300_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_help_is_quick_because_it_imports_little() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from ctsieve.cli import app;"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        "heavy = {'numpy','torch','pydicom','scipy','onnxruntime','nibabel'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
