"""The papers' tables: published confusion matrices give published numbers, foreign data a note."""

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluation.samples import normal_sample, table_of

from ctsieve.evaluation.class_f1 import class_scores
from ctsieve.evaluation.per_image_ap import MaskSet, per_image_ap
from ctsieve.evaluation.protocols import PROTOCOLS, att2, la_dnn, lstm_att2, one_shot, series
from ctsieve.evaluation.protocols._precision_recall import class_rows
from ctsieve.types.errors import InputRejected
from ctsieve.types.results import BundleIdentity
from ctsieve.types.scores import CaseScore, ScoredLevel, ScoreTable

LABELS = ("neither", "other_pneumonia", "covid19")
SINGLE_SHOT = np.array([[9322, 123, 5], [174, 7139, 82], [27, 277, 4042]])
LSTM_ATT2 = np.array([[171, 0, 3], [0, 98, 2], [0, 0, 134]])
COVIDNET_CT2 = np.array([[12128, 5, 112], [45, 7262, 88], [23, 208, 5787]])


def table_of_matrix(
    matrix: np.ndarray, *, level: ScoredLevel = "slice", site: str = "cncb"
) -> ScoreTable:
    """Scores whose likeliest labels give the matrix, one case a patient."""
    rows: list[CaseScore] = []
    for true, called in np.ndindex(3, 3):
        for _ in range(int(matrix[true, called])):
            scores = {label: 0.8 if k == called else 0.1 for k, label in enumerate(LABELS)}
            rows.append(
                CaseScore(
                    case=f"{len(rows):06d}",
                    patient=f"p{len(rows)}",
                    site=site,
                    label=LABELS[true],
                    level=level,
                    scores=scores,
                    thresholds=dict.fromkeys(LABELS, 0.5),
                )
            )
    bundle = BundleIdentity(name="published", version="1", digest="")
    return ScoreTable(bundle=bundle, labels=LABELS, multi_label=False, rows=tuple(rows))


def test_every_protocol_of_the_command_line_has_a_card() -> None:
    assert PROTOCOLS.names() == ("att2", "la-dnn", "lstm-att2", "one-shot", "series")
    assert all(PROTOCOLS[name].title for name in PROTOCOLS)


def test_lstm_att2s_matrix_gives_its_table() -> None:
    (table,) = lstm_att2.tables(table_of_matrix(LSTM_ATT2, level="scan"))
    published = [row[1:] for row in table.rows if row[0] == "published"]
    here = [row[1:] for row in table.rows if row[0] == "published 1 (here)"]
    assert here == published
    intervals = [row for row in table.rows if row[0] == "95 % interval"]
    assert len(intervals) == 4
    for value, (low, high) in (
        (float(cell), [float(end) for end in ends.split(" to ")])
        for row, spread in zip(here, intervals, strict=True)
        for cell, ends in zip(row[1:], spread[2:], strict=True)
    ):
        assert low <= value <= high
    assert "here as many" in table.note


def test_the_single_shot_models_matrix_gives_its_sensitivities_and_f1() -> None:
    """F1 96.76 %; COVID-19 93.01 % by its own matrix, though its README says 93.16 %."""
    row = one_shot.classification_row("SSM", SINGLE_SHOT)
    assert row == ("SSM", "93.01%", "96.54%", "98.65%", "96.76%")


PUBLISHED_MATRICES = {
    "Mask-Net, merged": ([[9236, 188, 26], [116, 7150, 129], [20, 298, 4028]], "96.35%", 0.9633),
    "Mask-Net, both": ([[9158, 278, 14], [204, 7030, 161], [15, 251, 4080]], "95.66%", 0.9564),
    "single shot": (SINGLE_SHOT.tolist(), "96.76%", 0.9675),
}
"""Confusion matrix, F1 by the fixed shares and accuracy that its authors print."""


@pytest.mark.parametrize("name", PUBLISHED_MATRICES)
def test_published_matrices_give_the_published_f1_and_accuracy(name: str) -> None:
    counts, f1, accuracy = PUBLISHED_MATRICES[name]
    matrix = np.array(counts)
    assert one_shot.classification_row(name, matrix)[-1] == f1
    assert np.trace(matrix) / matrix.sum() == pytest.approx(accuracy, abs=5e-5)
    off = matrix + np.array([[0, 9, 0], [0, 0, 9], [9, 0, 0]])
    assert one_shot.classification_row(name, off)[-1] != f1


@pytest.mark.parametrize(
    ("counts", "accuracy", "recalls"),
    [
        ([[12128, 5, 112], [45, 7262, 88], [23, 208, 5787]], 0.9813, [0.9904, 0.9820, 0.9616]),
        ([[9450, 0, 0], [58, 7324, 13], [1, 116, 4229]], 0.9911, [1.0, 0.9904, 0.9731]),
    ],
    ids=["COVIDNet-CT-2 L", "COVIDNet-CT-1 L"],
)
def test_covidnet_cts_matrices_give_its_accuracies(
    counts: list[list[int]], accuracy: float, recalls: list[float]
) -> None:
    """COVID-19 sensitivities of 96.2 % and 97.3 %, accuracies of 98.1 % and 99.1 %."""
    scores = class_scores(counts)
    assert scores.sensitivity == pytest.approx(recalls, abs=5e-5)
    assert np.trace(np.array(counts)) / np.sum(counts) == pytest.approx(accuracy, abs=5e-5)


def test_the_papers_own_rows_do_not_contradict_themselves_but_where_it_is_said() -> None:
    """F1 is the harmonic mean of precision and recall to the digits printed; ATT2's normal is not.

    LSTM-ATT2's matrix gives all of its table; of ATT2 no matrix is published.
    """
    odd = []
    for name, precision, recall, f1 in (*att2.PUBLISHED[:3], *lstm_att2.PUBLISHED[:3]):
        p, r = float(precision), float(recall)
        if abs(2 * p * r / (p + r) - float(f1)) > 1.1e-3:
            odd.append((name, f1))
    assert odd == [("Normal", "0.986")]


def test_one_shots_tables_come_from_scores() -> None:
    small = SINGLE_SHOT // 40
    first, second = one_shot.tables(table_of_matrix(small))
    assert first.rows == one_shot.SEGMENTATION
    assert second.rows[-2] == one_shot.classification_row("published 1 (here)", small)
    assert second.rows[-1][0] == "95 % interval"
    assert "not the same data" in second.note


def test_cases_outside_of_every_split_go_to_table_three() -> None:
    table = table_of_matrix(SINGLE_SHOT // 40)
    outside = table.of(tuple(replace(row, side="external") for row in table.rows))
    _, third = one_shot.tables(outside)
    assert third.title.startswith("One Shot, table 3")
    assert third.rows[0][1:] == ("-",) * 4
    assert third.rows[1] == one_shot.classification_row("published 1 (here)", SINGLE_SHOT // 40)


def test_ictcf_has_two_classes_and_its_published_f1() -> None:
    """Recalls .9868 of 9275 and .9773 of 3701 with true shares: 98.41 %."""
    matrix = np.array([[9153, 0, 122], [0, 0, 0], [84, 0, 3617]])
    assert one_shot.ictcf_row("x", matrix) == ("x", "97.73%", "98.68%", "98.41%")
    tables = one_shot.tables(table_of_matrix(matrix // 50, site="ictcf"))
    assert [t.title[:17] for t in tables] == ["One Shot, table 1", "One Shot, table 4"]


def test_masks_join_table_one_by_the_authors_ap() -> None:
    mask = np.zeros((1, 8, 8), bool)
    mask[0, 2:6, 2:6] = True
    truth = MaskSet(masks=mask, labels=np.array([1]))
    found = MaskSet(masks=mask, labels=np.array([1]), scores=np.ones(1, np.float32))
    table = one_shot.segmentation_table({"perfect": per_image_ap([(found, truth)])})
    assert table.rows[-1] == ("perfect", "1.000", "1.000", "1.000")


def test_att2s_rows_are_those_of_covidnet_ct2s_matrix() -> None:
    """Sensitivity .990 .982 .962 and PPV .994 .972 .967 are that matrix's published values."""
    rows = class_rows(COVIDNET_CT2)
    assert [row[2] for row in rows[:3]] == ["0.990", "0.982", "0.962"]
    assert [row[1] for row in rows[:3]] == ["0.994", "0.972", "0.967"]
    (table,) = att2.tables(table_of_matrix(COVIDNET_CT2 // 100))
    assert table.rows[:4] == tuple(("published", *row) for row in att2.PUBLISHED)


def test_three_classes_are_not_asked_of_a_yes_or_no_bundle() -> None:
    for paper in (att2, one_shot):
        with pytest.raises(InputRejected, match="the bundle covid19"):
            paper.tables(table_of(normal_sample(0, size=10)))


def scans(number: int, *, site: str, epoch: str = "") -> ScoreTable:
    table = table_of(normal_sample(1, size=number))
    facts = {"epoch": epoch} if epoch else {}
    return table.of(
        tuple(
            replace(row, case=f"{site}{epoch}{row.case}", level="scan", site=site, facts=facts)
            for row in table.rows
        )
    )


def test_series_tables_hold_both_epochs_and_mark_what_is_missed() -> None:
    six, twelve = (scans(40, site="rider", epoch=epoch) for epoch in ("6", "12"))
    foreign = scans(12, site="coronacases")
    positive = tuple(replace(row, label="covid19") for row in foreign.rows)
    table = six.of((*six.rows, *twelve.rows, *positive))
    metrics, corona, radio = series.tables(table)
    assert len(metrics.rows) == 8
    assert metrics.rows[-2][1] == metrics.rows[-2][2] != "-"
    assert " to " in metrics.rows[-1][1]
    assert len(corona.columns) == 13
    shown = corona.rows[-1][1:]
    assert sum(cell.endswith("*") for cell in shown) == sum(
        row.scores["covid19"] < 0.5 for row in positive
    )
    assert radio.rows[-1][1:] == ("-",) * 10
    assert radio.note.endswith("ours is missing: there are none here.")


def test_a_dash_in_our_row_has_its_reason() -> None:
    metrics, *_ = series.tables(scans(40, site="rider"))
    assert metrics.rows[-2][1] == "-"
    assert metrics.note.endswith(
        "Ours is a dash where there is no number: an epoch has no scans here."
    )
    full, _ = (t.note for t in one_shot.tables(table_of_matrix(SINGLE_SHOT // 40))[::-1])
    assert "dash" not in full
    without = SINGLE_SHOT // 40 * np.array([[1], [0], [1]])
    lacking = one_shot.tables(table_of_matrix(without))[-1].note
    assert lacking.endswith("no number: a class is never true or never called.")


def test_a_paper_of_scans_is_not_asked_of_slices() -> None:
    with pytest.raises(InputRejected, match="none of 10 cases is a scan"):
        series.tables(table_of(normal_sample(0, size=10)))


def test_the_papers_foreign_tables_mark_the_same_misses() -> None:
    """120 + 120 probabilities; below one half: none of coronacases, 27 of Radiopaedia."""
    empty = scans(1, site="elsewhere")
    marks = [
        sum(cell.endswith("*") for row in series.foreign_table(empty, site).rows for cell in row)
        for site in ("coronacases", "radiopaedia")
    ]
    assert marks == [0, 27]


def test_la_dnn_has_its_table_curves_and_pairs() -> None:
    table = table_of(normal_sample(2, size=60))
    lesions = np.random.default_rng(0).random((60, 5))
    with_lesions = table.of(
        tuple(
            replace(row, lesions=dict(zip(la_dnn.LESIONS, values.tolist(), strict=True)))
            for row, values in zip(table.rows, lesions, strict=True)
        )
    )
    (made,) = la_dnn.tables(with_lesions)
    assert made.rows[-3][:4] == ("authors' site, 2020-05-27", "LA-DNN", "0.904", "0.901")
    assert made.rows[-2][0] == "made 1 (here)"
    assert made.rows[-1][0] == "95 % interval"
    assert [row[:2] for row in made.rows[:2]] == [("VGG16", "baseline"), ("VGG16", "LA-DNN")]
    assert len(made.rows) == 7 * 2 + 3 + 2
    names = [chart.name for chart in la_dnn.charts(with_lesions, baseline=table)]
    assert names == ["roc", "precision-recall", "lesion-pairs"]
    with pytest.raises(InputRejected, match="not given the same cases"):
        la_dnn.charts(table, table.of(table.rows[1:]))


def test_la_dnns_row_is_of_its_own_pictures_where_there_are_others_too() -> None:
    pictures = table_of(normal_sample(2, size=60))
    own = tuple(replace(row, site="covid_ct") for row in pictures.rows)
    easy = tuple(
        replace(row, case=f"other {row.case}", scores={"covid19": float(row.label == "covid19")})
        for row in pictures.rows
    )
    (alone,) = la_dnn.tables(pictures.of(own))
    (mixed,) = la_dnn.tables(pictures.of((*own, *easy)))
    assert mixed == alone
