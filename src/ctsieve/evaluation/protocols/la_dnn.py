"""LA-DNN: accuracy, F1, AUC and recall of COVID-CT pictures, and the five lesion outputs.

Paper    Liu et al., medRxiv 2020.05.11.20097907, section 4, table 1, ROC and PR figures, pair plot.
         Table 1 is lost in the text at hand; its rows here hold what abstracts, prose and
         the authors' site (two later models) say, and a dash for the rest.
Differs  The authors' code computes the AUC from calls, the paper from the curve, as ours is.
"""

import numpy as np

from ctsieve.evaluation.charts import Chart, pair_chart, precision_recall_chart, roc_chart
from ctsieve.evaluation.cohort import check_labels, sample_of, units
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
from ctsieve.evaluation.reliability import logit
from ctsieve.evaluation.sample import Floats
from ctsieve.types.errors import InputRejected
from ctsieve.types.report import Figure, Table
from ctsieve.types.scores import ScoreTable

POSITIVE = "covid19"
COLUMNS = ("accuracy", "f1", "auc", "sensitivity", "ppv")
KNOWN = {
    ("DenseNet169", "LA-DNN"): ("0.85", "0.85", "0.912", "0.857", MISSING),
    ("DenseNet169", "baseline"): (MISSING, MISSING, "0.874", MISSING, MISSING),
    ("VGG16", "LA-DNN"): (MISSING, MISSING, "0.898", MISSING, MISSING),
    ("VGG16", "baseline"): (MISSING, MISSING, "0.829", MISSING, MISSING),
}
"""Backbone and model to the cells that abstract and prose repeat."""
BACKBONES = (
    "VGG16",
    "ResNet18",
    "ResNet50",
    "DenseNet121",
    "DenseNet169",
    "EfficientNet-b0",
    "EfficientNet-b1",
)
MODELS = ("baseline", "LA-DNN")
LATER = (
    ("second version's abstract", "LA-DNN", "0.886", MISSING, "0.940", "0.888", "0.879"),
    ("authors' site, 2020-05-14", "LA-DNN", "0.881", "0.879", "0.929", "0.862", MISSING),
    ("authors' site, 2020-05-27", "LA-DNN", "0.904", "0.901", "0.962", "0.951", MISSING),
)
"""Numbers of later models, which are not the paper's table."""
PUBLISHED = (
    *(
        (backbone, model, *KNOWN.get((backbone, model), (MISSING,) * len(COLUMNS)))
        for backbone in BACKBONES
        for model in MODELS
    ),
    *LATER,
)
NUM_TEST = 203
SITE = "covid_ct"
LESIONS = ("GGO", "Csld", "CrPa", "AirBr", "InSepThi")


def tables(table: ScoreTable) -> tuple[Table, ...]:
    """Table 1 with our row: of the pictures of COVID-CT, where there are any among the scores.

    Raises:
        InputRejected: the bundle does not know COVID-19, or nothing was judged.
    """
    check_labels(table, POSITIVE)
    table = _pictures(table)
    sample = sample_of(table, POSITIVE, "slice")
    values = measured(sample, {name: MEASURES[name] for name in COLUMNS})
    cells = [f"{v.value:.3f}" if isinstance(v, Figure) else MISSING for v in values.values()]
    return (
        Table(
            title="LA-DNN, table 1: pictures of COVID-CT",
            columns=("backbone", "model", "accuracy", "F1", "AUC", "sensitivity", "precision"),
            rows=(
                *PUBLISHED,
                (ours(table), "here", *cells),
                (INTERVAL, "here", *(interval(value) for value in values.values())),
            ),
            note=data_note(table, published=NUM_TEST, what="pictures of the official test split")
            + why_missing(values.values()),
        ),
    )


def charts(table: ScoreTable, baseline: ScoreTable | None = None) -> tuple[Chart, ...]:
    """ROC and PR curves, with a baseline's where its scores are given, and the pair plot.

    Raises:
        InputRejected: the baseline was not given the same cases.
    """
    if baseline is not None and baseline.cases_digest != table.cases_digest:
        raise InputRejected("the baseline was not given the same cases")
    table = _pictures(table)
    samples = {ours(table): sample_of(table, POSITIVE, "slice")}
    if baseline is not None:
        baseline = _pictures(baseline)
        samples = {ours(baseline): sample_of(baseline, POSITIVE, "slice"), **samples}
    found = [roc_chart(samples), precision_recall_chart(samples)]
    rows = [unit[0] for unit in units(table, "slice")]
    kinds = [kind for kind in LESIONS if rows and all(kind in row.lesions for row in rows)]
    if kinds:
        outputs = _outputs(np.array([[row.lesions[kind] for kind in kinds] for row in rows]))
        found.append(pair_chart(kinds, outputs, np.array([r.label == POSITIVE for r in rows])))
    return tuple(found)


def _outputs(score: Floats) -> Floats:
    """Log odds of scores (N, K); a score that was rounded to 0 or 1 is half a step from it.

    A file of three decimals would else put every 0.000 seven units below its 0.001.
    """
    inside = score[(score > 0.0) & (score < 1.0)]
    step = float(min(inside.min(), 1.0 - inside.max())) / 2 if inside.size else 0.5
    return logit(np.clip(score, step, 1.0 - step))


def _pictures(table: ScoreTable) -> ScoreTable:
    """The paper's own pictures among the scores; all slices where none are told to be those."""
    slices = tuple(row for row in table.rows if row.level == "slice")
    return table.of(tuple(row for row in slices if row.site == SITE) or slices)


CARD = ProtocolCard(
    title="LA-DNN: table 1, ROC and PR curves, pair plot of the lesion outputs",
    paper="https://doi.org/10.1101/2020.05.11.20097907",
    tables=tables,
    charts=charts,
)
