"""A detector on the command line, from its authors' checkpoint to the lesions that it shows.

The files have the exact names of the authors' (`keys_*.json` beside the golden files), aliases, old
spellings and pickled anchors included, and golden weights; the networks are narrower than theirs.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import torch
from PIL import Image
from tests.bundles.upstream.golden_checkpoints import (
    GOLDEN,
    LAYOUTS,
    fill_and_gold,
    old_spelling,
)
from tests.journeys.conftest import Command
from tests.models.small_detectors import DETECTORS, small
from torch import Tensor, nn

from ctsieve.bundles.upstream import upstream_of
from ctsieve.models._detector.mask_rcnn import MaskRcnn, MaskRcnnConfig, lesion_detector
from ctsieve.pipeline.phantom import make_study

SEED, NUM_SLICES = 23, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Whose layout of file it is, how it is spelled, and whether slices get a class."""

    layout: str
    spelling: Literal["old", "new"] = "new"
    classifies: bool = True


CASES = {
    "one-shot-lstm-attention": Case(layout="lstm", spelling="old"),
    "one-shot-lstm": Case(layout="lstm"),
    "one-shot-affinity": Case(layout="affinity"),
    "single-shot": Case(layout="single-shot", spelling="old"),
    "mask-net": Case(layout="mask-net"),
    "mask-rcnn": Case(layout="mask-rcnn", classifies=False),
}


def test_every_detector_is_among_them() -> None:
    assert set(CASES) == set(DETECTORS)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_checkpoint_becomes_a_bundle_that_screens_and_shows_lesions(
    name: str, study: Path, picture: Path, tmp_path: Path, ctsieve: Command
) -> None:
    source, bundle = saved(name, tmp_path / "authors.pth"), tmp_path / "bundle"
    done = ctsieve("bundle", "import", source, "--as", name, "--out", bundle)
    assert done.code == 0, done.err
    assert f"tensors of {name}; not calibrated" in done.out

    done = ctsieve("bundle", "verify", bundle, "--json")
    assert done.code == 0, done.err
    assert all(row["passed"] for row in json.loads(done.out)["golden"])
    done = ctsieve("bundle", "show", bundle)
    assert ("## Objects" in done.out) is (name != "mask-net")
    assert upstream_of(name).source in done.out

    for image in (picture, study):
        screens(name, image, bundle, ctsieve)
    explains(name, picture, bundle, tmp_path / "why", ctsieve)


def screens(name: str, image: Path, bundle: Path, ctsieve: Command) -> None:
    done = ctsieve("screen", image, "--json", "--bundle", bundle)
    assert done.code == 0, done.err
    result = json.loads(done.out)
    prediction = result["prediction"]
    if CASES[name].classifies:
        assert sum(prediction["probability"].values()) == pytest.approx(1.0, abs=1e-5)
    else:
        assert prediction["probability"] == {}
        assert "no class" in prediction["abstained"]
    assert len(result["lesion_totals"]) == num_kinds(name)


def explains(name: str, image: Path, bundle: Path, out: Path, ctsieve: Command) -> None:
    done = ctsieve("explain", image, "-o", out, "--bundle", bundle, "--method", "lesions")
    if name == "mask-net":  # its second stage has no masks
        assert done.code == 2
        assert "methods for this bundle: occlusion" in done.err
        assert not out.exists()
        return
    assert done.code == 0, done.err
    assert f"Lesion masks of {'covid19' if CASES[name].classifies else 'lesion'}" in done.err
    for line in done.out.splitlines():
        with Image.open(line) as opened:
            opened.verify()
    assert (out / "summary.png").is_file()


def num_kinds(name: str) -> int:
    """Kinds of lesion that the golden network tells apart: its objects, but for lungs."""
    return {"one-shot-lstm-attention": 2, "one-shot-lstm": 2, "mask-net": 0}.get(name, 1)


def saved(name: str, path: Path) -> Path:
    """The narrow network with golden weights, as its authors would have published it."""
    case, layout = CASES[name], LAYOUTS[CASES[name].layout]
    fill, _ = fill_and_gold(layout)
    rename, ours = upstream_of(name).rename, narrow(name).state_dict()
    listed = json.loads((GOLDEN.parent / f"keys_{layout.keys}.json").read_text(encoding="utf-8"))
    entries = [entry for entry in listed["keys"] if rename(entry["key"]) in ours]
    empty = {
        entry["key"]: torch.empty_like(ours[rename(entry["key"])])
        for entry in entries
        if "alias_of" not in entry
    }
    assert {rename(key) for key in empty} == set(ours), "the layout has every tensor"
    filled = fill.fill_state_dict(empty, SEED)
    state: dict[str, Tensor] = {e["key"]: filled[e.get("alias_of", e["key"])] for e in entries}
    old = case.spelling == "old"
    document = layout.wrap(old_spelling(state) if old else state)
    torch.save(document, path, _use_new_zipfile_serialization=not old)
    return path


def narrow(name: str) -> nn.Module:
    """The network whose file the layout is of, but narrower; of Mask R-CNN the light one."""
    if name != "mask-rcnn":
        return DETECTORS[name]()
    return MaskRcnn(MaskRcnnConfig(detector=small(lesion_detector("light", num_kinds=2))))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom of few slices."""
    return phantom(tmp_path_factory.mktemp("study") / "chest", "dicom")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slice in the middle of it."""
    files = sorted(phantom(tmp_path_factory.mktemp("picture") / "chest", "png").glob("*.png"))
    return files[len(files) // 2]


def phantom(out: Path, form: str) -> Path:
    make_study(out, kind="covid", seed=3, form=form, size=(NUM_SLICES, 96))
    return out
