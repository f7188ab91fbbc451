"""One Shot + LSTM + attention: sensitivity of each class and F1 by fixed shares.

Paper    Ter-Sarkisov, medRxiv 2021.02.16.21251754, tables 1 to 4.  The text at hand has lost the
         tables' cells; numbers are those of the authors' README, which repeats tables 1, 2 and 4.
         Table 3 (hold-out of CNCB, 58 737 images) is published nowhere else, so it is not here.
Differs  iCTCF's F1 uses the true shares of its two classes, as the published number does; its 9275
         negative and 3701 positive images stand the wrong way round in the paper.
"""

from collections.abc import Mapping

import numpy as np

from ctsieve.evaluation.class_f1 import PAPER_SHARES, class_scores
from ctsieve.evaluation.per_image_ap import PerImageAp
from ctsieve.evaluation.protocols._card import ProtocolCard
from ctsieve.evaluation.protocols._shared import MISSING, Matrix, data_note, ours, paper_matrix
from ctsieve.types.report import Table
from ctsieve.types.scores import ScoreTable

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
NUM_TEST, NUM_ICTCF = 21_191, 12_976
ICTCF_SITE = "ictcf"


def tables(table: ScoreTable) -> tuple[Table, ...]:
    """Tables 1, 2 and, where cases of iCTCF are among the scores, 4.

    Raises:
        InputRejected: the bundle does not tell the paper's three classes apart.
    """
    rest = table.of(tuple(row for row in table.rows if row.site != ICTCF_SITE))
    ictcf = table.of(tuple(row for row in table.rows if row.site == ICTCF_SITE))
    found = [segmentation_table({})]
    if rest.judged:
        row = classification_row(ours(table), paper_matrix(rest, "slice"))
        found.append(
            classification_table((row,), data_note(rest, published=NUM_TEST, what="images"))
        )
    if ictcf.judged:
        row = ictcf_row(ours(table), paper_matrix(ictcf, "slice"))
        found.append(ictcf_table((row,), data_note(ictcf, published=NUM_ICTCF, what="images")))
    return tuple(found)


def segmentation_table(measured: Mapping[str, PerImageAp]) -> Table:
    """Table 1; `measured` are models by name, evaluated on masks (`per_image_ap`)."""
    rows = [
        (name, *(f"{v:.3f}" for v in (ap.by_threshold[0], ap.by_threshold[5], ap.mean)))
        for name, ap in measured.items()
    ]
    return Table(
        title="One Shot, table 1: lesion masks (the authors' per-image AP)",
        columns=("model", "AP@0.5", "AP@0.75", "mAP@[0.5:0.95:0.05]"),
        rows=(*SEGMENTATION, *rows),
        note="" if rows else "Score files hold no masks: ours come from `per_image_ap` on masks.",
    )


def classification_table(rows: tuple[tuple[str, ...], ...], note: str) -> Table:
    """Table 2 with more rows."""
    return Table(
        title="One Shot, table 2: images of COVIDx-CT (CNCB)",
        columns=("model", "COVID-19", "CP", "Normal", "F1 score"),
        rows=(*CLASSIFICATION, *rows),
        note=f"Sensitivity of each class; F1 by the shares .45/.35/.20. {note}",
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


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%" if np.isfinite(share) else MISSING


CARD = ProtocolCard(
    title="One Shot + LSTM + attention: tables 1, 2 and 4",
    paper="https://doi.org/10.1101/2021.02.16.21251754",
    tables=tables,
)
