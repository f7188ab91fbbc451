"""Where an evaluation comes from, and what its maker can fill into reporting guidelines."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ctsieve.evaluation.summary import Summary
from ctsieve.types.errors import InputRejected
from ctsieve.types.recipe import FittedOn, Recipe
from ctsieve.types.report import Figure
from ctsieve.types.scores import NETWORK, ScoreTable
from ctsieve.version import __version__

EXTERNAL = "external"
NO_AUDIT = "none given: `ctsieve data audit` looks for patients on two sides"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a page was made of; without the bundle there is no recipe."""

    table: ScoreTable
    summary: Summary
    recipe: Recipe | None
    audit: str = ""
    """Empty: there was none."""


def stamp_of(origin: Origin) -> tuple[tuple[str, str], ...]:
    """Names and values that let anybody make the page again, or see that it cannot be."""
    table = origin.table
    rows = [
        ("Software", f"ctsieve {__version__}"),
        ("Bundle", f"{table.bundle.name} {table.bundle.version}"),
        ("Bundle digest", table.bundle.digest or "not said"),
        ("Cases digest", table.cases_digest),
        ("Cases", f"{len(table.rows)} of {len({r.patient for r in table.rows})} patients"),
        ("Sites", _counted(Counter(row.site or "not known" for row in table.rows))),
        ("Side of the split", _counted(Counter(row.side or "not said" for row in table.rows))),
        ("Labels", _counted(Counter(row.label for row in table.rows))),
        ("Gate", _counted(Counter(row.verdict.replace("_", " ") for row in table.rows))),
        ("Why without a score", _counted(_reasons(table)) or "every case has one"),
        ("Intervals", "95 %, patients drawn 2000 times, seed 0"),
        ("Audit of the split", origin.audit or NO_AUDIT),
    ]
    if origin.recipe is not None:
        rows += _recipe_rows(origin.recipe)
    return tuple(rows)


def audit_in_words(path: Path) -> str:
    """What an audit's JSON counted, and its digest.

    Raises:
        InputRejected: the file is no audit.
    """
    try:
        content = path.read_bytes()
        totals = json.loads(content)["totals"]
        counts = ", ".join(f"{name} {int(number)}" for name, number in totals.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputRejected(
            f"{path.name} is no audit: {error}", hint="give the audit.json of `ctsieve data audit`"
        ) from error
    return f"findings: {counts}; SHA-256 {hashlib.sha256(content).hexdigest()}"


def answers_of(origin: Origin) -> dict[str, str]:
    """What a program knows of the items of reporting guidelines."""
    table, report = origin.table, origin.summary.report
    num_patients = len({row.patient for row in table.rows})
    answers = {
        "data": _counted(Counter(row.site or "not known" for row in table.rows)),
        "missing": f"{report.num_rejected} cases without a score; none is imputed",
        "partition": _counted(Counter(row.side or "not said" for row in table.rows)),
        "disjoint": "by patient (or source paper where the patient is not known)",
        "size": f"{len(table.rows)} cases of {num_patients} patients were given; how many were "
        "planned, and why, has to be added",
        "model": f"{table.bundle.name} {table.bundle.version}, see its model card",
        "software": f"ctsieve {__version__}, bundle {table.bundle.digest[:12]}",
        "flow": f"{len(table.rows)} cases given, {len(table.judged)} judged",
        "limits": "see the doubts under the verdict",
        "imbalance": _counted(Counter(row.label for row in table.rows)),
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
    }
    answers |= _class_answers(origin) if report.figures else LESION_ANSWERS
    if origin.recipe is not None:
        answers |= _recipe_answers(origin.recipe)
    return answers


LESION_ANSWERS = {
    "metrics": "average precision of masks (COCO, per image), Dice, volume error",
    "uncertainty": "95 % intervals: bootstrap by patient",
    "output": "lesions with their masks, kinds and scores",
    "results": "see the table of lesion measures",
    "precision": "every number has its interval over patients, or there is one patient",
}
"""Where no class is measured."""


def _class_answers(origin: Origin) -> dict[str, str]:
    report = origin.summary.report
    area = report.figures["auc"]
    return {
        "metrics": "AUC-ROC, AP, sensitivity, specificity, predictive values, Brier, calibration",
        "uncertainty": "95 % intervals: bootstrap by patient, Wilson for independent proportions",
        "robustness": "shortcut probes and subgroups, see the tables",
        "subgroups": "see the table of subgroups",
        "results": f"AUC {area.value:.3f} at patient level, on the sides named above; see the "
        "table of all measures",
        "precision": f"AUC {area.value:.3f} ({area.low:.3f} to {area.high:.3f}), calibration "
        f"{_calibration(origin)}; every number has its interval",
        "failures": "the surest wrong calls are shown with their explanations",
        "output": "calibrated probability, call at a cut, or an abstention with its reason",
        "indeterminate": f"{report.num_abstained} cases abstained and are in all numbers",
        "confusion": "see the confusion matrix",
        "counts": f"{area.num_patients} patients, of them {_ill(origin)} with the disease",
    }


def _recipe_answers(recipe: Recipe) -> dict[str, str]:
    spec = recipe.input
    cuts = ", ".join(f"{t.label} {t.value:.3f}" for t in recipe.picture.thresholds)
    return {
        "preprocessing": f"{spec.size[0]} x {spec.size[1]} pixels, crop {spec.crop}, window "
        f"{spec.window.centre:g}/{spec.window.width:g} HU, normalise {spec.normalise}",
        "cut": f"{cuts}, chosen on tune data",
        "explain": "maps that the network's graph returns, see the pictures of wrong calls",
    }


def _recipe_rows(recipe: Recipe) -> list[tuple[str, str]]:
    rows = [("Recipe digest", recipe.digest)]
    if recipe.leakage:
        rows.append(("Known leakage: numbers are too good", " ".join(recipe.leakage)))
    for name, level in (("picture", recipe.picture), ("scan", recipe.scan)):
        for threshold in level.thresholds:
            origin = "not fitted" if threshold.fitted is None else _fitted(threshold.fitted)
            rows.append((f"Cut, {name}, {threshold.label}", f"{threshold.value:.4f}: {origin}"))
        for calibration in level.calibration:
            origin = "not calibrated"
            if calibration.fitted is not None:
                origin = _fitted(calibration.fitted)
            rows.append((f"Calibration, {name}", origin))
    return rows


def _fitted(fitted: FittedOn) -> str:
    return (
        f"{fitted.criterion}; {fitted.num_cases} {fitted.side} cases of {fitted.num_patients} "
        f"patients, {fitted.data}, split {fitted.digest[:12]}"
    )


def _calibration(origin: Origin) -> str:
    slope = origin.summary.report.levels["patient"]["slope"]
    if isinstance(slope, Figure):
        return f"slope {slope.value:.2f} ({slope.low:.2f} to {slope.high:.2f})"
    return slope.reason


def _ill(origin: Origin) -> int:
    sensitivity = origin.summary.report.levels["patient"]["sensitivity"]
    return sensitivity.num_patients if isinstance(sensitivity, Figure) else 0


def _ensemble(table: ScoreTable) -> str:
    networks = {row.facts[NETWORK] for row in table.rows if NETWORK in row.facts}
    return f"mean of the outputs of {len(networks)} networks" if networks else ""


def _sides(table: ScoreTable, *, external: bool) -> str:
    """How many cases are of the external side, or of any other that is named."""
    counts = Counter(row.side for row in table.rows if row.side)
    found = {side: n for side, n in counts.items() if (side == EXTERNAL) == external}
    return _counted(Counter(found))


def _reasons(table: ScoreTable) -> Counter[str]:
    return Counter(code for row in table.rows if not row.judged for code in row.reasons)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.most_common())
