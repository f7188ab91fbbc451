"""Lesions laid onto the image: where their boxes are, as sure as they are, lungs left out."""

import numpy as np
import pytest

from ctsieve.explain import lesions
from ctsieve.ops.objects import find_lesions
from ctsieve.ops.prepare import Prepared
from ctsieve.types.geometry import Geometry
from ctsieve.types.recipe import ObjectRule

STUDY = Geometry.from_spacing((3, 40, 40), spacing=(5.0, 1.0, 1.0), frame="f")
PREPARED = Prepared(
    x=np.zeros((1, 1, 80, 80), np.float32),
    index=np.array([1]),
    grid=STUDY.window_of((1, 0, 0), (2, 40, 40), (1, 80, 80)),
)
FOUND = {
    "boxes": np.array([[[0, 0, 80, 80], [20, 10, 40, 30], [20, 10, 60, 30]]], np.float32),
    "labels": np.array([[1, 2, 3]], np.float32),
    "scores": np.array([[1.0, 0.5, 0.25]], np.float32),
    "roi_masks": np.ones((1, 3, 28, 28), np.float32),
}
LESIONS = lesions.counting(FOUND, kinds={2, 3})


def test_only_objects_that_are_sure_enough_count() -> None:
    sure = lesions.counting(FOUND, kinds={2, 3}, score=0.5)["labels"]
    np.testing.assert_array_equal(sure, [[0.0, 2.0, 0.0]])
    np.testing.assert_array_equal(FOUND["labels"], [[1.0, 2.0, 3.0]])


def test_a_box_of_the_network_is_a_box_of_the_image() -> None:
    shown = lesions.explain(LESIONS, PREPARED, STUDY, label="covid19")
    assert shown is not None
    assert shown.peak == pytest.approx(0.5)
    beyond = np.ones(STUDY.shape, dtype=bool)
    beyond[1, 4:16, 9:31] = False  # a mask fades out within a pixel of its box
    assert not shown.heat[beyond].any()
    assert (shown.heat[1, 6:14, 11:19] == 1.0).all(), "of two lesions the surer one is shown"
    assert (shown.heat[1, 6:14, 21:29] == 0.5).all()


def test_heat_lies_where_the_lesions_of_the_result_lie() -> None:
    shown = lesions.explain(LESIONS, PREPARED, STUDY, label="covid19")
    assert shown is not None
    rule = ObjectRule(kinds=("lungs", "ggo", "consolidation"), organs=("lungs",), score=0.5)
    (lesion,) = find_lesions(FOUND, PREPARED, STUDY, rule)
    box = tuple(slice(a, b) for a, b in zip(lesion.start, lesion.stop, strict=True))
    own = np.zeros(STUDY.shape, dtype=bool)
    own[box] = lesion.mask
    left = np.s_[1, :, :20]  # where the surer of two lesions is the one that the rule counts
    np.testing.assert_array_equal(shown.heat[left] >= 0.5, own[left])


def test_every_label_counts_where_nothing_is_said() -> None:
    shown = lesions.explain(FOUND, PREPARED, STUDY, label="covid19")
    assert shown is not None
    assert (shown.heat[1, 1:-1, 1:-1] > 0.85).all()


@pytest.mark.parametrize("labels", [[[0, 0, 0]], [[1, 1, 1]]])
def test_nothing_found_is_no_heat(labels: list[list[int]]) -> None:
    found = lesions.counting(FOUND | {"labels": np.array(labels, np.float32)}, kinds={2, 3})
    shown = lesions.explain(found, PREPARED, STUDY, label="covid19")
    assert shown is not None
    assert shown.peak == 0.0
    assert not shown.heat.any()


def test_a_box_without_area_and_one_beyond_the_image_are_no_harm() -> None:
    boxes = np.array([[[30, 30, 30, 50], [70, 70, 90, 90], [60, 8, 60, 8]]], np.float32)
    shown = lesions.explain(FOUND | {"boxes": boxes}, PREPARED, STUDY, label="covid19")
    assert shown is not None
    assert shown.heat[1, 37, 37] > 0.9
    assert np.count_nonzero(shown.heat) < 70
