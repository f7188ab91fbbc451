"""Numbers of R's pROC and of Python packages for the same committed cases.

`peers/make_r.R` and `peers/make_python.py` made the references, whose field `made_with` names the
versions; `peers/cases.csv` holds four made sets: many ties, plain, rare positives, several images a
patient (which the peers take for independent cases, as DeLong's formula does).
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.evaluation.samples import make_sample

from ctsieve.evaluation.conformal import fit_conformal
from ctsieve.evaluation.decision_curve import THRESHOLDS, decision_curve
from ctsieve.evaluation.intervals import wilson
from ctsieve.evaluation.measures import MEASURES, measured
from ctsieve.evaluation.paired import auc_covariance, delong, holm, mcnemar
from ctsieve.evaluation.partial_auc import Part, corrected_areas
from ctsieve.evaluation.reliability import logit
from ctsieve.evaluation.sample import Sample
from ctsieve.evaluation.tune import TuneSample
from ctsieve.types.report import Figure

PEERS = Path(__file__).parent / "peers"
R: dict[str, Any] = json.loads((PEERS / "r.json").read_text(encoding="utf-8"))
PYTHON: dict[str, Any] = json.loads((PEERS / "python.json").read_text(encoding="utf-8"))
Z = 1.959963984540054


def read() -> dict[str, tuple[Sample, Sample]]:
    """Both scorers of every set, every case taken for independent."""
    with (PEERS / "cases.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for name in dict.fromkeys(row["set"] for row in rows):
        own = [row for row in rows if row["set"] == name]
        positive = np.array([row["positive"] == "1" for row in own])
        first, second = (np.array([float(row[k]) for row in own]) for k in ("first", "second"))
        found[name] = (make_sample(first, positive), make_sample(second, positive))
    return found


SETS = read()


SCORERS = [
    pytest.param(sample, name, which, id=f"{name}-{which}")
    for name, samples in SETS.items()
    for which, sample in zip(("first", "second"), samples, strict=True)
]


def value(sample: Sample, name: str) -> float:
    return float(MEASURES[name].of(sample, np.ones((1, sample.num_cases), np.float32))[0])


def test_the_references_say_what_made_them_and_are_of_the_same_cases() -> None:
    assert R["made_with"] == "R 4.2.2, pROC 1.18.0"
    assert "pauc 0.2.2" in PYTHON["made_with"]
    assert list(R["sets"]) == list(PYTHON["sets"]) == list(SETS)


@pytest.mark.parametrize(("sample", "name", "which"), SCORERS)
def test_auc_and_its_spread_are_those_of_proc_and_pauc(
    sample: Sample, name: str, which: str
) -> None:
    r, other = R["sets"][name][which], PYTHON["sets"][name][which]
    area, covariance = auc_covariance(sample.probability[None], sample.positive)
    half = Z * float(np.sqrt(covariance[0, 0]))
    assert float(area[0]) == pytest.approx(r["auc"], abs=1e-10)
    assert value(sample, "auc") == pytest.approx(other["auc"], abs=1e-10)
    assert float(covariance[0, 0]) == pytest.approx(r["variance"], rel=1e-9)
    for peer in (r, other):
        assert float(area[0]) - half == pytest.approx(peer["low"], abs=1e-8)
        # pROC and pauc cut what lies above 1 or leave it.
        assert min(1.0, float(area[0]) + half) == pytest.approx(min(1.0, peer["high"]), abs=1e-8)


@pytest.mark.parametrize(("sample", "name", "which"), SCORERS)
def test_parts_of_the_curve_are_those_of_proc(sample: Sample, name: str, which: str) -> None:
    for text, r in R["sets"][name][which]["partial"].items():
        part = Part.parse(text)
        once = np.ones((1, sample.num_cases), np.float32)
        got = float(corrected_areas(sample, once, part)[0])
        assert got == pytest.approx(r["corrected"], abs=1e-10), text
        assert part.area(got) == pytest.approx(r["area"], abs=1e-10), text


@pytest.mark.parametrize(("sample", "name", "which"), SCORERS)
def test_the_bootstrap_of_independent_cases_is_near_procs_interval(
    sample: Sample, name: str, which: str
) -> None:
    """DeLong's interval is symmetric and a percentile one is not: a quarter of the width apart."""
    r = R["sets"][name][which]
    figure = measured(sample, {"auc": MEASURES["auc"]})["auc"]
    assert isinstance(figure, Figure)
    width = min(1.0, r["high"]) - r["low"]
    assert figure.low == pytest.approx(r["low"], abs=width / 4)
    assert figure.high == pytest.approx(min(1.0, r["high"]), abs=width / 4)
    assert figure.high - figure.low == pytest.approx(width, rel=0.15)


@pytest.mark.parametrize(("sample", "name", "which"), SCORERS)
def test_calls_and_calibration_are_those_of_r(sample: Sample, name: str, which: str) -> None:
    r = R["sets"][name][which]
    for measure in ("sensitivity", "specificity", "brier", "mcc"):
        assert value(sample, measure) == pytest.approx(r[measure], abs=1e-6), measure
    for measure in ("slope", "intercept"):
        assert value(sample, measure) == pytest.approx(r[measure], abs=1e-5), measure
    kinds = (("sensitivity", sample.positive, True), ("specificity", ~sample.positive, False))
    for measure, of, wanted in kinds:
        low, high = wilson(int((sample.called[of] == wanted).sum()), int(of.sum()))
        assert low == pytest.approx(r[f"{measure}_low"], abs=1e-9)
        assert high == pytest.approx(r[f"{measure}_high"], abs=1e-9)


@pytest.mark.parametrize(("sample", "name", "which"), SCORERS)
def test_net_benefit_and_ece_are_those_of_dcurves_and_netcal(
    sample: Sample, name: str, which: str
) -> None:
    other = PYTHON["sets"][name][which]
    curve = decision_curve(sample)
    at = [int(np.argmin(np.abs(THRESHOLDS - t))) for t in PYTHON["thresholds"]]
    assert curve.model[at] == pytest.approx(np.array(other["net_benefit"]), abs=1e-6)
    assert curve.everybody[at] == pytest.approx(np.array(other["net_benefit_all"]), abs=1e-6)
    assert value(sample, "ece") == pytest.approx(other["ece"], abs=1e-6)


@pytest.mark.parametrize("name", SETS)
def test_two_scorers_differ_as_proc_pauc_mlstatkit_and_statsmodels_say(name: str) -> None:
    first, second = SETS[name]
    r, other = R["sets"][name]["pair"], PYTHON["sets"][name]["pair"]
    found, calls = delong(first, second), mcnemar(first, second)
    _, covariance = auc_covariance(
        np.stack([first.probability, second.probability]), first.positive
    )
    assert float(covariance[0, 1]) == pytest.approx(r["covariance"], rel=1e-9)
    for p in (r["p"], other["p"], other["pauc_p"]):
        assert found.p == pytest.approx(p, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((r["low"], r["high"]), abs=1e-9)
    assert (calls.only_first, calls.only_second) == (r["only_first"], r["only_second"])
    assert calls.p == pytest.approx(r["mcnemar"], abs=1e-9)
    assert calls.p == pytest.approx(other["mcnemar"], abs=1e-9)


def test_holm_is_that_of_r_and_statsmodels() -> None:
    p = [delong(first, second).p for first, second in SETS.values()]
    assert holm(p) == pytest.approx(tuple(R["holm"].values()), abs=1e-9)
    assert holm(p) == pytest.approx(tuple(PYTHON["holm"].values()), abs=1e-9)


@pytest.mark.parametrize("name", [name for name in SETS if name != "ties"])
def test_conformal_sets_are_those_of_mapie(name: str) -> None:
    """Label by label, as ours are; at exactly the quantile MAPIE and we may round apart."""
    sample, wanted = SETS[name][0], PYTHON["sets"][name]["conformal"]
    tune = TuneSample(
        logit=logit(sample.probability),
        positive=sample.positive,
        patient=sample.patient,
        data="made",
        digest="0" * 64,
    )
    sets = fit_conformal(tune, sample.probability, error=0.1)
    got = sets(np.linspace(0.005, 0.995, 100))
    assert got[:, 0].tolist() == wanted["negative"]
    assert got[:, 1].tolist() == wanted["positive"]
