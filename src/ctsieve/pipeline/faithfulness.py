"""A small table per bundle: are its explanations true to its scores?"""

import importlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.bundles.bundle import Bundle
from ctsieve.evaluation.faithfulness import (
    CaseFaithfulness,
    deletion_and_insertion,
    likeness,
    mass_inside,
)
from ctsieve.evaluation.intervals import patient_draws, percentile_interval
from ctsieve.explain import gradcam
from ctsieve.ops.decide import probabilities
from ctsieve.ops.gate import gate_and_lungs
from ctsieve.ops.judge import prepare_judged
from ctsieve.ops.prepare import Prepared
from ctsieve.ops.slices import scan_logit
from ctsieve.pipeline.score import image_of
from ctsieve.runtime import RUNTIMES, Runtime
from ctsieve.types.cases import Case
from ctsieve.types.errors import CtsieveError
from ctsieve.types.geometry import Geometry
from ctsieve.types.recipe import Recipe
from ctsieve.types.report import Figure, Table

HEAT = gradcam.OUTPUT
FEWEST_SLICES = 4
"""Of a scan of fewer slices nothing is left when the top ones are taken away."""
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One case's numbers; None where the case does not have them."""

    patient: str
    cells: CaseFaithfulness
    inside: float
    lungs: float
    without_top: float | None = None
    """How far the scan's probability falls without its top slices."""
    without_others: float | None = None
    """And without as many others at random."""


def faithfulness_table(bundle: Bundle, cases: Iterable[Case]) -> Table:
    """Deletion, insertion, heat in the lungs, top slices and random weights, each beside chance.

    A case that the gate rejects is left out; a bundle whose graph returns no heat has no row.
    """
    engine: Runtime = RUNTIMES["onnx"].load(bundle.model)
    inputs = [(case, found) for case in cases if (found := _prepared(case, bundle.recipe))]
    trials = [_trial(case.patient, *found, engine, bundle.recipe) for case, found in inputs]
    rows = _rows([trial for trial in trials if trial is not None])
    shown = [found[0].x for _, found in inputs]
    rows += _sanity_row(bundle, engine, shown, [case.patient for case, _ in inputs])
    return Table(
        title="Faithfulness of the explanations",
        columns=("check", "explanation", "by chance", "better is", "n"),
        rows=tuple(rows),
        note="Mean over cases with its 95 % interval over patients. By chance: cells or slices "
        "taken at random, heat spread evenly, and for random weights the map of the true ones.",
    )


def _prepared(
    case: Case, recipe: Recipe
) -> tuple[Prepared, npt.NDArray[np.bool_], Geometry] | None:
    """Input, lungs and geometry of a case that may be judged."""
    try:
        image = image_of(case)
    except CtsieveError:
        return None
    report, lungs = gate_and_lungs(image)
    if report.verdict == "rejected":
        return None
    return prepare_judged(image, lungs, recipe.input), lungs, image.geometry


def _trial(
    patient: str,
    prepared: Prepared,
    lungs: npt.NDArray[np.bool_],
    geometry: Geometry,
    engine: Runtime,
    recipe: Recipe,
) -> Trial | None:
    output = engine.run(prepared.x)
    heat = gradcam.explain(output, prepared, geometry, label=recipe.labels[0])
    if heat is None:
        return None
    _, weight = scan_logit(output["logits"], recipe.slice_rule)
    top = np.sort(np.argsort(-weight, kind="stable")[: recipe.num_top_slices])
    inside, share = mass_inside(heat.heat, lungs) if lungs.any() else (float("nan"),) * 2
    with_top, others = _without_top(output["logits"], recipe)
    return Trial(
        patient=patient,
        cells=deletion_and_insertion(
            _score_of(engine, recipe), prepared.x[top], np.maximum(output[HEAT][top], 0)
        ),
        inside=inside,
        lungs=share,
        without_top=with_top,
        without_others=others,
    )


def _score_of(engine: Runtime, recipe: Recipe) -> Callable[[Float32], Float32]:
    def score(x: Float32) -> Float32:
        logit = engine.run(x)["logits"]
        shares = probabilities(logit, recipe.picture, multi_label=recipe.multi_label)
        return np.asarray(shares[:, 0], dtype=np.float32)

    return score


def _without_top(logit: Float32, recipe: Recipe) -> tuple[float | None, float | None]:
    count = recipe.num_top_slices
    if len(logit) < count + FEWEST_SLICES:
        return None, None

    def probability(kept: npt.NDArray[np.intp]) -> float:
        values, _ = scan_logit(logit[kept], recipe.slice_rule)
        return float(probabilities(values, recipe.scan, multi_label=recipe.multi_label)[0])

    everything = np.arange(len(logit))
    order = np.argsort(-logit[:, 0], kind="stable")
    at_random = np.random.default_rng(0).permutation(len(logit))
    whole = probability(everything)
    return (
        whole - probability(np.sort(order[count:])),
        whole - probability(np.sort(at_random[count:])),
    )


def _rows(trials: Sequence[Trial]) -> list[tuple[str, ...]]:
    columns: list[tuple[str, str, Callable[[Trial], float | None], Callable[[Trial], float | None]]]
    columns = [
        ("score while the hottest cells are hidden", "lower", _deletion, _deletion_random),
        ("score while the hottest cells are shown", "higher", _insertion, _insertion_random),
        ("share of the heat inside the lungs", "higher", lambda t: t.inside, lambda t: t.lungs),
        (
            "fall of a scan's score without its top slices",
            "higher",
            lambda t: t.without_top,
            lambda t: t.without_others,
        ),
    ]
    rows: list[tuple[str, ...]] = []
    for title, better, own, chance in columns:
        first, second = (_mean(trials, of) for of in (own, chance))
        if first is not None and second is not None:
            rows.append((title, _shown(first), _shown(second), better, _n(first)))
    return rows


def _deletion(trial: Trial) -> float:
    return trial.cells.deletion


def _deletion_random(trial: Trial) -> float:
    return trial.cells.deletion_random


def _insertion(trial: Trial) -> float:
    return trial.cells.insertion


def _insertion_random(trial: Trial) -> float:
    return trial.cells.insertion_random


def _mean(trials: Sequence[Trial], of: Callable[[Trial], float | None]) -> Figure | None:
    pairs = [(t.patient, v) for t in trials if (v := of(t)) is not None and np.isfinite(v)]
    return _mean_figure([p for p, _ in pairs], [v for _, v in pairs])


def _mean_figure(patients: Sequence[str], values: Sequence[float]) -> Figure | None:
    if not values:
        return None
    number, names = np.array(values, dtype=np.float64), np.array(patients)
    weight = patient_draws(names)
    low, high = percentile_interval(np.asarray(weight @ number / weight.sum(axis=1)))
    return Figure(
        value=float(number.mean()),
        low=low,
        high=high,
        num_cases=number.size,
        num_patients=int(np.unique(names).size),
    )


def _shown(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _n(figure: Figure) -> str:
    return f"{figure.num_cases} cases, {figure.num_patients} patients"


def _sanity_row(
    bundle: Bundle, engine: Runtime, inputs: Sequence[Float32], patients: Sequence[str]
) -> list[tuple[str, ...]]:
    """Likeness of the maps to those of the same network with shuffled weights."""
    title = "likeness to the map of shuffled weights"
    try:
        shuffler = importlib.import_module("ctsieve.export.shuffled")
    except ModuleNotFoundError:
        return [(title, "-", "1.000", "near 0", "needs the train extra")]
    if not inputs or HEAT not in engine.run(inputs[0][:1]):
        return []
    with tempfile.TemporaryDirectory() as scratch:
        path = shuffler.shuffled(bundle.model, Path(scratch), seed=0)
        other: Runtime = RUNTIMES["onnx"].load(path)
        values = [likeness(engine.run(x[:1])[HEAT], other.run(x[:1])[HEAT]) for x in inputs]
    figure = _mean_figure(patients, values)
    return [] if figure is None else [(title, _shown(figure), "1.000", "near 0", _n(figure))]
