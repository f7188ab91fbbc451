"""Lesion measures on the command line: a narrow Mask R-CNN on phantom pictures with masks."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.journeys.conftest import Command
from tests.journeys.test_detectors import saved

from ctsieve.datasets import DATASETS
from ctsieve.ops.run_lengths import from_run_lengths
from ctsieve.phantoms.cohort import CohortConfig, make_cohort
from ctsieve.pipeline.lesion_file import load_lesions
from ctsieve.pipeline.score import screen_case
from ctsieve.pipeline.screen import Screener

CONFIG = CohortConfig(pictures_each=1, num_slices=12, matrix=96)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cohort(tmp_path_factory.mktemp("cohort"), num_patients=6, seed=4, config=CONFIG)


@pytest.mark.slow
def test_a_detector_is_measured_by_its_lesions_and_again_without_images(
    cohort: Path, tmp_path: Path, ctsieve: Command
) -> None:
    bundle, first, again = (tmp_path / name for name in ("bundle", "first", "again"))
    source = saved("mask-rcnn", tmp_path / "authors.pth")
    done = ctsieve("bundle", "import", source, "--as", "mask-rcnn", "--out", bundle)
    assert done.code == 0, done.err

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
