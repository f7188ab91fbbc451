"""AP beside pycocotools and faster-coco-eval, Dice and volumes on masks with plain answers."""

import contextlib
import io
import time

import numpy as np
import pytest
from faster_coco_eval import COCO as FAST_COCO
from faster_coco_eval import COCOeval_faster
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as run_lengths
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ctsieve.evaluation.charts import bland_altman_chart
from ctsieve.evaluation.coco_ap import ImageMasks, _mean_of, _ranking, _tables, coco_ap
from ctsieve.evaluation.intervals import wilson
from ctsieve.evaluation.per_image_ap import MaskSet, overlaps_of
from ctsieve.evaluation.volumes import bland_altman, dice, volume_error_ml
from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.types.geometry import Geometry

SIZE = 48
Rows = list[dict[str, object]]


def images(seed: int, number: int = 12) -> list[ImageMasks]:
    """Rectangles of two kinds; predictions are shifted, missed, doubled, or of the other kind."""
    random = np.random.default_rng(seed)
    made = []
    for index in range(number):
        corners = random.integers(0, 30, size=(index % 4, 2))
        sides = random.integers(6, 18, size=(index % 4, 2))
        labels = random.integers(1, 3, size=index % 4)
        shifted = corners + random.integers(-3, 4, size=corners.shape)
        found = [*zip(shifted, sides, labels, strict=True)][: index % 5]
        found.append((np.array([1, 1]), np.array([5, 5]), 1))
        made.append(
            ImageMasks(
                patient=f"p{index // 2}",
                truth=mask_set(list(zip(corners, sides, labels, strict=True)), random),
                found=mask_set(found, random),
            )
        )
    return made


def mask_set(
    boxes: list[tuple[np.ndarray, np.ndarray, int]], random: np.random.Generator
) -> MaskSet:
    masks = np.zeros((len(boxes), SIZE, SIZE), bool)
    for mask, (corner, side, _) in zip(masks, boxes, strict=True):
        top, left = np.maximum(corner, 0)
        mask[top : top + side[0], left : left + side[1]] = True
    labels = np.array([label for _, _, label in boxes], dtype=np.int64)
    return MaskSet(masks=masks, labels=labels, scores=random.random(len(boxes)).astype(np.float32))


def by_peer(made: list[ImageMasks], index: type, judging: type) -> list[float]:
    truth: Rows = []
    found: Rows = []
    for i, image in enumerate(made, start=1):
        for rows, side in ((truth, image.truth), (found, image.found)):
            for mask, label, score in zip(side.masks, side.labels, side.scores, strict=True):
                rows.append(
                    {
                        "id": len(rows) + 1,
                        "image_id": i,
                        "category_id": int(label),
                        "segmentation": run_lengths.encode(np.asfortranarray(mask.astype("u1"))),
                        "area": float(mask.sum()),
                        "iscrowd": 0,
                        "score": float(score),
                    }
                )
    with contextlib.redirect_stdout(io.StringIO()):
        known = index()
        known.dataset = {
            "images": [{"id": i + 1, "height": SIZE, "width": SIZE} for i in range(len(made))],
            "annotations": truth,
            "categories": [{"id": 1, "name": "ggo"}, {"id": 2, "name": "consolidation"}],
        }
        known.createIndex()
        judge = judging(known, known.loadRes(found), "segm")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return [float(v) for v in judge.stats[:3]]


PEERS = ((COCO, COCOeval), (FAST_COCO, COCOeval_faster))


@pytest.mark.parametrize("seed", range(4))
def test_cocos_ap_agrees_with_pycocotools_and_faster_coco_eval(seed: int) -> None:
    made = images(seed)
    found = coco_ap(made, draws=5)
    got = [found[name].value for name in ("map", "ap50", "ap75")]
    for peer in PEERS:
        assert got == pytest.approx(by_peer(made, *peer), abs=1e-9)
    assert (found["map"].num_cases, found["map"].num_patients) == (12, 6)


@pytest.mark.parametrize("seed", range(4))
def test_a_draw_of_images_is_those_images_evaluated_by_pycocotools(seed: int) -> None:
    made = images(seed)
    weight = np.random.default_rng(seed).integers(0, 4, size=(1, len(made)))
    drawn = [image for image, times in zip(made, weight[0], strict=True) for _ in range(times)]
    kinds = sorted({int(label) for image in made for label in image.truth.labels})
    compared = [overlaps_of(image.found, image.truth) for image in made]
    rankings = [_ranking(compared, kind) for kind in kinds]
    got = _mean_of(_tables(rankings, weight.astype(np.float32)))[0]
    assert got == pytest.approx(by_peer(drawn, *PEERS[0]), abs=1e-9)


def test_two_thousand_draws_take_seconds_and_hold_the_value() -> None:
    made = images(5, number=200)
    start = time.process_time()
    found = coco_ap(made)
    assert time.process_time() - start < 10.0
    for figure in found.values():
        assert figure.low < figure.value < figure.high
        assert figure.high - figure.low < 0.3


def test_masks_without_scores_or_of_another_grid_are_a_sentence() -> None:
    (image, *_) = [i for i in images(1) if len(i.truth.masks)]
    bare = MaskSet(masks=image.truth.masks, labels=image.truth.labels)
    with pytest.raises(InputRejected, match="predicted masks have 0 scores"):
        ImageMasks(patient="p", found=bare, truth=image.truth)
    smaller = MaskSet(masks=image.truth.masks[:, 1:], labels=image.truth.labels)
    with pytest.raises(InputRejected, match="are of two grids"):
        ImageMasks(patient="p", found=image.found, truth=smaller)


def test_more_images_of_the_same_patients_do_not_narrow_the_interval_of_ap() -> None:
    made = images(6, number=40)
    one, three = coco_ap(made)["ap50"], coco_ap(made * 3)["ap50"]
    assert three.high - three.low == pytest.approx(one.high - one.low, rel=0.1)


def test_perfect_masks_have_ap_one_and_an_interval_around_it() -> None:
    made = [
        ImageMasks(
            patient=i.patient,
            truth=i.truth,
            found=MaskSet(masks=i.truth.masks, labels=i.truth.labels, scores=i.truth.scores),
        )
        for i in images(1)
    ]
    figure = coco_ap(made, draws=20)["map"]
    patients = len({one.patient for one in made})
    wanted = (1.0, *wilson(patients, patients))
    assert (figure.value, figure.low, figure.high) == pytest.approx(wanted)


def test_nothing_found_is_zero_and_nothing_to_find_is_a_sentence() -> None:
    some = images(2)
    nothing = MaskSet(masks=np.zeros((0, SIZE, SIZE), bool), labels=np.zeros(0, np.int64))
    blind = [ImageMasks(patient=i.patient, truth=i.truth, found=nothing) for i in some]
    assert coco_ap(blind, draws=3)["ap50"].value == 0.0
    healthy = [ImageMasks(patient=i.patient, truth=nothing, found=i.found) for i in some]
    with pytest.raises(InputRejected, match="12 images hold 0 true lesions"):
        coco_ap(healthy)


@settings(deadline=None)
@given(arrays(np.bool_, (3, 4, 5)), arrays(np.bool_, (3, 4, 5)))
def test_dice_is_even_and_one_only_for_equal_masks(one: np.ndarray, other: np.ndarray) -> None:
    assert dice(one, other) == dice(other, one)
    assert (dice(one, other) == 1.0) == bool((one == other).all())


def test_volumes_are_millilitres_of_the_grid() -> None:
    grid = Geometry.from_spacing((4, 10, 10), spacing=(5.0, 1.0, 2.0), frame="1.2.3")
    true, found = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    found[0, :10, :10] = True
    assert volume_error_ml(found, true, grid) == pytest.approx(1.0)
    assert volume_error_ml(true, found, grid) == pytest.approx(-1.0)
    with pytest.raises(UnreadableStudy, match="no millimetres"):
        volume_error_ml(found, true, Geometry.of_picture(grid.shape, "0"))
    with pytest.raises(InputRejected, match="cannot be compared"):
        dice(true, true[0])


@settings(deadline=None)
@given(st.floats(-50, 50), st.integers(3, 40), st.integers(0, 1000))
def test_a_constant_error_is_all_bias(shift: float, number: int, seed: int) -> None:
    true = np.random.default_rng(seed).uniform(0, 900, number)
    found = bland_altman(true + shift, true)
    assert found.bias == pytest.approx(shift, abs=1e-9)
    assert found.limits == pytest.approx((shift, shift), abs=1e-6)


def test_limits_hold_ninety_five_in_a_hundred_of_normal_differences() -> None:
    random = np.random.default_rng(0)
    true = random.uniform(0, 900, 4000)
    found = bland_altman(true + random.normal(5, 20, 4000), true)
    inside = (found.difference > found.limits[0]) & (found.difference < found.limits[1])
    assert inside.mean() == pytest.approx(0.95, abs=0.01)
    assert found.bias_interval[0] < 5 < found.bias_interval[1]
    with pytest.raises(InputRejected, match="need three pairs"):
        bland_altman(true[:2], true[:2])


def test_the_bland_altman_chart_names_bias_and_both_limits() -> None:
    true = np.array([10.0, 20.0, 40.0, 80.0, 160.0])
    agreement = bland_altman(true + np.array([1.0, 3.0, 2.0, 4.0, 0.0]), true)
    svg = bland_altman_chart(agreement).svg
    assert "bias +2.0" in svg
    low, high = agreement.limits
    assert f"{high:+.1f}" in svg
    assert f"{low:+.1f}".replace("-", "\N{MINUS SIGN}") in svg or f"{low:+.1f}" in svg
