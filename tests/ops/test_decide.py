"""Laws of the slice rule and of the answer."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.tiny_bundle import tiny_recipe

from ctsieve.ops.decide import decide, flag_lesions, no_answer, probabilities, score_slices
from ctsieve.ops.slices import scan_logit, slice_weights
from ctsieve.types.recipe import Calibration, Level, ObjectRule, Recipe, SliceRule, Threshold

logits = arrays(np.float32, st.integers(1, 40), elements=st.floats(-20, 20, width=32))
rules = st.builds(
    SliceRule,
    kind=st.sampled_from(["mean", "max", "top-mean"]),
    fraction=st.floats(0.01, 1.0),
)


@given(logits, rules)
def test_weights_sum_to_one_and_favour_the_highest(logit: np.ndarray, rule: SliceRule) -> None:
    weight = slice_weights(logit, rule)
    assert weight.sum() == pytest.approx(1.0, abs=1e-5)
    assert logit[weight > 0].min() >= logit[weight == 0].max(initial=-np.inf)


@given(logits, rules, st.randoms(use_true_random=False))
def test_the_scan_logit_does_not_depend_on_slice_order(
    logit: np.ndarray, rule: SliceRule, random: object
) -> None:
    order = np.random.default_rng(0).permutation(logit.size)
    one, _ = scan_logit(logit[:, None], rule)
    other, _ = scan_logit(logit[order][:, None], rule)
    np.testing.assert_allclose(one, other, atol=1e-4)


@given(logits)
def test_max_is_at_least_top_mean_is_at_least_mean(logit: np.ndarray) -> None:
    kinds = ("max", "top-mean", "mean")
    values = [scan_logit(logit[:, None], SliceRule(kind=kind))[0][0] for kind in kinds]
    assert values[0] >= values[1] - 1e-4
    assert values[1] >= values[2] - 1e-4


@given(arrays(np.float64, (5, 3), elements=st.floats(-50, 50)), st.booleans())
def test_probabilities_are_probabilities(logit: np.ndarray, multi_label: bool) -> None:
    level = Level(
        calibration=tuple(Calibration(slope=1.7, intercept=-0.3) for _ in range(3)),
        thresholds=(),
    )
    values = probabilities(logit, level, multi_label=multi_label)
    assert ((values >= 0) & (values <= 1)).all()
    if not multi_label:
        np.testing.assert_allclose(values.sum(axis=1), 1.0)


def output(num_slices: int, logit: float) -> dict[str, np.ndarray]:
    return {
        "logits": np.full((num_slices, 1), logit, np.float32),
        "lesion_logits": np.tile(np.array([[2.0, -2.0]], np.float32), (num_slices, 1)),
    }


def test_a_clear_scan_gets_a_call_and_its_flags() -> None:
    recipe = tiny_recipe()
    scores = score_slices(output(10, 3.0), np.arange(10), recipe)
    answer = decide(output(10, 3.0), recipe, num_slices=10, level="scan")
    assert answer.positive == ("covid19",)
    assert answer.calibrated
    assert answer.probability["covid19"] == pytest.approx(1 / (1 + np.exp(-3.0)))
    assert [(f.kind, f.present) for f in flag_lesions(scores, recipe)] == [
        ("ggo", True),
        ("consolidation", False),
    ]


def test_too_few_slices_abstain_with_the_number() -> None:
    recipe = tiny_recipe()
    answer = decide(output(2, 3.0), recipe, num_slices=2, level="scan")
    assert answer.positive == ()
    assert answer.abstained is not None
    assert "2 slices" in answer.abstained


def test_the_uncertain_band_abstains_and_its_edges_do_not() -> None:
    band = Level(
        calibration=(Calibration(),),
        thresholds=(Threshold(label="covid19", value=0.5),),
        uncertain=(0.4, 0.6),
    )
    recipe = tiny_recipe(scan=band)
    for logit, abstains in ((0.0, True), (3.0, False), (-3.0, False)):
        answer = decide(output(9, logit), recipe, num_slices=9, level="scan")
        assert (answer.abstained is not None) == abstains
        assert not answer.calibrated


THREE = ("covid19", "other_pneumonia", "neither")


def three(kind: str, **changes: object) -> Recipe:
    """A recipe of a softmax over three labels."""
    level = Level(
        calibration=tuple(Calibration() for _ in THREE),
        thresholds=tuple(Threshold(label=label, value=0.5) for label in THREE),
    )
    fields = {"labels": THREE, "multi_label": False, "lesions": (), "picture": level}
    return tiny_recipe(**{**fields, "scan": level, "kind": kind, **changes})


def test_a_scan_model_answers_with_its_own_logit_and_attention() -> None:
    share = np.array([[0.1, 0.2, 0.4, 0.25, 0.05]], np.float32)
    given = {"logits": np.array([[2.0, 0.0, -1.0]], np.float32), "attention": share}
    recipe = three("scan")
    scores = score_slices(given, np.arange(10, 15), recipe)
    assert not scores.has_scores
    assert scores.weight.tolist() == share[0].tolist()
    assert scores.top(4) == (2, 3, 1, 0)
    answer = decide(given, recipe, num_slices=5, level="scan")
    odds = np.exp([2.0, 0.0, -1.0])
    assert list(answer.probability.values()) == pytest.approx(list(odds / odds.sum()))
    assert answer.positive == ("covid19",)
    assert flag_lesions(scores, recipe) == ()


def test_a_scan_model_makes_no_call_of_a_single_slice() -> None:
    given = {"logits": np.array([[2.0, 0.0, -1.0]], np.float32)}
    answer = decide(given, three("scan"), num_slices=1, level="picture")
    assert "reads scans" in str(answer.abstained)


def test_the_slice_with_the_largest_logit_is_the_scans_where_there_is_no_attention() -> None:
    logits = np.array([[[0.0, 1.0, 0.0], [3.0, 0.0, 0.0], [1.0, 2.0, 0.0]]], np.float32)
    scores = score_slices(
        {"logits": logits.max(axis=1), "slice_logits": logits}, np.arange(3), three("scan")
    )
    assert scores.weight.tolist() == [0.0, 1.0, 0.0]
    assert scores.probability.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])


def test_where_nothing_tells_slices_apart_evenly_spaced_ones_are_shown() -> None:
    scores = score_slices({"logits": np.zeros((1, 3), np.float32)}, np.arange(10), three("scan"))
    assert scores.index.size == scores.lesion.shape[0] == 10
    scores = replace(scores, index=np.arange(10), weight=np.full(10, 0.1, np.float32))
    assert scores.top(4) == (0, 3, 6, 9)


def test_a_network_without_classes_abstains_and_shows_where_lesions_are() -> None:
    nothing = Level(calibration=(), thresholds=())
    rule = ObjectRule(kinds=("lesion",))
    recipe = three("instances", labels=(), picture=nothing, scan=nothing, objects=rule)
    labels = np.array([[0.0], [1.0], [1.0]], np.float32)
    given = {
        "labels": labels,
        "scores": labels * np.float32(0.9),
        "boxes": np.array([[[0, 0, 9, 9]], [[0, 0, 10, 10]], [[0, 0, 10, 30]]], np.float32),
        "roi_masks": np.ones((3, 1, 28, 28), np.float32),
    }
    scores = score_slices(given, np.arange(3), recipe)
    assert scores.weight.tolist() == [0.0, 0.25, 0.75]
    answer = decide(given, recipe, num_slices=3, level="scan")
    assert answer.probability == {}
    assert "no class" in str(answer.abstained)


def test_no_answer_has_a_reason_and_no_number() -> None:
    answer = no_answer(tiny_recipe(), level="scan", reason="not a chest")
    assert answer.probability == {}
    assert answer.positive == ()
    assert answer.abstained == "not a chest"
