"""Laws of the measures: turned labels, monotone maps, repeated patients, correlated images."""

import numpy as np
import pytest
from hypothesis import given, settings
from tests.evaluation.samples import make_sample, normal_sample, samples
from tests.evaluation.test_peers import SETS

from ctsieve.evaluation.intervals import patient_draws, wilson
from ctsieve.evaluation.measures import MEASURES, measured
from ctsieve.evaluation.ranking import aucs
from ctsieve.evaluation.sample import Bools, Floats, Names, Sample
from ctsieve.types.report import Figure

TURNED = {
    "auc": "auc",
    "sensitivity": "specificity",
    "specificity": "sensitivity",
    "ppv": "npv",
    "npv": "ppv",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "mcc": "mcc",
    "brier": "brier",
    "slope": "slope",
}
"""A measure, and the one that it becomes when the other kind is the one to be found."""


def value(sample: Sample, name: str) -> float:
    return float(MEASURES[name].of(sample, np.ones((1, sample.num_cases), np.float32))[0])


@settings(deadline=None)
@given(samples())
def test_the_other_kind_is_found_by_turned_scores(sample: Sample) -> None:
    """No score lies on the cut, where a case is called and its turned one would be, too."""
    turned = make_sample(1.0 - sample.probability, ~sample.positive, sample.patient)
    for name, other in TURNED.items():
        got, want = value(turned, other), value(sample, name)
        assert got == pytest.approx(want, abs=1e-4, nan_ok=True), name
    assert value(turned, "intercept") == pytest.approx(
        -value(sample, "intercept"), abs=1e-4, nan_ok=True
    )


@settings(deadline=None)
@given(samples())
def test_rankings_know_nothing_of_the_scale(sample: Sample) -> None:
    other = make_sample(sample.probability**3 / 2 + 0.25, sample.positive, sample.patient)
    for name in ("auc", "ap", "auc_pr"):
        assert value(other, name) == pytest.approx(value(sample, name), abs=1e-6), name


@settings(deadline=None, max_examples=25)
@given(samples())
def test_every_figure_lies_in_its_interval_and_a_share_between_none_and_all(
    sample: Sample,
) -> None:
    for name, figure in measured(sample, draws=50).items():
        if isinstance(figure, Figure):
            assert figure.low <= figure.value <= figure.high, name
            if MEASURES[name].is_share and name != "mcc":
                assert figure.low >= -1e-6, name
                assert figure.high <= 1 + 1e-6, name


def test_other_patients_of_the_same_kind_narrow_intervals_and_move_no_value() -> None:
    """Four times the patients: half the width."""
    one = normal_sample(0, size=150)
    four = one.of(np.tile(np.arange(150), 4))
    four = make_sample(four.probability, four.positive)
    first, second = measured(one), measured(four)
    for name in ("auc", "ap", "sensitivity", "specificity", "brier", "f1"):
        a, b = first[name], second[name]
        assert isinstance(a, Figure)
        assert isinstance(b, Figure)
        assert b.value == pytest.approx(a.value, abs=1e-5)
        assert b.high - b.low == pytest.approx((a.high - a.low) / 2, rel=0.15), name


def patients_of_four() -> Sample:
    """The peers' clustered cases with their patients: four images each."""
    alone = SETS["clustered"][0]
    patient = (np.arange(alone.num_cases) // 4).astype(str)
    return make_sample(alone.probability, alone.positive, patient)


def test_correlated_images_make_the_interval_wider_than_independent_ones() -> None:
    together, alone = measured(patients_of_four()), measured(SETS["clustered"][0])
    for name in ("auc", "brier", "sensitivity"):
        wide, narrow = together[name], alone[name]
        assert isinstance(wide, Figure)
        assert isinstance(narrow, Figure)
        assert wide.value == narrow.value
        assert wide.high - wide.low > narrow.high - narrow.low, name


def obuchowski(score: Floats, positive: Bools, patient: Names) -> float:
    """Variance of the AUC of clustered cases.

    Source   Obuchowski 1997, Biometrics 53, 567, the case of one reader: DeLong's components are
             summed within patients, who may have cases of both kinds.
    """
    up, down = score[positive][:, None], score[~positive][None, :]
    won = (up > down) + 0.5 * (up == down)
    area = won.mean()
    names = np.unique(patient)
    both = np.zeros((2, names.size))
    for row, (component, kind) in enumerate(
        ((won.mean(axis=1), positive), (won.mean(axis=0), ~positive))
    ):
        own = np.searchsorted(names, patient[kind])
        sums = np.bincount(own, component - area, minlength=names.size)
        both[row] = sums / kind.sum()
    return float((both.sum(axis=0) ** 2).sum() * names.size / (names.size - 1))


def test_the_bootstrap_over_patients_has_obuchowskis_spread() -> None:
    sample = patients_of_four()
    drawn = aucs(sample, patient_draws(sample.patient))
    clustered = obuchowski(sample.probability, sample.positive, sample.patient) ** 0.5
    alone = np.arange(sample.num_cases).astype(str)
    naive = obuchowski(sample.probability, sample.positive, alone) ** 0.5
    assert float(np.nanstd(drawn)) == pytest.approx(clustered, rel=0.12)
    assert clustered > 1.2 * naive


def test_wilson_narrows_with_the_root_of_the_cases() -> None:
    (low, high), (lower, higher) = wilson(40, 100), wilson(4000, 10_000)
    assert (higher - lower) * 10 == pytest.approx(high - low, rel=0.02)
