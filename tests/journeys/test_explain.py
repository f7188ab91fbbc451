"""`ctsieve explain`: a study and a method in, pictures and a check out."""

from pathlib import Path

import pytest
from PIL import Image
from tests.journeys.conftest import Command
from tests.tiny_bundle import make_tiny_bundle

from ctsieve.explain import EXPLAINERS


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle")).folder


@pytest.fixture
def study(tmp_path: Path, ctsieve: Command) -> Path:
    made = ctsieve("phantom", tmp_path / "chest", "--slices", 24, "--matrix", 128, "--seed", 2)
    assert made.code == 0, made.err
    return tmp_path / "chest"


def test_a_study_is_explained_and_the_explanation_checked(
    study: Path, bundle: Path, tmp_path: Path, ctsieve: Command
) -> None:
    out = tmp_path / "out"
    done = ctsieve(
        "explain", study, "-o", out, "--bundle", bundle, "--method", "occlusion", "--check"
    )
    assert done.code == 0, done.err
    assert "Occlusion of covid19" in done.err
    assert "without a random" in done.err
    pictures = [Path(line) for line in done.out.splitlines()]
    assert pictures[0].name == "summary.png"
    assert len(pictures) == 5
    for picture in pictures:
        with Image.open(picture) as opened:
            opened.verify()


def test_a_method_that_the_bundle_cannot_serve_ends_with_a_hint(
    study: Path, bundle: Path, tmp_path: Path, ctsieve: Command
) -> None:
    done = ctsieve(
        "explain", study, "-o", tmp_path / "out", "--bundle", bundle, "--method", "attention"
    )
    assert done.code == 2
    assert "methods for this bundle: gradcam, occlusion" in done.err
    assert not (tmp_path / "out").exists()


def test_the_help_names_every_method(ctsieve: Command) -> None:
    shown = " ".join(ctsieve("explain", "--help").out.split())
    assert all(name in shown for name in EXPLAINERS)
