"""ResNet50-LSTM-ATT2: precision, recall and F1 of whole scans, table IV.

Paper    Loconte and Colavito, "Screening of COVID-19 with attention" (repository
         peppocola/Screening-COVID19), section V-C, table IV.  Its numbers fix its confusion matrix:
         171 0 3 / 0 98 2 / 0 0 134.
"""

from ctsieve.evaluation.protocols._card import ProtocolCard
from ctsieve.evaluation.protocols._precision_recall import report_table
from ctsieve.evaluation.protocols._shared import data_note
from ctsieve.types.report import Table
from ctsieve.types.scores import ScoreTable

PUBLISHED = (
    ("Normal", "1.000", "0.983", "0.991"),
    ("Pneumonia", "1.000", "0.980", "0.990"),
    ("COVID-19", "0.964", "1.000", "0.982"),
    ("Weighted Average", "0.988", "0.988", "0.988"),
)
NUM_TEST = 408


def tables(table: ScoreTable) -> tuple[Table, ...]:
    """Table IV beside the same of our scores of scans.

    Raises:
        InputRejected: the bundle does not tell the paper's three classes apart, or there are no
            scans.
    """
    return (
        report_table(
            "ResNet50-LSTM-ATT2, table IV: whole scans",
            PUBLISHED,
            table,
            level="scan",
            note=data_note(table, published=NUM_TEST, what="scans of COVIDx-SeqCT"),
        ),
    )


CARD = ProtocolCard(
    title="ResNet50-LSTM-ATT2: table IV",
    paper="https://github.com/peppocola/Screening-COVID19",
    tables=tables,
)
