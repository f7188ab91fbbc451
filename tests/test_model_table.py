"""The measured table of models: what was measured stands there, what was not says so."""

import json
import sys
from pathlib import Path

import pytest
from benchmarks import bench_models
from benchmarks.model_table import model_of, page

from tests.parity import Row

FOUND: bench_models.Found = {
    "resnet18": {
        "parameters": 11_178_051,
        "graph": 1e-6,
        "graph_of_scores_only": False,
        "seconds": 0.25,
        "peer_seconds": 0.5,
        "ratio": 2.0,
        "processor_ratio": 1.9,
        "processor_seconds": 0.24,
        "date": "2026-11-28",
        "threads": 2,
        "shape": [2, 1, 224, 224],
    },
    "vgg16": {"failed": "not within 900 s"},
}
ROWS = [
    Row(model="mask-net (segmentation)", quantity="fpn", max_difference=1.0, tolerance=0.5),
    Row(model="la-dnn", quantity="logits", max_difference=1e-6, tolerance=2e-5),
    Row(model="per-image AP", quantity="mAP", max_difference=0.0, tolerance=1e-9),
]


def test_every_model_has_a_line_whatever_came_of_it() -> None:
    text = page(FOUND, ROWS)
    lines = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert len(lines) == 23
    assert "| 11,178,051 | 1.0e-06 | 0.25 s | 0.50 s | 2.0 | 0.24 s | 1.9 |" in lines["resnet18"]
    assert "not within 900 s" in lines["vgg16"]
    assert "not measured" in lines["googlenet"]
    assert "1 of 1 rows | 1.0e-06 of 2e-05" in lines["la-dnn"]
    assert "0 of 1 rows" in lines["mask-rcnn"]
    assert "- per-image AP: 1 of 1 rows equal." in text
    assert "2 of 3 rows pass" in text


def test_a_graph_that_was_compared_by_scores_alone_says_so() -> None:
    found = {"resnet18": {**FOUND["resnet18"], "graph_of_scores_only": True}}
    assert "| 1.0e-06 of scores |" in page(found, ROWS)


def test_rows_of_no_model_are_of_none() -> None:
    assert [model_of(row) for row in ROWS] == ["mask-rcnn", "la-dnn", ""]


def test_what_is_kept_is_not_measured_again_and_a_failure_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = tmp_path / "kept" / "models.json"
    keep.parent.mkdir()
    keep.write_text(json.dumps(FOUND))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    found = bench_models.measured(["resnet18", "vgg16"], keep)
    assert found["resnet18"] == FOUND["resnet18"]
    assert found["vgg16"] == {"failed": "status 1: no word"}
    assert json.loads(keep.read_text())["vgg16"] == found["vgg16"]
    forever = tmp_path / "forever"
    forever.write_text("#!/bin/sh\nexec sleep 60\n")
    forever.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(forever))
    assert bench_models.measured(["vgg16"], None, limit=0.2) == {
        "vgg16": {"failed": "not within 0 s"}
    }
