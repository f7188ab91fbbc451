"""What a program knows of the items of reporting guidelines; what it does not know stays blank.

An answer must be true of the evaluation at hand, so most depend on it: a page without pictures
shows no explanation, and nobody's sex is known because a column could have held it.
"""

from collections import Counter

from ctsieve.evaluation.in_words import in_words, many
from ctsieve.pipeline.stamp import Origin, counts_in_words
from ctsieve.types.recipe import Recipe
from ctsieve.types.scores import NETWORK, CaseScore, ScoreTable
from ctsieve.version import __version__

EXTERNAL = "external"
DISJOINT = (
    "ctsieve splits by patient, or by source paper where the patient is not known; how these cases "
    "were kept apart from the training data has to be added"
)
LESION_ANSWERS = {
    "metrics": "average precision of masks (COCO, per image), Dice, volume error",
    "uncertainty": "95 % intervals: bootstrap by patient",
    "output": "lesions with their masks, kinds and scores",
    "results": "see the table of lesion measures",
    "precision": "every number has its interval over patients, or there is one patient",
}
"""Where no class is measured."""


def answers_of(origin: Origin) -> dict[str, str]:
    """Answers by the keys of the guidelines' items; an item without one is a person's."""
    table = origin.table
    patients = len({row.patient for row in table.rows})
    answers = {
        "data": f"cases by source: {_sites(table)}",
        "missing": f"{many(origin.summary.report.num_rejected, 'case')} without a score, which are "
        "in no number; nothing is imputed",
        "partition": f"cases by side, as they were given: {_sides(table)}",
        "disjoint": f"{DISJOINT}; audit: {origin.audit}" if origin.audit else DISJOINT,
        "size": f"{many(len(table.rows), 'case')} of {many(patients, 'patient')} were given; how "
        "many were planned, and why, has to be added",
        "model": f"{table.bundle.name} {table.bundle.version}, see its model card",
        "software": f"ctsieve {__version__}, bundle {table.bundle.digest[:12] or 'not said'}",
        "flow": _flow(origin),
        "limits": "see the doubts under the verdict; others have to be added",
        "imbalance": f"cases by label: {counts_in_words(Counter(r.label for r in table.rows))}",
        "index": f"ctsieve {__version__} with bundle {table.bundle.name} {table.bundle.version}",
        "blinding": "the program sees the image only; what readers knew has to be added",
        "internal": _sides(table, external=False),
        "external": _sides(table, external=True),
        "availability": f"ctsieve {__version__} (Apache-2.0); bundle digest "
        f"{table.bundle.digest[:12] or 'not said'}, cases digest {table.cases_digest[:12]}; data "
        "have to be added",
        "gate": "a gate looks at every image before the network and rejects, warns or accepts",
        "ensemble": _ensemble(table),
        "audit": "the score file keeps every output with its case, cut and abstention",
        "people": _people(table),
        "sites": _by_site(origin),
    }
    answers |= _class_answers(origin) if origin.summary.report.figures else LESION_ANSWERS
    if origin.recipe is not None:
        answers |= _recipe_answers(origin.recipe, has_pictures=origin.has_pictures)
    return {key: answer for key, answer in answers.items() if answer}


def _class_answers(origin: Origin) -> dict[str, str]:
    report = origin.summary.report
    area, patient = report.figures["auc"], report.levels["patient"]
    ill = report.figures.get("sensitivity")
    has_subgroups = any(t.title.startswith("Subgroups") for t in origin.summary.tables)
    shown = "with their explanations" if origin.has_pictures else "by name, without their images"
    return {
        "metrics": "AUC-ROC, whole and in parts, AP, AUC-PR, sensitivity, specificity, predictive "
        "values, F1, MCC, Brier score, calibration, net benefit",
        "uncertainty": "95 % intervals: bootstrap by patient, Wilson for independent proportions",
        "robustness": "shortcut probes and subgroups, see the tables" * has_subgroups,
        "subgroups": "see the table of subgroups" * has_subgroups,
        "results": f"AUC-ROC {in_words(area)} at patient level; see the table of all measures",
        "precision": f"AUC-ROC {in_words(area)}, sensitivity {in_words(patient['sensitivity'])}, "
        f"specificity {in_words(patient['specificity'])}, calibration slope "
        f"{in_words(patient['slope'])}; see the table of all measures",
        "failures": f"the surest wrong calls are listed {shown}" * bool(origin.summary.errors),
        "output": f"{_kind_of_probability(origin.recipe)}, a call at a cut, or an abstention with "
        "its reason",
        "indeterminate": f"{many(report.num_abstained, 'case')} with a score and no call, by "
        "abstention; such cases are in all numbers, called by their score",
        "confusion": "see the confusion matrix",
        "counts": f"{many(area.num_patients, 'patient')}, of them "
        f"{0 if ill is None else ill.num_patients} with the disease",
    }


def _recipe_answers(recipe: Recipe, *, has_pictures: bool) -> dict[str, str]:
    spec = recipe.input
    return {
        "preprocessing": f"{spec.size[0]} x {spec.size[1]} pixels, crop {spec.crop}, window "
        f"{spec.window.centre:g}/{spec.window.width:g} HU, normalise {spec.normalise}",
        "cut": "; ".join(_cuts(recipe)),
        "explain": "maps of where the network looked, see the pictures of wrong calls"
        * has_pictures,
    }


def _cuts(recipe: Recipe) -> list[str]:
    found = []
    for name, level in (("pictures", recipe.picture), ("scans", recipe.scan)):
        for cut in level.thresholds:
            why = "not fitted" if cut.fitted is None else f"{cut.fitted.criterion}, on tune data"
            found.append(f"{name}, {cut.label}: {cut.value:.3f} ({why})")
    return found


def _kind_of_probability(recipe: Recipe | None) -> str:
    if recipe is None:
        return "probability"
    levels = (recipe.picture, recipe.scan)
    is_fitted = any(c.fitted is not None for level in levels for c in level.calibration)
    return "calibrated probability" if is_fitted else "probability that nobody calibrated"


def _flow(origin: Origin) -> str:
    table, report = origin.table, origin.summary.report
    return (
        f"{many(len(table.rows), 'case')} given, {report.num_rejected} of them rejected by the "
        f"gate or unreadable, {len(table.judged)} judged"
    )


def _people(table: ScoreTable) -> str:
    """Sex and age of patients, where any is known."""
    first: dict[str, CaseScore] = {}
    for row in table.rows:
        first.setdefault(row.patient, row)
    said = []
    for fact in ("sex", "age"):
        counts = Counter(row.facts.get(fact) or "not known" for row in first.values())
        if set(counts) != {"not known"}:
            said.append(f"{fact} of patients: {counts_in_words(counts)}")
    return "; ".join(said)


def _by_site(origin: Origin) -> str:
    sites = {row.site for row in origin.table.judged}
    if len(sites) < 2 or not origin.summary.tables:
        return ""
    return "see the table of subgroups, by site"


def _sites(table: ScoreTable) -> str:
    return counts_in_words(Counter(row.site or "not known" for row in table.rows))


def _sides(table: ScoreTable, *, external: bool | None = None) -> str:
    """How many cases there are of a side: of all, of the external one, or of the others named."""
    if external is None:
        return counts_in_words(Counter(row.side or "not said" for row in table.rows))
    counts = Counter(row.side for row in table.rows if row.side)
    found = Counter({s: n for s, n in counts.items() if (s == EXTERNAL) == external})
    return f"cases: {counts_in_words(found)}; see the table of all measures" if found else ""


def _ensemble(table: ScoreTable) -> str:
    networks = {row.facts[NETWORK] for row in table.rows if NETWORK in row.facts}
    return f"mean of the outputs of {len(networks)} networks" if networks else ""
