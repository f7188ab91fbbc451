"""A trained network becomes a bundle: scored on the tune side, calibrated, exported, described.

Everything fitted here is fitted on the tune side, through the graph that production runs.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.bundles.bundle import write_bundle
from ctsieve.bundles.verify import golden_member, make_golden
from ctsieve.export.int8 import quantise
from ctsieve.export.onnx import TOLERANCE, Exported, export, largest_difference, write
from ctsieve.learning.calibrate import (
    Auc,
    OperatingPoint,
    Platt,
    auc_interval,
    balanced_weights,
    fit_platt,
    youden_point,
)
from ctsieve.learning.feed import cached_views, covid_target
from ctsieve.learning.split import TUNE
from ctsieve.models.la_dnn import LESIONS, LaDnn
from ctsieve.pipeline.card import CardFacts, SourceResult, metadata, model_card
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.scan_level import ScanLevel, scan_level
from ctsieve.runtime import RUNTIMES, Runtime
from ctsieve.types.cases import Case, Split, num_patients
from ctsieve.types.promise import promise
from ctsieve.types.recipe import Calibration, FittedOn, Level, Recipe, Threshold

LABEL = "covid19"
CRITERION = "Platt scaling; every patient counts alike within a label, and both labels alike"
CUT_CRITERION = "largest sensitivity + specificity, weighted likewise"
ALLOWED_AUC_LOSS = 0.005
"""An 8-bit graph that loses more AUC than this on the tune side is left out."""
NUM_GOLDEN = 2
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TuneScores:
    """Logits of the tune cases through a graph, with their truth."""

    cases: tuple[Case, ...]
    logit: Floats
    positive: npt.NDArray[np.bool_]

    @property
    def patients(self) -> list[str]:
        """One per case."""
        return [case.patient for case in self.cases]

    def of(self, keep: npt.NDArray[np.bool_]) -> "TuneScores":
        """Some of them."""
        cases = tuple(case for case, k in zip(self.cases, keep, strict=True) if k)
        return TuneScores(cases=cases, logit=self.logit[keep], positive=self.positive[keep])

    def auc(self) -> Auc:
        """With its interval over patients."""
        return auc_interval(self.logit, self.positive, self.patients)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The network that never saw the tune side, and the one to ship; they may be the same."""

    measured: LaDnn
    shipped: LaDnn


def release(trained: Trained, config: FitConfig, split: Split, *, data: Path, folder: Path) -> Path:
    """Write a bundle to `folder`, with what was measured on the tune side; returns `folder`."""
    cases, x = tune_inputs(config, split, folder.parent / "cache")
    with tempfile.TemporaryDirectory() as scratch:
        _, engine = loaded(trained.measured, config, x, Path(scratch) / "measured")
        scores = score(engine, cases, x)
        picture = calibrate(scores)
        scans = scan_level(engine, config, split, data, picture[0].slope)
        exported, engine = loaded(trained.shipped, config, x, Path(scratch) / "shipped")
        golden = _golden(engine, "model.onnx", config.input.size)
        small, sentence = quantised(exported, config, score(engine, cases, x), x)
    recipe = make_recipe(config, split, scores, picture, scans)
    facts = CardFacts(
        config=config,
        split=split,
        point=picture[1],
        results=tuple(source_results(scores)),
        scans=scans,
        quantised=sentence,
    )
    members = {
        "model.onnx": exported.graph,
        "weights.safetensors": exported.weights,
        "recipe.json": (recipe.model_dump_json(indent=1) + "\n").encode(),
        "metadata.json": metadata(config).encode(),
        "MODEL_CARD.md": model_card(facts).encode(),
        **golden,
        **small,
    }
    write_bundle(folder, members, name=config.bundle.name, version=config.bundle.version)
    return folder


def loaded(
    network: LaDnn, config: FitConfig, x: npt.NDArray[np.float32], scratch: Path
) -> tuple[Exported, Runtime]:
    """Export a network, load the graph, and check on a few inputs that both agree."""
    exported = export(network, config.input.size)
    engine: Runtime = RUNTIMES["onnx"].load(write(exported, scratch))
    difference = largest_difference(network, dict(engine.run(x[:NUM_GOLDEN])), x[:NUM_GOLDEN])
    promise(difference < TOLERANCE, f"the graph equals the network, not by {difference}")
    return exported, engine


def tune_inputs(
    config: FitConfig, split: Split, cache: Path
) -> tuple[tuple[Case, ...], npt.NDArray[np.float32]]:
    """The tune cases whose labels are trusted, and their inputs (N, 1, R, C)."""
    cases = split.sides[TUNE]
    views = cached_views(cases, config.input, windows=[config.input.window], folder=cache)
    trusted = np.array([case.weight > 0.0 for case in cases])
    pixels = np.asarray(views.pixels[views.first[trusted]])
    x = pixels[:, None].astype(np.float32) / np.float32(255.0)
    return tuple(case for case, t in zip(cases, trusted, strict=True) if t), x


def score(engine: Runtime, cases: Sequence[Case], x: npt.NDArray[np.float32]) -> TuneScores:
    """Run prepared cases through a graph."""
    return TuneScores(
        cases=tuple(cases),
        logit=engine.run(x)["logits"][:, 0].astype(np.float64),
        positive=np.array([covid_target(case) > 0.5 for case in cases]),
    )


def calibrate(scores: TuneScores) -> tuple[Platt, OperatingPoint]:
    """Calibration and cut for single pictures."""
    weight = balanced_weights(scores.positive, scores.patients)
    platt = fit_platt(scores.logit, scores.positive, weight)
    return platt, youden_point(platt(scores.logit), scores.positive, weight)


def make_recipe(
    config: FitConfig,
    split: Split,
    scores: TuneScores,
    picture: tuple[Platt, OperatingPoint],
    scans: ScanLevel | None,
) -> Recipe:
    """Everything between image and answer that is not the network."""

    def fitted(criterion: str, cases: Sequence[Case]) -> FittedOn:
        return FittedOn(
            data=split.name,
            digest=split.digest,
            criterion=criterion,
            num_cases=len(cases),
            num_patients=num_patients(cases),
        )

    single = level(*picture, fitted(CRITERION, scores.cases), fitted(CUT_CRITERION, scores.cases))
    scan = single
    if scans is not None:
        how, cut = (fitted(c, scans.cases) for c in (scans.criterion, scans.cut_criterion))
        scan = level(scans.platt, scans.point, how, cut)
    return Recipe(
        labels=(LABEL,),
        multi_label=True,
        lesions=LESIONS,
        input=config.input,
        slice_rule=config.bundle.slice_rule,
        picture=single,
        scan=scan,
    )


def level(platt: Platt, point: OperatingPoint, how: FittedOn, cut: FittedOn) -> Level:
    """One label's calibration and threshold with their origin."""
    return Level(
        calibration=(Calibration(slope=platt.slope, intercept=platt.intercept, fitted=how),),
        thresholds=(
            Threshold(
                label=LABEL,
                value=point.threshold,
                fitted=cut,
                sensitivity=point.sensitivity,
                specificity=point.specificity,
            ),
        ),
    )


def source_results(scores: TuneScores) -> list[SourceResult]:
    """AUC over everything, within COVID-CT, and over the other sources; then each source."""
    site = np.array([case.site for case in scores.cases])
    groups = {"all sources": site != "", "COVID-CT alone": site == "covid_ct"}
    groups["all but COVID-CT"] = site != "covid_ct"
    groups |= {f"site {name}": site == name for name in sorted(set(site))}
    results = []
    for name, keep in groups.items():
        part = scores.of(keep)
        both = part.positive.any() and not part.positive.all()
        results.append(
            SourceResult(
                name=name,
                num_positive=int(part.positive.sum()),
                num_negative=int((~part.positive).sum()),
                num_patients=num_patients(part.cases),
                auc=part.auc() if both else None,
                logits=tuple(float(v) for v in np.percentile(part.logit, (10, 50, 90)))
                if len(part.cases)
                else (),
            )
        )
    return [row for row in results if row.num_positive + row.num_negative]


def quantised(
    exported: Exported, config: FitConfig, scores: TuneScores, x: npt.NDArray[np.float32]
) -> tuple[dict[str, bytes], str]:
    """The 8-bit graph with its golden numbers, if it is as good; and a sentence about it."""
    if not config.bundle.quantise:
        return {}, "No 8-bit graph was made."
    graph = quantise(exported, x[:: max(1, len(x) // 128)])
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.int8.onnx"
        path.write_bytes(graph)
        engine = RUNTIMES["onnx"].load(path)
        loss = scores.auc().value - score(engine, scores.cases, x).auc().value
        if loss > ALLOWED_AUC_LOSS:
            return {}, f"An 8-bit graph lost {loss:.3f} of tune AUC and was left out."
        golden = _golden(engine, path.name, config.input.size)
    golden.pop("golden/input.npz")
    return {path.name: graph, **golden}, f"The 8-bit graph's tune AUC is lower by {loss:.4f}."


def _golden(engine: Runtime, graph: str, size: tuple[int, int]) -> dict[str, bytes]:
    """Synthetic inputs, and what the graph makes of them."""
    given, wanted = make_golden(engine, synthetic_chests(NUM_GOLDEN, size))
    return {"golden/input.npz": given, golden_member(graph): wanted}


def synthetic_chests(number: int, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Two dark ellipses in a bright one, the later ones with a brighter patch: (N, 1, R, C)."""
    row, column = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in size), indexing="ij")
    lungs = np.minimum(np.hypot(row, 2.5 * (column - 0.45)), np.hypot(row, 2.5 * (column + 0.45)))
    chest = np.where(lungs < 0.9, 0.2, 0.9)
    patch = np.exp(-20.0 * ((row - 0.4) ** 2 + (column - 0.5) ** 2))
    planes = [np.clip(chest + 0.5 * k * patch, 0.0, 1.0) for k in range(number)]
    levels = np.rint(np.stack(planes) * 255.0)[:, None]
    return np.asarray(levels / 255.0, dtype=np.float32)
