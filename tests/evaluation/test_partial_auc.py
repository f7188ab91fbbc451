"""Parts of the ROC curve against scikit-learn, laws, and the interval of several images each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from tests.evaluation.samples import make_sample, normal_sample, samples

from ctsieve.evaluation.measures import measured
from ctsieve.evaluation.partial_auc import PARTS, Along, Part, corrected_areas, partial_measures
from ctsieve.evaluation.sample import Sample
from ctsieve.types.errors import UsageError
from ctsieve.types.report import Absent, Figure

WHOLE = Part(along="fpr", low=0.0, high=1.0)


def corrected(sample: Sample, part: Part) -> float:
    return float(corrected_areas(sample, np.ones((1, sample.num_cases), np.float32), part)[0])


def turned(sample: Sample) -> Sample:
    """The other kind is looked for: its curve is the mirror image at the other diagonal."""
    return make_sample(1 - sample.probability, ~sample.positive, sample.patient)


@settings(deadline=None)
@given(samples(), st.floats(0.01, 0.99))
def test_few_false_positives_agree_with_scikit_learn(sample: Sample, most: float) -> None:
    want = metrics.roc_auc_score(sample.positive, sample.probability, max_fpr=most)
    assert corrected(sample, Part(along="fpr", low=0.0, high=most)) == pytest.approx(want)


@settings(deadline=None)
@given(samples(), st.floats(0.0, 0.95), st.floats(0.01, 1.0))
def test_few_misses_are_few_false_positives_of_the_other_kind(
    sample: Sample, low: float, width: float
) -> None:
    high = min(1.0, low + width)
    own = Part(along="sensitivity", low=low, high=high)
    other = Part(along="fpr", low=1 - high, high=1 - low)
    assert corrected(sample, own) == pytest.approx(corrected(turned(sample), other), abs=1e-6)


@settings(deadline=None)
@given(samples(), st.floats(0.05, 0.95), st.sampled_from(["fpr", "sensitivity"]))
def test_plain_areas_of_parts_add_up_to_the_whole(sample: Sample, cut: float, along: Along) -> None:
    parts = (Part(along=along, low=0.0, high=cut), Part(along=along, low=cut, high=1.0))
    whole = metrics.roc_auc_score(sample.positive, sample.probability)
    assert corrected(sample, WHOLE) == pytest.approx(whole)
    assert sum(p.area(corrected(sample, p)) for p in parts) == pytest.approx(whole)


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_a_perfect_part_is_one_and_chance_is_one_half(part: Part) -> None:
    apart = make_sample(np.repeat([0.1, 0.9], 20), np.repeat([False, True], 20))
    alike = make_sample(np.full(40, 0.5), np.repeat([False, True], 20))
    assert corrected(apart, part) == pytest.approx(1.0)
    assert part.area(1.0) == pytest.approx(part.width)
    assert corrected(alike, part) == pytest.approx(0.5)


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_all_right_of_few_is_no_certainty_and_no_area_below_none(part: Part) -> None:
    few = make_sample([0.1, 0.2, 0.8, 0.9], [False, False, True, True])
    figure = measured(few, partial_measures([part]))[part.name]
    assert isinstance(figure, Figure)
    assert (figure.value, figure.high) == (1.0, 1.0)
    assert figure.low < 0.6
    assert part.area(figure.low) >= -1e-12


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_more_images_of_the_same_patients_do_not_narrow_a_parts_interval(part: Part) -> None:
    one = normal_sample(0, size=80)
    ten = one.of(np.repeat(np.arange(80), 10))
    first, second = (measured(s, partial_measures([part]))[part.name] for s in (one, ten))
    assert isinstance(first, Figure)
    assert isinstance(second, Figure)
    assert second.value == pytest.approx(first.value)
    assert second.high - second.low == pytest.approx(first.high - first.low, rel=0.1)
    assert (second.num_cases, second.num_patients) == (800, 80)


def test_intervals_of_a_part_cover_the_truth_about_as_often_as_they_say() -> None:
    """Against the value of 200 000 cases drawn alike; 80 samples with two images a patient."""
    part = Part(along="fpr", low=0.0, high=0.2)
    truth = corrected(normal_sample(999, size=200_000), part)
    measure, covered = partial_measures([part]), 0
    for seed in range(80):
        figure = measured(normal_sample(seed, size=60, each=2), measure, draws=300)[part.name]
        assert isinstance(figure, Figure)
        covered += figure.low <= truth <= figure.high
    assert 69 <= covered <= 80


def test_one_kind_only_is_a_sentence() -> None:
    sample = make_sample([0.2, 0.7], [True, True])
    for value in measured(sample, partial_measures(PARTS)).values():
        assert value == Absent(reason="all 2 cases are positive")


def test_a_part_is_named_by_a_word_that_reads_back() -> None:
    for part in (*PARTS, Part(along="fpr", low=0.05, high=0.35)):
        assert Part.parse(str(part)) == part
    assert PARTS[0].name == "partial_auc:fpr=0-0.1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("fpr=0.3-0.1", "lies inside 0 to 1, got 0.3 to 0.1"),
        ("fpr=0-1.5", "lies inside 0 to 1"),
        ("sensitivity=nan-1", "lies inside 0 to 1"),
        ("specificity=0.9-1", "'specificity=0.9-1' is no part of the ROC curve"),
        ("fpr=0.1", "'fpr=0.1' is no part"),
        ("", "'' is no part"),
    ],
)
def test_what_is_no_part_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Part.parse(text)
