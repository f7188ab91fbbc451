"""One Shot + LSTM + attention: sensitivity of each class and F1 by fixed shares.

Paper    Ter-Sarkisov, medRxiv 2021.02.16.21251754, tables 1 to 4.  The text at hand has lost the
         tables' cells; numbers are those of the authors' README, which repeats tables 1, 2 and 4.
         Table 3 (all of CNCB that the split left over, 58 737 images) is in no text at hand: its
         row stands with dashes, and ours beneath it.
Differs  iCTCF's F1 uses the true shares of its two classes, as the published number does; its 9275
         negative and 3701 positive images stand the wrong way round in the paper.
"""

from collections.abc import Callable, Mapping

import numpy as np

from ctsieve.evaluation.class_f1 import PAPER_SHARES, class_scores
from ctsieve.evaluation.lesion_images import compared
from ctsieve.evaluation.lesion_measures import num_lesions, per_image_figures
from ctsieve.evaluation.multiclass import PAPER_ORDER
from ctsieve.evaluation.per_image_ap import PerImageAp
from ctsieve.evaluation.protocols._card import ProtocolCard
from ctsieve.evaluation.protocols._shared import (
    INTERVAL,
    MISSING,
    Matrix,
    data_note,
    interval,
    named,
    ours,
    paper_figures,
    paper_matrix,
    why_missing,
)
from ctsieve.types.lesion_table import LesionTable
from ctsieve.types.report import Table
from ctsieve.types.scores import CaseScore, ScoreTable

SEGMENTATION = (
    ("One Shot + LSTM + Attention", "0.605", "0.497", "0.470"),
    ("Mask R-CNN", "0.502", "0.419", "0.387"),
)
CLASSIFICATION = (
    ("One Shot + LSTM + Attention", "95.74%", "98.13%", "99.27%", "98.15%"),
    ("ResNet50", "91.04%", "97.64%", "98.97%", "96.88%"),
    ("ResNeXt50", "91.94%", "88.45%", "84.30%", "87.31%"),
    ("ResNeXt101", "91.58%", "92.13%", "94.02%", "92.86%"),
    ("DenseNet121", "92.64%", "96.16%", "98.98%", "96.15%"),
)
ICTCF = (
    ("One Shot + LSTM + Attention", "97.73%", "98.68%", "98.41%"),
    ("VGG16 (Ning et al. 2020)", "97.00%", "85.47%", MISSING),
)
HOLD_OUT = (("One Shot + LSTM + Attention", MISSING, MISSING, MISSING, MISSING),)
NUM_TEST, NUM_HOLD_OUT, NUM_ICTCF = 21_191, 58_737, 12_976
NUM_MASKS = 100
ICTCF_SITE = "ictcf"
HOLD_OUT_SIDE = "external"
"""Cases of this side belong into table 3, all others into table 2."""


def tables(table: ScoreTable) -> tuple[Table, ...]:
    """Table 1, and of tables 2 to 4 those that the scores have cases for.

    Raises:
        InputRejected: the bundle does not tell the paper's three classes apart.
    """
    ictcf = _of(table, lambda row: row.site == ICTCF_SITE)
    rest = _of(table, lambda row: row.site != ICTCF_SITE)
    test = _of(rest, lambda row: row.side != HOLD_OUT_SIDE)
    hold_out = _of(rest, lambda row: row.side == HOLD_OUT_SIDE)
    found = [segmentation_table({})]
    if test.judged:
        note = data_note(test, published=NUM_TEST, what="images") + _why_missing(test)
        found.append(classification_table(_classified(test), note))
    if hold_out.judged:
        note = data_note(hold_out, published=NUM_HOLD_OUT, what="images") + _why_missing(hold_out)
        found.append(hold_out_table(_classified(hold_out), note))
    if ictcf.judged:
        rows = (ictcf_row(ours(ictcf), paper_matrix(ictcf, "slice")), _ictcf_intervals(ictcf))
        found.append(ictcf_table(rows, data_note(ictcf, published=NUM_ICTCF, what="images")))
    return tuple(found)


def segmentation_table(
    measured: Mapping[str, PerImageAp], rows: tuple[tuple[str, ...], ...] = (), note: str = ""
) -> Table:
    """Table 1; `measured` are models by name, evaluated on masks (`per_image_ap`)."""
    found = [
        (name, *(f"{v:.3f}" for v in (ap.by_threshold[0], ap.by_threshold[5], ap.mean)))
        for name, ap in measured.items()
    ]
    own = (*found, *rows)
    return Table(
        title="One Shot, table 1: lesion masks (the authors' per-image AP)",
        columns=("model", "AP@0.5", "AP@0.75", "mAP@[0.5:0.95:0.05]"),
        rows=(*SEGMENTATION, *own),
        note=note or ("" if own else "No masks were measured: ours need cases with masks."),
    )


def with_lesions(lesions: LesionTable, found: tuple[Table, ...]) -> tuple[Table, ...]:
    """The tables with our row, and its intervals, in table 1."""
    images = compared(lesions).images
    if not num_lesions(images):
        sentence = f"Ours is missing: {len(images)} images with masks hold 0 true lesions."
        return (segmentation_table({}, note=sentence), *found[1:])
    figures = per_image_figures(images)
    ordered = [figures[name] for name in ("ap50", "ap75", "map")]
    alone = ordered[0].num_patients == 1
    rows = (
        (named(lesions.identity), *(f"{one.value:.3f}" for one in ordered)),
        (INTERVAL, *(MISSING if alone else interval(one) for one in ordered)),
    )
    note = (
        f"Published on {NUM_MASKS} images of CNCB whose objects are lungs, too; here on "
        f"{len(images)} of {ordered[0].num_patients} patients, without lungs, lesions from a score "
        f"of {lesions.least_score:g} on (cases digest {lesions.as_scores.cases_digest[:12]}): not "
        "the same task, so the rows do not rank the models."
    )
    return (segmentation_table({}, rows, note), *found[1:])


def classification_table(rows: tuple[tuple[str, ...], ...], note: str) -> Table:
    """Table 2 with more rows."""
    return Table(
        title="One Shot, table 2: images of COVIDx-CT (CNCB)",
        columns=("model", "COVID-19", "CP", "Normal", "F1 score"),
        rows=(*CLASSIFICATION, *rows),
        note=f"Sensitivity of each class; F1 by the shares .45/.35/.20. {note}",
    )


def hold_out_table(rows: tuple[tuple[str, ...], ...], note: str) -> Table:
    """Table 3 with more rows."""
    return Table(
        title="One Shot, table 3: images of CNCB that no split uses",
        columns=("model", "COVID-19", "CP", "Normal", "F1 score"),
        rows=(*HOLD_OUT, *rows),
        note=f"The published cells are in no text at hand. F1 by the shares .45/.35/.20. {note}",
    )


def ictcf_table(rows: tuple[tuple[str, ...], ...], note: str) -> Table:
    """Table 4 with more rows."""
    return Table(
        title="One Shot, table 4: images of iCTCF",
        columns=("model", "COVID-19", "Normal", "F1 score"),
        rows=(*ICTCF, *rows),
        note=f"F1 by the true shares of the two classes. {note}",
    )


def classification_row(name: str, matrix: Matrix) -> tuple[str, ...]:
    """A row of table 2 from a confusion matrix (3, 3): normal, other pneumonia, COVID-19."""
    scores = class_scores(matrix, shares=PAPER_SHARES)
    normal, pneumonia, covid = scores.sensitivity
    return (name, *(_percent(v) for v in (covid, pneumonia, normal, scores.weighted_f1)))


def ictcf_row(name: str, matrix: Matrix) -> tuple[str, ...]:
    """A row of table 4 from a matrix (3, 3) whose class of other pneumonia is never true."""
    scores = class_scores(matrix)
    normal, _, covid = scores.sensitivity
    return (name, *(_percent(v) for v in (covid, normal, scores.weighted_f1)))


def _of(table: ScoreTable, wanted: Callable[[CaseScore], bool]) -> ScoreTable:
    return table.of(tuple(row for row in table.rows if wanted(row)))


def _classified(table: ScoreTable) -> tuple[tuple[str, ...], ...]:
    figures = paper_figures(table, "slice")
    names = (*(f"recall:{label}" for label in reversed(PAPER_ORDER)), "paper_shares_f1")
    return (
        classification_row(ours(table), paper_matrix(table, "slice")),
        (INTERVAL, *(interval(figures[name], digits=2, percent=True) for name in names)),
    )


def _why_missing(table: ScoreTable) -> str:
    figures = paper_figures(table, "slice")
    return why_missing([figures[f"recall:{label}"] for label in PAPER_ORDER])


def _ictcf_intervals(table: ScoreTable) -> tuple[str, ...]:
    figures = paper_figures(table, "slice")
    names = ("recall:covid19", "recall:neither", "weighted_f1")
    return (INTERVAL, *(interval(figures[name], digits=2, percent=True) for name in names))


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%" if np.isfinite(share) else MISSING


CARD = ProtocolCard(
    title="One Shot + LSTM + attention: tables 1 to 4",
    paper="https://doi.org/10.1101/2021.02.16.21251754",
    tables=tables,
    lesion_tables=with_lesions,
)
