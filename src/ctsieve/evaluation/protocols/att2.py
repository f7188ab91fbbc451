"""ResNet50-ATT2: precision, recall and F1 of single slices, table III.

Paper    Loconte and Colavito, "Screening of COVID-19 with attention" (repository
         peppocola/Screening-COVID19), section IV-C, table III.
Trap     The published row of the normal class contradicts itself: F1 of .992 and .992 cannot be
         .986.  It stands here as printed.
"""

from ctsieve.evaluation.protocols._card import ProtocolCard
from ctsieve.evaluation.protocols._precision_recall import report_table
from ctsieve.evaluation.protocols._shared import data_note
from ctsieve.types.report import Table
from ctsieve.types.scores import ScoreTable

PUBLISHED = (
    ("Normal", "0.992", "0.992", "0.986"),
    ("Pneumonia", "0.967", "0.963", "0.965"),
    ("COVID-19", "0.936", "0.960", "0.947"),
    ("Weighted Average", "0.971", "0.971", "0.971"),
)
NUM_TEST = 25_658


def tables(table: ScoreTable) -> tuple[Table, ...]:
    """Table III beside the same of our scores of slices.

    Raises:
        InputRejected: the bundle does not tell the paper's three classes apart.
    """
    note = "The published F1 of the normal class does not fit its precision and recall. "
    return (
        report_table(
            "ResNet50-ATT2, table III: single slices",
            PUBLISHED,
            table,
            level="slice",
            note=note + data_note(table, published=NUM_TEST, what="slices of COVIDx-CT 2A"),
        ),
    )


CARD = ProtocolCard(
    title="ResNet50-ATT2: table III",
    paper="https://github.com/peppocola/Screening-COVID19",
    tables=tables,
)
