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
from ctsieve.evaluation.measures import figure
from ctsieve.evaluation.sample import Sample
from ctsieve.export.int8 import quantise
from ctsieve.export.onnx import (
    TOLERANCE,
    Exported,
    Network,
    export,
    largest_difference,
    write,
)
from ctsieve.learning.calibrate import (
    OperatingPoint,
    Platt,
    balanced_weights,
    fit_platt,
    youden_point,
)
from ctsieve.learning.feed import covid_target
from ctsieve.learning.split import TUNE
from ctsieve.models.la_dnn import LESIONS, LaDnn, LaDnnMean
from ctsieve.ops.decide import sigmoid
from ctsieve.pipeline.card import CardFacts, SourceResult, metadata, model_card
from ctsieve.pipeline.collection import Collection
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.golden_inputs import NUM_GOLDEN, golden_members
from ctsieve.pipeline.scan_level import ScanLevel, scan_level, scored_scans
from ctsieve.runtime import RUNTIMES, Runtime
from ctsieve.types.cases import Case, Split, num_patients
from ctsieve.types.promise import promise
from ctsieve.types.recipe import Calibration, FittedOn, Level, Recipe, Threshold
from ctsieve.types.report import Figure

LABEL = "covid19"
CRITERION = "Platt scaling; every patient counts alike within a label, and both labels alike"
CUT_CRITERION = "largest sensitivity + specificity, weighted likewise"
ALLOWED_AUC_LOSS = 0.005
"""An 8-bit graph that loses more AUC than this on the tune side is left out."""
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

    def auc(self) -> Figure:
        """With its interval over patients."""
        area = figure(
            Sample(
                probability=sigmoid(self.logit),
                positive=self.positive,
                patient=np.array(self.patients),
                threshold=np.full(self.logit.size, 0.5),
            ),
            "auc",
        )
        promise(isinstance(area, Figure), "the tune cases are of both kinds")
        return area  # type: ignore[return-value]  # the promise above checked it


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A network, and the split whose tune side it never saw."""

    network: LaDnn
    split: Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The networks of a run: one, or one for every fold of `split`."""

    members: tuple[Member, ...]
    split: Split
    collection: Collection

    @property
    def shipped(self) -> Network:
        """What the bundle holds: the mean of all members."""
        networks = [member.network for member in self.members]
        return networks[0] if len(networks) == 1 else LaDnnMean(networks)


def release(trained: Trained, config: FitConfig, *, data: Path, folder: Path) -> Path:
    """Write a bundle to `folder`, with what was measured on tune sides; returns `folder`."""
    parts, scans = [], []
    x = trained.collection.inputs(trusted_tune(trained.members[0]))
    with tempfile.TemporaryDirectory() as scratch:
        for number, member in enumerate(trained.members):
            cases = trusted_tune(member)
            own = trained.collection.inputs(cases)
            _, engine = loaded(member.network, config, own, Path(scratch) / str(number))
            parts.append(score(engine, cases, own))
            scans += scored_scans(engine, config, member.split, data)
        scores = joined(parts)
        basis = calibration_cases(scores, config)
        picture = calibrate(basis)
        scan = scan_level(scans, picture[0].slope)
        exported, engine = loaded(trained.shipped, config, x, Path(scratch) / "shipped")
        golden = golden_members(engine, "model.onnx", config.input.size)
        small, sentence = quantised(exported, config, score(engine, parts[0].cases, x), x)
    recipe = make_recipe(config, trained.split, basis, picture, scan)
    facts = CardFacts(
        config=config,
        split=trained.split,
        point=picture[1],
        results=tuple(source_results(scores)),
        scans=scan,
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
    network: Network, config: FitConfig, x: npt.NDArray[np.float32], scratch: Path
) -> tuple[Exported, Runtime]:
    """Export a network, load the graph, and check on a few inputs that both agree."""
    exported = export(network, config.input.size, half=config.bundle.half)
    engine: Runtime = RUNTIMES["onnx"].load(write(exported, scratch))
    difference = largest_difference(network, dict(engine.run(x[:NUM_GOLDEN])), x[:NUM_GOLDEN])
    promise(difference < TOLERANCE, f"the graph equals the network, not by {difference}")
    return exported, engine


def trusted_tune(member: Member) -> tuple[Case, ...]:
    """The tune cases whose labels are trusted."""
    return tuple(case for case in member.split.sides[TUNE] if case.weight > 0.0)


def score(engine: Runtime, cases: Sequence[Case], x: npt.NDArray[np.float32]) -> TuneScores:
    """Run prepared cases through a graph."""
    return TuneScores(
        cases=tuple(cases),
        logit=engine.run(x)["logits"][:, 0].astype(np.float64),
        positive=np.array([covid_target(case) > 0.5 for case in cases]),
    )


def joined(parts: Sequence[TuneScores]) -> TuneScores:
    """The tune cases of all networks, each scored by the one that never saw it."""
    return TuneScores(
        cases=tuple(case for part in parts for case in part.cases),
        logit=np.concatenate([part.logit for part in parts]),
        positive=np.concatenate([part.positive for part in parts]),
    )


def calibration_cases(scores: TuneScores, config: FitConfig) -> TuneScores:
    """The tune cases of the sites that calibration is asked to use."""
    sites = config.data.calibrate_on
    return scores.of(np.array([not sites or case.site in sites for case in scores.cases]))


def calibrate(scores: TuneScores) -> tuple[Platt, OperatingPoint]:
    """Calibration and cut for single pictures."""
    weight = balanced_weights(scores.positive, scores.patients)
    platt = fit_platt(scores.logit, scores.positive, weight)
    return platt, youden_point(platt(scores.logit), scores.positive, weight)


def make_recipe(
    config: FitConfig,
    split: Split,
    basis: TuneScores,
    picture: tuple[Platt, OperatingPoint],
    scans: ScanLevel | None,
) -> Recipe:
    """Everything between image and answer that is not the network."""

    def fitted(criterion: str, cases: Sequence[Case]) -> FittedOn:
        return FittedOn(
            data="+".join(sorted({case.site for case in cases})),
            digest=split.digest,
            criterion=criterion,
            num_cases=len(cases),
            num_patients=num_patients(cases),
            leakage=split.leakage,
        )

    single = level(*picture, fitted(CRITERION, basis.cases), fitted(CUT_CRITERION, basis.cases))
    scan = single
    if scans is not None:
        how, cut = (fitted(c, scans.cases) for c in (scans.criterion, scans.cut_criterion))
        scan = level(scans.platt, scans.point, how, cut)
    scan = scan.model_copy(update={"uncertain": config.bundle.scan_uncertain})
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
        golden = golden_members(engine, path.name, config.input.size)
    golden.pop("golden/input.npz")
    return {path.name: graph, **golden}, f"The 8-bit graph's tune AUC is lower by {loss:.4f}."
