"""From score tables to cohorts: levels, labels, subgroups, probes, comparisons, decision curves."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import average_precision_score, classification_report, roc_auc_score
from tests.evaluation.samples import make_sample, normal_sample, samples, table_of

from ctsieve.evaluation.abstention import abstention_curve, error_at
from ctsieve.evaluation.cohort import check_labels, class_sample_of, levels_of, sample_of
from ctsieve.evaluation.compare import compare
from ctsieve.evaluation.decision_curve import THRESHOLDS, decision_curve
from ctsieve.evaluation.intervals import wilson
from ctsieve.evaluation.label_tables import negatives_table, one_against_rest_table
from ctsieve.evaluation.multiclass import ClassSample, multiclass_figures
from ctsieve.evaluation.sample import Sample
from ctsieve.evaluation.shortcuts import probes
from ctsieve.evaluation.subgroups import subgroups
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.report import Absent, Figure
from ctsieve.types.scores import CaseScore, ScoreTable


def test_patient_level_has_one_unit_a_patient_with_the_mean_of_its_cases() -> None:
    table = table_of(normal_sample(0, size=30, each=4))
    assert levels_of(table) == ("slice", "patient")
    sample = sample_of(table, "covid19", "patient")
    assert (sample.num_cases, sample.num_patients, sample.is_independent) == (30, 30, True)
    first = [r.scores["covid19"] for r in table.rows if r.patient == sample.patient[0]]
    assert sample.probability[0] == pytest.approx(np.mean(first))


def test_a_scan_speaks_for_its_patient_where_there_is_one() -> None:
    slices = table_of(normal_sample(0, size=5, each=2))
    scan = replace(slices.rows[0], case="scan", level="scan", scores={"covid19": 0.125}, facts={})
    table = slices.of((*slices.rows, scan))
    sample = sample_of(table, "covid19", "patient")
    assert sample.probability[list(sample.patient).index(scan.patient)] == 0.125
    assert levels_of(table) == ("slice", "scan", "patient")


def test_a_patient_with_two_labels_is_two_units_and_one_draw() -> None:
    table = table_of(make_sample([0.2, 0.8, 0.7], [False, True, True], np.array(["a", "a", "b"])))
    sample = sample_of(table, "covid19", "patient")
    assert (sample.num_cases, sample.num_patients) == (3, 2)


def test_the_same_case_twice_is_a_sentence() -> None:
    table = table_of(normal_sample(0, size=4))
    with pytest.raises(InputRejected, match="cases stand in the scores twice: 1, the first is"):
        table.of((*table.rows, table.rows[0]))


def test_labels_that_nobody_knows_are_a_sentence() -> None:
    table = table_of(normal_sample(0, size=4))
    with pytest.raises(InputRejected, match="does not know 'lung_cancer'"):
        check_labels(table, "lung_cancer")
    odd = table.of((replace(table.rows[0], label="COVID"), *table.rows[1:]))
    with pytest.raises(InputRejected, match="has the label 'COVID'"):
        check_labels(odd, "covid19")
    check_labels(odd, "covid19", negative=["COVID"])


def test_no_judged_case_is_a_sentence() -> None:
    table = table_of(normal_sample(0, size=4))
    rejected = table.of(tuple(replace(row, scores={}) for row in table.rows))
    with pytest.raises(InputRejected, match="none of 4 cases could be judged"):
        sample_of(rejected, "covid19", "patient")


def three_classes(seed: int) -> ScoreTable:
    random = np.random.default_rng(seed)
    labels = ("neither", "other_pneumonia", "covid19")
    base = table_of(normal_sample(seed, size=90))
    rows: list[CaseScore] = []
    for i, row in enumerate(base.rows):
        share = random.dirichlet(np.ones(3) + 3 * (np.arange(3) == i % 3))
        scores = dict(zip(labels, share.tolist(), strict=True))
        rows.append(
            replace(row, label=labels[i % 3], scores=scores, thresholds=dict.fromkeys(labels, 0.5))
        )
    return ScoreTable(bundle=base.bundle, labels=labels, multi_label=False, rows=tuple(rows))


def test_several_labels_agree_with_scikit_learn() -> None:
    sample = class_sample_of(three_classes(0), "patient")
    found = multiclass_figures(sample)
    known = classification_report(sample.true, sample.called, output_dict=True)
    for name, want in (
        ("macro_f1", known["macro avg"]["f1-score"]),
        ("weighted_f1", known["weighted avg"]["f1-score"]),
        ("accuracy", known["accuracy"]),
        ("recall:covid19", known["2"]["recall"]),
        ("precision:other_pneumonia", known["1"]["precision"]),
    ):
        figure = found[name]
        assert isinstance(figure, Figure)
        assert figure.value == pytest.approx(want)
        assert figure.low < figure.value < figure.high
    assert sample.matrix().sum() == 90


def test_one_shots_shares_are_used_where_its_classes_are() -> None:
    """F1 by .45/.35/.20 of the Single Shot model's published matrix is 0.9676."""
    matrix = np.array([[9322, 123, 5], [174, 7139, 82], [27, 277, 4042]])
    true, called = (np.repeat(grid.ravel(), matrix.ravel()) for grid in np.indices((3, 3)))
    sample = ClassSample(
        labels=("neither", "other_pneumonia", "covid19"),
        true=true.astype(np.intp),
        called=called.astype(np.intp),
        patient=(np.arange(true.size) % 150).astype(str),
    )
    assert (sample.matrix() == matrix).all()
    figure = multiclass_figures(sample)["paper_shares_f1"]
    assert isinstance(figure, Figure)
    assert figure.value == pytest.approx(0.9676, abs=5e-5)


def test_shares_of_several_labels_are_no_certainty_where_all_are_right() -> None:
    """Wilson's of 30 of 30; of ten patients with three images each, that of ten of ten."""
    true = np.arange(90, dtype=np.intp) % 3
    own = (np.arange(90) // 3).astype(str)
    labels = ("neither", "other_pneumonia", "covid19")
    alone = ClassSample(labels=labels, true=true, called=true, patient=np.arange(90).astype(str))
    three = ClassSample(labels=labels, true=np.sort(true), called=np.sort(true), patient=own)
    one, other = multiclass_figures(alone), multiclass_figures(three)
    for name in ("recall:covid19", "precision:covid19", "f1:covid19"):
        first, second = one[name], other[name]
        assert isinstance(first, Figure)
        assert isinstance(second, Figure)
        assert (first.low, first.num_cases) == (wilson(30, 30)[0], 30)
        assert (second.low, second.num_patients) == (wilson(10, 10)[0], 10)


def test_a_class_that_nobody_has_is_absent_and_a_foreign_one_refused() -> None:
    table = three_classes(1)
    some = table.of(tuple(row for row in table.rows if row.label != "neither"))
    assert isinstance(multiclass_figures(class_sample_of(some, "slice"))["recall:neither"], Absent)
    odd = table.of((replace(table.rows[0], label="non_covid19"), *table.rows[1:]))
    with pytest.raises(InputRejected, match="'non_covid19', which is none of"):
        class_sample_of(odd, "slice")


def test_each_other_label_has_its_own_auc_and_specificity() -> None:
    """Other pneumonia is made harder than healthy lungs; scikit-learn's AUC of either pair."""
    table = three_classes(2)
    table = table.of(
        tuple(
            replace(r, scores={**r.scores, "covid19": r.scores["covid19"] / 2 + 0.5})
            if r.label == "other_pneumonia"
            else r
            for r in table.rows
        )
    )
    found = {row[0]: row for row in negatives_table(table, "covid19", "patient").rows}
    assert list(found) == ["neither", "other pneumonia"]
    for name, row in found.items():
        kinds = ("covid19", name.replace(" ", "_"))
        own = [r for r in table.rows if r.label in kinds]
        truth = [r.label == "covid19" for r in own]
        area = roc_auc_score(truth, [r.scores["covid19"] for r in own])
        spared = [r.scores["covid19"] < 0.5 for r in own if r.label != "covid19"]
        assert row[1:3] == ("30", "30")
        assert row[3].startswith(f"{area:.3f} (")
        assert row[4].startswith(f"{np.mean(spared):.3f} (")
    two = table.of(tuple(r for r in table.rows if r.label != "neither"))
    assert negatives_table(two, "covid19", "patient").rows == ()


def test_each_label_against_the_rest_agrees_with_scikit_learn() -> None:
    table = three_classes(3)
    rows = {row[0]: row for row in one_against_rest_table(table, "covid19", "patient").rows}
    for label in table.labels:
        truth = [r.label == label for r in table.rows]
        score = [r.scores[label] for r in table.rows]
        row = rows[label.replace("_", " ")]
        assert row[1] == "30 of 90"
        assert row[2].startswith(f"{roc_auc_score(truth, score):.3f} (")
        assert row[3].startswith(f"{average_precision_score(truth, score):.3f} (")
    assert (
        one_against_rest_table(table_of(normal_sample(0, size=9)), "covid19", "patient").rows == ()
    )


def test_subgroups_divide_the_cases_and_say_what_they_lack() -> None:
    table = table_of(normal_sample(0, size=90))
    rows = tuple(
        replace(row, facts={**row.facts, "sex": "female" if row.label == "covid19" else "male"})
        for row in table.rows
    )
    found = subgroups(table.of(rows), "covid19", "slice")
    for attribute in ("site", "kernel", "sex"):
        assert sum(g.num_cases for g in found if g.attribute == attribute) == 90
    women = next(g for g in found if g.value == "female")
    assert "are positive" in str(women.figures["auc"])
    assert isinstance(women.figures["sensitivity"], Figure)


def test_a_score_that_knows_the_source_only_is_found_out() -> None:
    """Nine tenths of one site are positive, one tenth of the other; the score is the site."""
    random = np.random.default_rng(0)
    here = np.arange(300) % 2 == 1
    positive = random.random(300) < np.where(here, 0.9, 0.1)
    score = np.where(here, 0.9, 0.1) + 0.05 * random.random(300)
    found = {
        p.attribute: p for p in probes(table_of(make_sample(score, positive)), "covid19", "slice")
    }
    site, kernel = found["site"], found["kernel"]
    assert site.is_suspect
    assert isinstance(site.within, Figure)
    assert site.within.low < 0.5 < site.within.high
    assert not kernel.is_suspect
    assert isinstance(kernel.alone, Figure)
    assert kernel.alone.low < 0.5 < kernel.alone.high
    assert next(iter(found)) == "site"


def test_a_comparison_ranks_only_on_the_same_cases() -> None:
    good = normal_sample(0, size=300)
    noise = np.random.default_rng(1).normal(size=300)
    poor = make_sample(np.clip(good.probability + noise, 0, 1), good.positive)
    tables = [table_of(poor, name="poor"), table_of(good, name="good")]
    found = compare(tables, positive="covid19")
    assert [c.name for c in found.contenders] == ["good 1", "poor 1"]
    assert found.pairs[0].is_more_than_chance
    assert found.pairs[0].sentence().startswith("good 1 ranks better than poor 1")
    fewer = tables[1].of(tables[1].rows[1:])
    with pytest.raises(InputRejected, match="not given the same cases: 1 rows differ"):
        compare([tables[0], fewer], positive="covid19")
    with pytest.raises(UsageError, match="two different bundles"):
        compare([tables[0], tables[0]], positive="covid19")


def test_equal_bundles_are_not_told_apart_and_unjudged_cases_are_left_out_for_both() -> None:
    one = table_of(normal_sample(0, size=100), name="one")
    other = table_of(normal_sample(0, size=100), name="other")
    gone = other.of((replace(other.rows[0], scores={}), *other.rows[1:]))
    found = compare([one, gone], positive="covid19")
    assert (found.num_cases, found.num_left_out) == (99, 1)
    assert not found.pairs[0].is_more_than_chance
    assert found.pairs[0].sentence().startswith("no difference shown")


def test_net_benefit_of_everybody_and_of_a_perfect_score() -> None:
    positive = np.arange(40) < 10
    perfect = decision_curve(make_sample(positive * 1.0, positive))
    assert perfect.model == pytest.approx(np.full(99, 0.25))
    half = int(np.argmin(abs(THRESHOLDS - 0.25)))
    assert perfect.everybody[half] == pytest.approx(0.0)
    useful = perfect.useful
    assert useful is not None
    assert useful[0] < 0.05
    assert useful[1] > 0.9
    useless = decision_curve(make_sample(np.full(40, 0.25), positive))
    assert useless.useful is None


@settings(deadline=None)
@given(samples())
def test_all_cases_called_have_the_error_of_all_cases(sample: Sample) -> None:
    curve = abstention_curve(sample)
    assert curve.coverage[-1] == 1.0
    assert curve.error[-1] == pytest.approx((sample.called != sample.positive).mean())
    assert 0.0 <= curve.area <= 1.0


def test_wrong_calls_at_a_coverage_are_those_of_the_curve_and_have_their_n() -> None:
    sample = normal_sample(0, size=300, apart=1.0)
    curve = abstention_curve(sample)
    for coverage in (1.0, 0.8, 0.5):
        found = error_at(sample, coverage)
        at = int(np.searchsorted(curve.coverage, coverage - 1e-9))
        assert found.value == pytest.approx(float(curve.error[at]))
        assert (found.low, found.high) == wilson(found.value * found.num_cases, found.num_cases)
        assert found.num_cases == round(300 * coverage)
    with pytest.raises(UsageError, match="between 0 and 1"):
        error_at(sample, 0.0)


def test_abstaining_from_the_uncertain_helps_where_certainty_means_something() -> None:
    curve = abstention_curve(normal_sample(0, size=1000))
    assert curve.error[200] < curve.error[-1] / 2
