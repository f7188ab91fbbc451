"""A bundle's calibration and cut made anew from scores of tune cases, say a hospital's own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ctsieve.bundles.bundle import Bundle, write_bundle
from ctsieve.bundles.store import find
from ctsieve.evaluation.conformal import cross_conformal
from ctsieve.evaluation.in_words import in_words
from ctsieve.evaluation.intervals import wilson
from ctsieve.evaluation.measures import MEASURES, measured
from ctsieve.evaluation.operating_point import OperatingPoint, choose
from ctsieve.evaluation.recalibration import METHODS, Logistic, cross_fitted, log_loss
from ctsieve.evaluation.sample import Bools, Floats
from ctsieve.evaluation.tune import TuneSample
from ctsieve.pipeline.score_file import load_scores
from ctsieve.pipeline.seen import refuse_learned_from
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.recipe import Calibration, Level, Recipe, Threshold
from ctsieve.types.report import Figure, Table
from ctsieve.types.scores import ScoredLevel, ScoreTable

CONFORMAL_ERRORS = (0.05, 0.1, 0.2)
KEPT = {"slice": "picture", "scan": "scan"}
"""Where a recipe keeps what is fitted on rows of a level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a calibration is to be like."""

    method: str = "platt"
    criterion: str = "youden"
    level: ScoredLevel = "slice"
    positive: str = "covid19"
    negative: tuple[str, ...] = ()
    """Labels that the bundle does not know and that count as not `positive`."""


def recalibrate(
    bundle: str, scores: Path, *, wish: Wish, out: Path | None = None
) -> tuple[Table, ...]:
    """Fit calibration and cut on tune scores, compare the methods, and write a bundle if wished.

    Raises:
        InputRejected: scores are not the bundle's, not of tune cases, of one kind, or of cases that
            the bundle's networks have learned from.
        UsageError: the method or criterion is unknown, or cannot be kept in a bundle.
    """
    opened, table = find(bundle), load_scores(scores)
    if table.bundle.digest != opened.identity.digest:
        raise InputRejected(
            f"{scores.name} holds scores of {table.bundle.name} {table.bundle.version}, not of "
            f"{opened.identity.name} {opened.identity.version}"
        )
    refuse_learned_from(opened, table)
    if wish.method not in METHODS:
        raise UsageError(f"there is no method {wish.method!r}", hint=f"known: {', '.join(METHODS)}")
    own = _of_level(table, wish.level)
    tune = TuneSample.from_scores(own, wish.positive, wish.level, negative=wish.negative)
    calibrated = METHODS[wish.method](tune)
    point = choose(tune, calibrated(tune.logit), wish.criterion)
    if out is not None:
        if not isinstance(calibrated, Logistic):
            raise UsageError(
                f"a recipe keeps a slope and an intercept, not {wish.method} steps",
                hint="say --method platt or temperature",
            )
        _write(opened, out, wish=wish, fitted=calibrated, point=point, tune=tune)
    return _methods_table(tune), _point_table(point, tune), _conformal_table(tune, wish.method)


def _of_level(table: ScoreTable, level: ScoredLevel) -> ScoreTable:
    return table.of(tuple(row for row in table.rows if row.level == level))


def _write(
    bundle: Bundle,
    out: Path,
    *,
    wish: Wish,
    fitted: Logistic,
    point: OperatingPoint,
    tune: TuneSample,
) -> None:
    recipe = recalibrated(bundle.recipe, wish=wish, fitted=fitted, point=point, tune=tune)
    members = {
        name: (bundle.folder / name).read_bytes() for name in sorted(bundle.manifest.members)
    }
    members["recipe.json"] = (recipe.model_dump_json(indent=1) + "\n").encode()
    said = (
        f"\n## Recalibrated\n\n{wish.level} level: {wish.method} and cut ({point.fitted.criterion})"
        f" on {point.fitted.num_cases} tune cases of {point.fitted.num_patients} patients, digest "
        f"`{tune.digest}`.  Made from bundle `{bundle.identity.digest}`.  Numbers above are those "
        "of the original calibration.\n"
    )
    members["MODEL_CARD.md"] += said.encode()
    write_bundle(
        out,
        members,
        name=bundle.manifest.name,
        version=f"{bundle.manifest.version}+recalibrated",
        preferred=bundle.manifest.preferred,
    )


def recalibrated(
    recipe: Recipe, *, wish: Wish, fitted: Logistic, point: OperatingPoint, tune: TuneSample
) -> Recipe:
    """The recipe with one label's calibration and cut replaced at one level.

    Raises:
        UsageError: the labels share a softmax, so one of them cannot be calibrated alone.
    """
    if not recipe.multi_label:
        raise UsageError("labels that share a softmax cannot be calibrated one by one")
    kept = KEPT[wish.level]
    old: Level = getattr(recipe, kept)
    number = recipe.labels.index(wish.positive)
    calibration, thresholds = list(old.calibration), list(old.thresholds)
    calibration[number] = Calibration(
        slope=fitted.slope,
        intercept=fitted.intercept,
        fitted=tune.fitted(f"{wish.method}; patients count alike within a kind, kinds alike"),
    )
    thresholds[number] = Threshold(
        label=wish.positive,
        value=point.threshold,
        fitted=point.fitted,
        sensitivity=point.sensitivity,
        specificity=point.specificity,
    )
    level = old.model_copy(
        update={"calibration": tuple(calibration), "thresholds": tuple(thresholds)}
    )
    return Recipe.model_validate(recipe.model_dump() | {kept: level.model_dump()})


def _methods_table(tune: TuneSample) -> Table:
    rows = [_method_row("none", 1.0 / (1.0 + np.exp(-np.clip(tune.logit, -60, 60))), tune)]
    rows += [_method_row(name, cross_fitted(tune, fit), tune) for name, fit in METHODS.items()]
    return Table(
        title="Calibration methods",
        columns=("method", "log loss", "Brier score", "ECE", "slope"),
        rows=tuple(rows),
        note=f"{tune.positive.size} tune cases; each probability from a calibration that did not "
        "see its patient.",
    )


def _method_row(name: str, probability: Floats, tune: TuneSample) -> tuple[str, ...]:
    shown = ("brier", "ece", "slope")
    values = measured(tune.sample(probability), {n: MEASURES[n] for n in shown})
    return (name, f"{log_loss(probability, tune):.3f}", *(in_words(values[n]) for n in shown))


def _point_table(point: OperatingPoint, tune: TuneSample) -> Table:
    kinds = ((point.sensitivity, tune.positive), (point.specificity, ~tune.positive))
    return Table(
        title="Operating point",
        columns=("criterion", "cut", "sensitivity", "specificity", "patients"),
        rows=(
            (
                point.fitted.criterion,
                f"{point.threshold:.4f}",
                *(in_words(_share(share, kind, tune)) for share, kind in kinds),
                " and ".join(str(_share(s, kind, tune).num_patients) for s, kind in kinds),
            ),
        ),
        note="On the data it was chosen on, and so too good. Patients count alike within a kind; "
        f"Wilson's interval over patients. Data {tune.data}, digest {tune.digest[:12]}.",
    )


def _share(share: float, kind: Bools, tune: TuneSample) -> Figure:
    """A share of patients of a kind, with Wilson's interval."""
    patients = int(np.unique(tune.patient[kind]).size)
    low, high = wilson(share * patients, patients)
    return Figure(value=share, low=low, high=high, num_cases=int(kind.sum()), num_patients=patients)


def _conformal_table(tune: TuneSample, method: str) -> Table:
    probability = cross_fitted(tune, METHODS[method])
    rows: list[tuple[str, ...]] = []
    for error in CONFORMAL_ERRORS:
        try:
            held = cross_conformal(tune, probability, error=error)
        except InputRejected as reason:
            rows.append((f"{100 * error:g} %", *(f"- ({reason})",) * 2, "-", "-", "-"))
            continue
        number = held.sum(axis=1)
        kinds = ((held[:, 1], tune.positive), (held[:, 0], ~tune.positive))
        shares = [f"{100 * (number == k).mean():.0f} %" for k in (1, 2, 0)]
        true = [in_words(_held(own, kind, tune)) for own, kind in kinds]
        rows.append((f"{100 * error:g} %", *true, *shares))
    return Table(
        title="Conformal sets",
        columns=(
            "error of either label",
            "truth held, positives",
            "truth held, negatives",
            "one label",
            "both: cannot say",
            "none: unlike all",
        ),
        rows=tuple(rows),
        note=f"{tune.positive.size} tune cases of {np.unique(tune.patient).size} patients, each "
        "set from patients of other folds; patients count alike, Wilson's interval over patients.",
    )


def _held(held: Bools, kind: Bools, tune: TuneSample) -> Figure:
    weight = tune.weights()[kind]
    return _share(float((weight * held[kind]).sum() / weight.sum()), kind, tune)
