"""What is fitted on tune data: only there, and it finds what made the data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from tests.evaluation.samples import make_sample, normal_sample, table_of

from ctsieve.evaluation.conformal import cross_conformal, fit_conformal
from ctsieve.evaluation.operating_point import choose
from ctsieve.evaluation.recalibration import (
    METHODS,
    STEEPEST,
    cross_fitted,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    log_loss,
)
from ctsieve.evaluation.tune import TuneSample
from ctsieve.types.errors import InputRejected, UsageError


def tune(seed: int = 0, *, size: int = 400, slope: float = 1.0, shift: float = 0.0) -> TuneSample:
    """Half positive; the log odds are slope * logit + shift."""
    random = np.random.default_rng(seed)
    logit = random.normal(-shift / slope, 2.0, size)
    positive = random.random(size) < 1 / (1 + np.exp(-(slope * logit + shift)))
    return TuneSample(
        logit=logit,
        positive=positive,
        patient=np.arange(size).astype(str),
        data="made",
        digest="0" * 64,
    )


@pytest.mark.parametrize("side", ["test", "external", "train", ""])
def test_nothing_is_fitted_on_anything_but_tune_data(side: str) -> None:
    table = table_of(normal_sample(0), side=side)
    with pytest.raises(InputRejected, match="not from the tune side"):
        TuneSample.from_scores(table, "covid19", "slice")


def test_one_row_of_test_data_is_enough_to_refuse() -> None:
    sample = normal_sample(0)
    table = table_of(sample, side="tune")
    foreign = table_of(sample, side="test").rows[0]
    with pytest.raises(InputRejected, match="1 of 200 cases"):
        TuneSample.from_scores(table.of((foreign, *table.rows[1:])), "covid19", "slice")


def test_tune_scores_carry_where_they_are_from() -> None:
    table = table_of(normal_sample(0), side="tune")
    fitted = TuneSample.from_scores(table, "covid19", "slice").fitted("because")
    assert (fitted.data, fitted.digest) == ("here+there", table.cases_digest)
    assert (fitted.side, fitted.num_cases, fitted.criterion) == ("tune", 200, "because")


def test_platt_and_temperature_find_what_made_the_data() -> None:
    platt = fit_platt(tune(size=20_000, slope=0.7, shift=-0.4))
    assert platt.slope == pytest.approx(0.7, abs=0.05)
    cool = fit_temperature(tune(size=20_000, slope=2.0))
    assert cool.slope == pytest.approx(2.0, abs=0.1)
    assert cool.intercept == 0.0


def test_separated_scores_give_no_certainty() -> None:
    data = tune(size=40)
    sharp = TuneSample(
        logit=np.where(data.positive, 1.0, -1.0) + 0.01 * data.logit,
        positive=data.positive,
        patient=data.patient,
        data="made",
        digest="0" * 64,
    )
    assert fit_platt(sharp).slope <= STEEPEST
    assert 0.0 < fit_isotonic(sharp)(np.array([-9.0]))[0] < 0.1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from(sorted(METHODS)))
def test_calibration_never_turns_an_order_round_and_stays_a_probability(
    seed: int, name: str
) -> None:
    data = tune(seed, size=60)
    if 0 < data.positive.sum() < 60:
        probability = METHODS[name](data)(np.linspace(-9, 9, 50))
        assert (np.diff(probability) >= -1e-12).all()
        assert (probability >= 0).all()
        assert (probability <= 1).all()


def test_isotonic_agrees_with_scikit_learn_where_it_was_fitted() -> None:
    data = tune(size=300)
    found = fit_isotonic(data)
    ups, downs = int(data.positive.sum()), int((~data.positive).sum())
    target = np.where(data.positive, (ups + 1) / (ups + 2), 1 / (downs + 2))
    known = IsotonicRegression().fit(data.logit, target, sample_weight=data.weights())
    want = known.predict(data.logit)
    # Ours joins the middles of the steps: it agrees there, and lies between its steps elsewhere.
    assert found(found.logit) == pytest.approx(np.unique(want), abs=1e-9)


def test_cross_fitting_is_honest_where_fitting_flatters() -> None:
    seen = unseen = 0.0
    for seed in range(20):
        data = tune(seed, size=60, slope=0.4)
        seen += log_loss(fit_isotonic(data)(data.logit), data)
        unseen += log_loss(cross_fitted(data, fit_isotonic), data)
    assert unseen > seen + 0.5


def test_patients_count_alike_however_many_cases_they_have() -> None:
    one = tune(size=50)
    many = one.of(np.repeat(np.arange(50), np.arange(1, 51)))
    first, second = fit_temperature(one), fit_temperature(many)
    assert second.slope == pytest.approx(first.slope, rel=0.05)


def test_cuts_do_what_their_criterion_says() -> None:
    data = tune(size=500)
    probability = fit_platt(data)(data.logit)
    careful = choose(data, probability, "sensitivity>=0.95")
    assert careful.sensitivity >= 0.95
    strict = choose(data, probability, "specificity>=0.95")
    assert strict.specificity >= 0.95
    assert strict.threshold > careful.threshold
    best = choose(data, probability, "youden")
    assert best.sensitivity + best.specificity >= careful.sensitivity + careful.specificity
    sample = data.sample(probability, threshold=best.threshold)
    assert sample.called[sample.positive].mean() == pytest.approx(best.sensitivity)
    assert "at least 0.95" in careful.fitted.criterion


@pytest.mark.parametrize("criterion", ["best", "sensitivity>=2", "sensitivity", "recall>=0.9"])
def test_what_is_no_criterion_is_refused(criterion: str) -> None:
    data = tune()
    with pytest.raises(UsageError, match="is no criterion"):
        choose(data, data.logit, criterion)


def test_conformal_sets_miss_as_seldom_as_they_promise() -> None:
    """At 10 %: over 60 draws of 99 patients the mean miss of either label is at most about that."""
    missed = {True: 0.0, False: 0.0}
    for seed in range(60):
        data, new = tune(seed, size=100), tune(seed + 1000, size=500)
        sets = fit_conformal(data, fit_platt(data)(data.logit), error=0.1)
        held = sets(fit_platt(data)(new.logit))
        missed[True] += float((~held[new.positive, 1]).mean()) / 60
        missed[False] += float((~held[~new.positive, 0]).mean()) / 60
    assert 0.05 < missed[True] < 0.115
    assert 0.05 < missed[False] < 0.115


def uneven(seed: int, *, patients: int) -> TuneSample:
    """From one to eight cases a patient, who are as unlike each other as patients are."""
    random = np.random.default_rng(seed)
    times = random.integers(1, 9, patients)
    ill = np.arange(patients) % 2 == 0
    own = np.repeat(np.arange(patients), times)
    middle = random.normal(np.where(ill, 1.5, -1.5), 1.5)
    return TuneSample(
        logit=middle[own] + random.normal(0, 1.5, own.size),
        positive=ill[own],
        patient=own.astype(str),
        data="made",
        digest="0" * 64,
    )


def test_conformal_sets_keep_their_promise_for_patients_with_several_cases() -> None:
    """The promise is about any case of a new patient, not about a middling one."""
    missed = {True: 0.0, False: 0.0}
    for seed in range(40):
        data, new = uneven(seed, patients=120), uneven(seed + 1000, patients=400)
        held = fit_conformal(data, chance(data), error=0.1)(chance(new))
        weight = new.weights()
        for kind, column in ((True, 1), (False, 0)):
            own = new.positive == kind
            missed[kind] += float((weight[own] * ~held[own, column]).sum() / weight[own].sum()) / 40
    assert 0.07 < missed[True] < 0.115
    assert 0.07 < missed[False] < 0.115


def test_cross_fitted_sets_show_what_a_new_patient_may_expect() -> None:
    data = uneven(3, patients=800)
    held = cross_conformal(data, chance(data), error=0.2)
    weight = data.weights()
    for kind, column in ((data.positive, 1), (~data.positive, 0)):
        share = float((weight[kind] * held[kind, column]).sum() / weight[kind].sum())
        assert share == pytest.approx(0.8, abs=0.05)
    few = uneven(0, patients=40)
    with pytest.raises(InputRejected, match=r"are too few for an error rate of 0\.05"):
        cross_conformal(few, chance(few), error=0.05)


def chance(data: TuneSample) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-data.logit)))


def test_conformal_sets_of_too_few_patients_are_a_sentence() -> None:
    data = tune(size=12)
    with pytest.raises(InputRejected, match="patients are too few for an error rate"):
        fit_conformal(data, 1 / (1 + np.exp(-data.logit)), error=0.01)


def test_a_sample_of_tune_cases_is_measured_like_any_other() -> None:
    data = tune(size=30)
    sample = data.sample(fit_platt(data)(data.logit))
    assert sample.num_cases == make_sample(sample.probability, data.positive).num_cases
