"""Max pooling, Bi-LSTM and attention over series: AP and areas at two epochs, and foreign scans.

Paper    Ye, "Chest CT screening of COVID-19 with ResNet or GoogLeNet and Bi-LSTM with attention"
         (Stanford), section 5.3, tables 2 to 4.
Trap     Its negatives are lung-cancer screening scans: the paper itself says that it tells data
         sets apart, and all of table 2 is near 1.
"""

from collections.abc import Mapping

from ctsieve.evaluation.cohort import sample_of, units
from ctsieve.evaluation.measures import MEASURES, measured
from ctsieve.evaluation.protocols._card import ProtocolCard
from ctsieve.evaluation.protocols._shared import (
    INTERVAL,
    MISSING,
    data_note,
    interval,
    ours,
    why_missing,
)
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Absent, Figure, Measured, Table
from ctsieve.types.scores import ScoreTable

POSITIVE = "covid19"
EPOCHS = ("6", "12")
COLUMNS = ("ap", "auc_pr", "auc")
NUM_TEST = 77
CUT = 0.5

_ONE = ("1",) * 6
METRICS = (
    ("ResNet50 MaxPooling", *_ONE),
    ("GoogLeNet MaxPooling", *_ONE),
    ("ResNet50 LSTM", "0.97", "1", "0.97", "1", "0.95", "1"),
    ("GoogLeNet LSTM", *_ONE),
    ("ResNet50 LSTM Attention", *_ONE),
    ("GoogLeNet LSTM Attention", *_ONE),
)
CORONACASES = """
ResNet50 MaxPooling @ 6|.83 1 .98 .99 .98 .96 1 .98 1 .96
ResNet50 MaxPooling @ 12|.83 1 .99 .99 .99 .98 1 .99 1 .99
GoogLeNet MaxPooling @ 6|.64 .97 .97 .96 .73 .95 .64 .97 .97 .89
GoogLeNet MaxPooling @ 12|.76 .99 .99 .98 .83 .97 .76 .99 .99 .96
ResNet50 LSTM @ 6|.60 .61 .60 .61 .60 .61 .61 .61 .61 .61
ResNet50 LSTM @ 12|.57 .57 .57 .54 .57 .57 .57 .53 .57 .57
GoogLeNet LSTM @ 6|.61 .61 .60 .61 .61 .61 .60 .61 .61 .61
GoogLeNet LSTM @ 12|.74 .74 .74 .74 .74 .74 .74 .74 .74 .74
ResNet50 LSTM Attention @ 6|1 1 1 1 1 1 1 1 1 1
ResNet50 LSTM Attention @ 12|1 1 1 1 1 1 1 1 1 1
GoogLeNet LSTM Attention @ 6|1 1 1 1 1 1 1 1 1 1
GoogLeNet LSTM Attention @ 12|1 1 1 1 1 1 1 1 1 1
"""
RADIOPAEDIA = """
ResNet50 MaxPooling @ 6|.98 .84 .63 .90 .77 .53 .91 .72 .38 .42
ResNet50 MaxPooling @ 12|.99 .92 .65 .94 .82 .58 .93 .78 .43 .56
GoogLeNet MaxPooling @ 6|.38 .32 .48 .15 .19 .24 .26 .89 .19 .28
GoogLeNet MaxPooling @ 12|.46 .21 .40 .06 .09 .17 .28 .96 .10 .25
ResNet50 LSTM @ 6|.61 .61 .60 .61 .59 .61 .61 .61 .45 .60
ResNet50 LSTM @ 12|.57 .57 .57 .57 .55 .56 .56 .57 .23 .54
GoogLeNet LSTM @ 6|.61 .58 .61 .59 .61 .58 .60 .57 .56 .60
GoogLeNet LSTM @ 12|.74 .74 .73 .76 .73 .74 .74 .69 .65 .73
ResNet50 LSTM Attention @ 6|1 1 1 1 1 1 1 1 1 1
ResNet50 LSTM Attention @ 12|1 .83 1 .99 1 .98 1 .01 .97 1
GoogLeNet LSTM Attention @ 6|1 1 1 1 1 1 1 1 1 1
GoogLeNet LSTM Attention @ 12|1 1 1 .23 1 .98 1 1 .10 .18
"""
"""Model at epoch | probabilities of scans 1 to 10."""
FOREIGN: Mapping[str, tuple[str, str]] = {
    "coronacases": ("series, table 3: ten positive scans of coronacases", CORONACASES),
    "radiopaedia": ("series, table 4: ten positive scans of Radiopaedia", RADIOPAEDIA),
}
"""Site to the title and numbers of its table."""


def tables(table: ScoreTable) -> tuple[Table, ...]:
    """Table 2 on the scans of other sites, tables 3 and 4 on those two.

    A score file says its epoch in the column fact:epoch; without it the epoch is taken for 12.

    Raises:
        InputRejected: no case is a scan.
    """
    if not any(row.level == "scan" for row in table.judged):
        raise InputRejected(
            f"none of {len(table.rows)} cases is a scan that was judged",
            hint="the paper's tables are of whole scans, in a score file of level scan",
        )
    own = table.of(
        tuple(row for row in table.rows if row.level == "scan" and row.site not in FOREIGN)
    )
    foreign = [foreign_table(table, site) for site in FOREIGN]
    return (metric_table(own), *foreign)


def metric_table(table: ScoreTable) -> Table:
    """Table 2: AP, AUC-PR and AUC-ROC at epochs 6 and 12."""
    by_epoch = {e: _metrics(_at_epoch(table, e)) for e in EPOCHS}
    values = [by_epoch[epoch][name] for name in COLUMNS for epoch in EPOCHS]
    cells = [f"{v.value:.2f}" if isinstance(v, Figure) else MISSING for v in values]
    intervals = [interval(v, digits=2) for v in values]
    titles = {"ap": "AP", "auc_pr": "AUC-PR", "auc": "AUC-ROC"}
    return Table(
        title="series, table 2: scans of the test set",
        columns=("model", *(f"{titles[name]} @ {epoch}" for name in COLUMNS for epoch in EPOCHS)),
        rows=(*METRICS, (ours(table), *cells), (INTERVAL, *intervals)),
        note=data_note(table, published=NUM_TEST, what="series") + why_missing(values),
    )


def foreign_table(table: ScoreTable, site: str) -> Table:
    """Probabilities of a site's positive scans, those below one half marked with *."""
    title, text = FOREIGN[site]
    published = [line.split("|") for line in text.strip().splitlines()]
    rows = [(name, *(_marked(float(v)) for v in values.split())) for name, values in published]
    own = table.of(
        tuple(
            row
            for row in table.rows
            if row.level == "scan" and row.site == site and row.label == POSITIVE
        )
    )
    found = sorted(own.judged, key=lambda row: row.case)
    rows.append((ours(table), *(_marked(row.scores[POSITIVE]) for row in found)))
    width = max(len(row) for row in rows)
    return Table(
        title=title,
        columns=("model", *(str(number) for number in range(1, width))),
        rows=tuple((*row, *(MISSING,) * (width - len(row))) for row in rows),
        note="* below .5: missed. " + data_note(own, published=10, what="scans"),
    )


def _metrics(table: ScoreTable) -> dict[str, Measured]:
    if not table.judged or not units(table, "scan"):
        return dict.fromkeys(COLUMNS, Absent(reason="an epoch has no scans here"))
    sample = sample_of(table, POSITIVE, "scan")
    return measured(sample, {name: MEASURES[name] for name in COLUMNS})


def _at_epoch(table: ScoreTable, epoch: str) -> ScoreTable:
    rows = (row for row in table.rows if row.facts.get("epoch", EPOCHS[-1]) == epoch)
    return table.of(tuple(rows))


def _marked(probability: float) -> str:
    return f"{probability:.2f}{'*' if probability < CUT else ''}"


CARD = ProtocolCard(
    title="series: tables 2 to 4 (epochs 6 and 12, foreign scans)",
    paper="the paper has no address; see docs/concepts/series.md",
    tables=tables,
)
