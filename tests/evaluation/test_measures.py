"""Every number of a yes-no question against scikit-learn, laws, and its interval against truth."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from tests.evaluation.samples import make_sample, normal_sample, samples

from ctsieve.evaluation import ranking
from ctsieve.evaluation.intervals import patient_draws, wilson
from ctsieve.evaluation.measures import MEASURES, measured
from ctsieve.evaluation.partial_auc import PARTS, partial_measures
from ctsieve.evaluation.prevalence import predictive_values
from ctsieve.evaluation.ranking import auc, precision_recall_curve, roc_curve
from ctsieve.evaluation.reliability import EDGE
from ctsieve.evaluation.sample import Sample
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.report import Absent, Figure


def value(sample: Sample, name: str) -> float:
    return float(MEASURES[name].of(sample, np.ones((1, sample.num_cases), np.float32))[0])


@settings(deadline=None)
@given(samples())
def test_ranking_agrees_with_scikit_learn(sample: Sample) -> None:
    truth, score = sample.positive, sample.probability
    assert value(sample, "auc") == pytest.approx(metrics.roc_auc_score(truth, score))
    assert value(sample, "ap") == pytest.approx(metrics.average_precision_score(truth, score))
    precision, recall, _ = metrics.precision_recall_curve(truth, score)
    assert value(sample, "auc_pr") == pytest.approx(metrics.auc(recall, precision))


@settings(deadline=None)
@given(samples())
def test_calls_agree_with_scikit_learn(sample: Sample) -> None:
    truth, called = sample.positive, sample.called
    assert value(sample, "sensitivity") == pytest.approx(metrics.recall_score(truth, called))
    assert value(sample, "specificity") == pytest.approx(metrics.recall_score(~truth, ~called))
    assert value(sample, "accuracy") == pytest.approx(metrics.accuracy_score(truth, called))
    assert value(sample, "f1") == pytest.approx(metrics.f1_score(truth, called))
    assert value(sample, "mcc") == pytest.approx(metrics.matthews_corrcoef(truth, called))
    assert value(sample, "brier") == pytest.approx(
        metrics.brier_score_loss(truth, sample.probability)
    )
    assert value(sample, "balanced_accuracy") == pytest.approx(
        metrics.balanced_accuracy_score(truth, called)
    )
    if called.any():
        assert value(sample, "ppv") == pytest.approx(metrics.precision_score(truth, called))


@settings(deadline=None)
@given(samples())
def test_a_weight_of_two_is_a_case_that_stands_there_twice(sample: Sample) -> None:
    weight = np.ones((1, sample.num_cases), np.float32)
    weight[0, : sample.num_cases // 2] = 2.0
    twice = sample.of(np.repeat(np.arange(sample.num_cases), weight[0].astype(int)))
    for name, measure in MEASURES.items():
        got, want = float(measure.of(sample, weight)[0]), value(twice, name)
        assert got == pytest.approx(want, abs=1e-5, nan_ok=True), name


@settings(deadline=None)
@given(samples())
def test_the_auc_turns_over_with_the_labels_and_keeps_under_monotone_maps(sample: Sample) -> None:
    score, positive = sample.probability, sample.positive
    assert auc(score, positive) == pytest.approx(1 - auc(score, ~positive))
    assert auc(score**3, positive) == pytest.approx(auc(score, positive))


@settings(deadline=None)
@given(samples())
def test_curves_end_where_they_must_and_hold_the_area(sample: Sample) -> None:
    roc = roc_curve(sample)
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert float(np.trapezoid(roc.y, roc.x)) == pytest.approx(value(sample, "auc"))
    curve = precision_recall_curve(sample)
    assert curve.x[-1] == 1.0
    assert curve.y[-1] == pytest.approx(sample.num_positive / sample.num_cases)


@settings(deadline=None, max_examples=25)
@given(samples())
def test_the_order_of_cases_does_not_matter(sample: Sample) -> None:
    back = sample.of(np.arange(sample.num_cases)[::-1])
    one, other = measured(sample, draws=60), measured(back, draws=60)
    for name in ("auc", "sensitivity", "brier", "ece"):
        first, second = one[name], other[name]
        if isinstance(first, Absent) or isinstance(second, Absent):
            assert first == second
        else:
            assert first.low == pytest.approx(second.low)
            assert first.value == pytest.approx(second.value)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """Two normal groups 1.5 apart: the true AUC is 0.8556; 80 samples with 4 cases a patient."""
    covered = 0
    for seed in range(80):
        found = measured(normal_sample(seed, size=60, each=4), {"auc": MEASURES["auc"]}, seed=seed)
        figure = found["auc"]
        assert isinstance(figure, Figure)
        covered += figure.low <= 0.8556 <= figure.high
    assert 69 <= covered <= 80


def test_more_images_of_the_same_patients_do_not_narrow_the_interval() -> None:
    one = normal_sample(0, size=80)
    ten = one.of(np.repeat(np.arange(80), 10))
    first, second = measured(one)["auc"], measured(ten)["auc"]
    assert isinstance(first, Figure)
    assert isinstance(second, Figure)
    assert second.high - second.low == pytest.approx(first.high - first.low, rel=0.1)
    assert (second.num_cases, second.num_patients) == (800, 80)


def test_draws_take_whole_patients_and_as_many_as_there_are() -> None:
    patient = np.array(["a", "b", "a", "c", "b", "a"])
    weight = patient_draws(patient, draws=50)
    assert (weight[:, 0] == weight[:, 2]).all()
    assert (weight[:, 1] == weight[:, 4]).all()
    assert (weight[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert (patient_draws(patient, draws=50) == weight).all()


def test_independent_proportions_have_wilsons_interval_and_count_their_own_cases() -> None:
    sample = make_sample(np.array([0.9] * 9 + [0.1] + [0.2] * 5), np.arange(15) < 10)
    found = measured(sample)["sensitivity"]
    assert isinstance(found, Figure)
    assert (found.low, found.high) == wilson(9, 10)
    assert (found.value, found.num_cases) == (0.9, 10)


def test_wilson_stays_inside_and_is_not_zero_wide_at_the_edge() -> None:
    low, high = wilson(0, 20)
    assert low == 0.0
    assert 0.1 < high < 0.2


def test_calibrated_scores_have_slope_one_and_intercept_zero() -> None:
    sample = normal_sample(3, size=20_000)
    assert value(sample, "slope") == pytest.approx(1.0, abs=0.05)
    assert value(sample, "intercept") == pytest.approx(0.0, abs=0.05)
    assert value(sample, "ece") < 0.02
    odds = sample.probability / (1 - sample.probability)
    steep = make_sample(odds**2 / (1 + odds**2), sample.positive)
    assert value(steep, "slope") == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("certainty", [0.2, 1.0, 4.0, 8.0, 30.0])
def test_slope_is_that_of_an_unpenalised_logistic_regression(certainty: float) -> None:
    """Also of a network that is far too certain, nearly all of whose scores are 0 or 1."""
    sample = normal_sample(4, size=500, apart=1.0)
    odds = (sample.probability / (1 - sample.probability)) ** certainty
    sample = make_sample(odds / (1 + odds), sample.positive)
    inside = np.clip(sample.probability, EDGE, 1 - EDGE)
    logit = np.log(inside / (1 - inside))
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(logit[:, None], sample.positive)
    found = measured(sample, {"slope": MEASURES["slope"]})["slope"]
    assert isinstance(found, Figure)
    assert found.value == pytest.approx(float(model.coef_[0, 0]), abs=1e-4)
    assert 0.5 * found.value < found.low < found.value < found.high < 1.5 * found.value


def test_predictive_values_at_the_prevalence_of_the_data_are_those_of_the_data() -> None:
    sample = normal_sample(5)
    here = predictive_values(sample, sample.num_positive / sample.num_cases)
    rare = predictive_values(sample, 0.01).positive
    for found, name in ((here.positive, "ppv"), (here.negative, "npv")):
        assert isinstance(found, Figure)
        assert found.value == pytest.approx(value(sample, name))
        assert found.low < found.value < found.high
    assert isinstance(rare, Figure)
    assert rare.value < value(sample, "ppv")
    with pytest.raises(UsageError, match="between 0 and 1"):
        predictive_values(sample, 1.5)


def test_all_right_of_few_is_no_certainty() -> None:
    sample = make_sample(np.repeat([0.1, 0.9], 10), np.repeat([False, True], 10))
    found = measured(sample)
    for name in ("auc", "ap", "f1", "mcc", "balanced_accuracy"):
        figure = found[name]
        assert isinstance(figure, Figure)
        assert (figure.value, figure.high) == (1.0, 1.0)
        assert figure.low == pytest.approx(wilson(10, 10)[0])
    worth = predictive_values(sample, 0.1).positive
    assert isinstance(worth, Figure)
    assert worth.value == 1.0
    assert worth.low < 0.6


def test_many_slices_of_one_patient_are_no_certainty_either() -> None:
    sample = make_sample(
        np.array([0.9, 0.9, 0.1, 0.2, 0.1]),
        np.array([True, True, True, False, False]),
        np.array(["a", "a", "a", "b", "c"]),
    )
    found = measured(sample)
    assert str(found["auc"]) == "none: all positive cases are of one patient"
    figure = found["sensitivity"]
    assert isinstance(figure, Figure)
    assert figure.value == pytest.approx(2 / 3)
    assert (figure.low, figure.high) == wilson(2 / 3, 1)


def test_the_auc_within_groups_counts_pairs_of_one_group_only() -> None:
    sample = make_sample([0.1, 0.2, 0.7, 0.6], [False, True, False, True])
    once = np.ones((1, 4), np.float32)
    two = np.array(["a", "a", "b", "b"])
    assert ranking.aucs_within(sample, two, once)[0] == 0.5
    assert ranking.aucs_within(sample, np.array(["a"] * 4), once)[0] == value(sample, "auc")
    assert np.isnan(ranking.aucs_within(sample, np.array(["a", "b", "c", "d"]), once)[0])


def test_five_thousand_cases_take_seconds() -> None:
    """The promise is five; twelve leave room for a machine that does other things as well."""
    sample = normal_sample(6, size=1250, each=4)
    start = time.process_time()
    measured(sample, {**MEASURES, **partial_measures(PARTS)})
    assert time.process_time() - start < 12.0


def test_one_kind_only_is_a_sentence_not_a_number() -> None:
    sample = make_sample(np.array([0.2, 0.7]), np.array([True, True]))
    found = measured(sample)
    assert isinstance(found["auc"], Absent)
    assert str(found["auc"]) == "none: all 2 cases are positive"
    assert isinstance(found["sensitivity"], Figure)
    assert isinstance(found["specificity"], Absent)
    with pytest.raises(InputRejected, match="all 2 cases are positive"):
        roc_curve(sample)
    with pytest.raises(InputRejected, match="all 2 cases are negative"):
        ranking.auc(np.array([0.1, 0.2]), np.zeros(2, bool))


def test_separated_scores_have_no_slope_and_say_so() -> None:
    sample = make_sample(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    assert "separate" in str(measured(sample)["slope"])
    alike = make_sample(np.full(4, 0.3), sample.positive)
    assert isinstance(measured(alike)["slope"], Absent)


@pytest.mark.parametrize(
    ("score", "sentence"),
    [(np.nan, "1 of 2 scores are not finite"), (1.5, "probabilities lie in"), (-0.1, "lie in")],
)
def test_what_is_no_probability_is_refused(score: float, sentence: str) -> None:
    with pytest.raises(InputRejected, match=sentence):
        make_sample(np.array([0.5, score]), np.array([True, False]))


def test_no_case_is_refused() -> None:
    with pytest.raises(InputRejected, match="no case"):
        make_sample(np.zeros(0), np.zeros(0, bool))
