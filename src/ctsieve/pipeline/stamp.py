"""Where an evaluation comes from: digests, versions, cuts and the audit of its split."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ctsieve.evaluation.summary import Summary
from ctsieve.types.errors import InputRejected
from ctsieve.types.recipe import FittedOn, Recipe
from ctsieve.types.scores import ScoreTable
from ctsieve.version import __version__

NO_AUDIT = "none given: `ctsieve data audit` looks for patients on two sides"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a page was made of; without the bundle there is no recipe."""

    table: ScoreTable
    summary: Summary
    recipe: Recipe | None
    audit: str = ""
    """Empty: there was none."""
    has_pictures: bool = False
    """Whether wrong calls are shown with their explanations."""


def stamp_of(origin: Origin) -> tuple[tuple[str, str], ...]:
    """Names and values that let anybody make the page again, or see that it cannot be."""
    table = origin.table
    rows = [
        ("Software", f"ctsieve {__version__}"),
        ("Bundle", f"{table.bundle.name} {table.bundle.version}"),
        ("Bundle digest", table.bundle.digest or "not said"),
        ("Cases digest", table.cases_digest),
        ("Cases", f"{len(table.rows)} of {len({r.patient for r in table.rows})} patients"),
        ("Sites", counts_in_words(Counter(r.site or "not known" for r in table.rows))),
        ("Side of the split", counts_in_words(Counter(r.side or "not said" for r in table.rows))),
        ("Labels", counts_in_words(Counter(r.label for r in table.rows))),
        ("Gate", counts_in_words(Counter(r.verdict.replace("_", " ") for r in table.rows))),
        ("Why without a score", counts_in_words(_reasons(table)) or "every case has one"),
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


def _reasons(table: ScoreTable) -> Counter[str]:
    return Counter(code for row in table.rows if not row.judged for code in row.reasons)


def counts_in_words(counts: Counter[str]) -> str:
    """The commonest first, such as "covid19 12, neither 9"."""
    return ", ".join(f"{name} {number}" for name, number in counts.most_common())
