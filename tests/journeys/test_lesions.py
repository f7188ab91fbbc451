"""Lesion measures on the command line: a narrow Mask R-CNN on phantom pictures with masks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.journeys.conftest import Command
from tests.journeys.test_detectors import saved
from tests.pipeline.commands import run

from ctsieve.datasets import DATASETS
from ctsieve.ops.run_lengths import from_run_lengths
from ctsieve.phantoms.cohort import CohortConfig, make_cohort
from ctsieve.pipeline.lesion_file import load_lesions
from ctsieve.pipeline.score import screen_case
from ctsieve.pipeline.screen import Screener
from ctsieve.types.lesion_table import LesionTable

CONFIG = CohortConfig(pictures_each=1, num_slices=12, matrix=96)
NAMED = {1: "ggo", 2: "consolidation"}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cohort(tmp_path_factory.mktemp("cohort"), num_patients=6, seed=4, config=CONFIG)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow Mask R-CNN that finds `ggo` and `consolidation` where its weights happen to."""
    folder = tmp_path_factory.mktemp("detector")
    source = saved("mask-rcnn", folder / "authors.pth")
    run("bundle", "import", source, "--as", "mask-rcnn", "--out", folder / "bundle")
    return folder / "bundle"


@pytest.mark.slow
def test_a_detector_is_measured_by_its_lesions_and_again_without_images(
    bundle: Path, cohort: Path, tmp_path: Path, ctsieve: Command
) -> None:
    first, again = (tmp_path / name for name in ("first", "again"))
    data = (cohort.parent, "--dataset", "phantom")
    done = ctsieve("evaluate", bundle, *data, "-o", first)
    assert done.code == 0, done.err
    assert "AP .50:.05:.95, COCO" in done.err
    assert "The bundle gives no class" in done.err
    lesions = load_lesions(first / "lesions.jsonl")
    report = json.loads((first / "report.json").read_text(encoding="utf-8"))
    rows = {(r["measure"], r["kind"]): r for r in report["lesions"]["measures"]}
    assert rows["coco_map", ""]["num_cases"] == len(lesions.measured)
    assert rows["coco_map", ""]["low"] <= rows["coco_map", ""]["value"]
    assert "no image has millimetres" in rows["volume_error_ml", ""]["reason"]

    screener = Screener.load(bundle)
    for case in DATASETS["phantom"].walk(cohort.parent):
        drawn = screen_case(screener, case).lesion_instances
        (kept,) = [one for one in lesions.measured if one.case == case.id]
        pixels = sum(
            int(from_run_lengths(one.counts, kept.slices[0].size).sum())
            for one in kept.slices[0].found
        )
        assert pixels == sum(int(np.count_nonzero(one.mask)) for one in drawn)

    done = ctsieve("evaluate", "--scores", first / "lesions.jsonl", "-o", again)
    assert done.code == 0, done.err
    assert (again / "lesions.jsonl").read_bytes() == (first / "lesions.jsonl").read_bytes()
    assert (
        json.loads((again / "report.json").read_text(encoding="utf-8"))["lesions"]
        == (report["lesions"])
    )
    done = ctsieve("evaluate", "--scores", first / "lesions.jsonl", "--protocol", "one-shot")
    assert done.code == 0, done.err
    assert "(here)" in done.out


def own_table(cohort: Path, folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """A person's list of the cohort's pictures, the masks with a palette, and their numbers."""
    folder.mkdir()
    drawn, lines = {}, ["case,patient,label,file,mask"]
    for number, case in enumerate(DATASETS["phantom"].walk(cohort.parent)):
        assert case.mask is not None
        drawn[f"c{number}"] = np.asarray(Image.open(case.mask))
        mask = Image.fromarray(drawn[f"c{number}"], mode="P")
        mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0])
        mask.save(folder / f"{number}-mask.png")
        shutil.copy(case.files[0], folder / f"{number}.png")
        lines.append(f"c{number},{case.patient},{case.label},{number}.png,{number}-mask.png")
    lines.append("bare,somebody,neither,0.png,")
    (folder / "own.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "own.csv", drawn


def pixels(found: LesionTable) -> dict[str, dict[str, int]]:
    """Kind to the number of true pixels, by case."""
    return {
        one.case: {
            region.kind: int(from_run_lengths(region.counts, one.slices[0].size).sum())
            for region in one.slices[0].true
        }
        for one in found.measured
    }


@pytest.mark.slow
def test_masks_of_ones_own_draw_what_the_command_says(
    bundle: Path, cohort: Path, tmp_path: Path, ctsieve: Command
) -> None:
    own, drawn = own_table(cohort, tmp_path / "own")
    assert set(np.unique(list(drawn.values()))) == {0, 1, 2, 3}

    values = ("--mask-value", "1=ggo", "--mask-value", "2=consolidation")
    done = ctsieve("evaluate", bundle, own, *values, "-o", tmp_path / "named")
    assert done.code == 0, done.err
    named = load_lesions(tmp_path / "named" / "lesions.jsonl")
    assert named.mask_kinds == ("ggo", "consolidation")
    want = {
        case: {kind: int((mask == value).sum()) for value, kind in NAMED.items() if value in mask}
        for case, mask in drawn.items()
    }
    assert pixels(named) == want, "the case without a mask is in no lesion number"
    assert "values that nothing names (3)" in done.err
    assert named.kinds == ("lesion",)
    assert "all count as one kind" in (tmp_path / "named" / "report.html").read_text("utf-8")

    Image.new("L", (9, 9)).save(own.parent / "0-mask.png")
    done = ctsieve("evaluate", bundle, own, "-o", tmp_path / "any")
    assert done.code == 0, done.err
    assert "1 of 6 cases with a mask are in no number; the first: the mask of case 'c0'" in done.err
    plain = load_lesions(tmp_path / "any" / "lesions.jsonl")
    assert plain.mask_kinds == ("lesion",)
    del drawn["c0"]
    want = {c: {"lesion": int((m > 0).sum())} if m.any() else {} for c, m in drawn.items()}
    assert pixels(plain) == want
    assert "nothing names" not in done.err


@pytest.mark.slow
def test_a_bundle_without_lesions_says_so_where_cases_have_masks(
    cohort: Path, tmp_path: Path, ctsieve: Command
) -> None:
    default = "la-dnn-mobilenet-v2"
    data = (cohort.parent, "--dataset", "phantom")
    done = ctsieve("evaluate", default, *data, "-o", tmp_path)
    assert done.code == 0, done.err
    assert "This bundle finds no lesions" in done.err
    assert not (tmp_path / "lesions.jsonl").exists()
    assert "This bundle finds no lesions" in (tmp_path / "report.html").read_text(encoding="utf-8")
    done = ctsieve("evaluate", default, *data, "-o", tmp_path, "--mask-value", "ggo")
    assert done.code == 2
    assert "is no value of a mask" in done.err
