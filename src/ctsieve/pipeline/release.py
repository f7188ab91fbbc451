"""A trained network becomes a bundle: scored on the tune side, calibrated, exported, described.

Everything fitted here is fitted on the tune side, through the graph that production runs.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.bundles.bundle import HELD_OUT, write_bundle
from ctsieve.evaluation.ranking import auc
from ctsieve.explain import gradcam
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
)
from ctsieve.learning.split import TUNE
from ctsieve.models.la_dnn import LESIONS, LaDnn, LaDnnMean
from ctsieve.pipeline.card import CardFacts, about, model_card
from ctsieve.pipeline.collection import Collection
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.golden_inputs import NUM_GOLDEN, golden_members
from ctsieve.pipeline.held_out import held_out_bytes, held_out_scores, scan_score, slice_rows
from ctsieve.pipeline.monai_metadata import metadata
from ctsieve.pipeline.scan_level import ScanLevel, ScanRow, scan_level, scored_scans
from ctsieve.pipeline.score_file import save_scores
from ctsieve.pipeline.tune_scores import (
    TuneScores,
    calibrate,
    calibration_cases,
    joined,
    source_results,
    tune_scores,
)
from ctsieve.runtime import RUNTIMES, ModelOutput, Runtime
from ctsieve.types.cases import Case, Split, num_patients
from ctsieve.types.promise import promise
from ctsieve.types.recipe import Calibration, FittedOn, Level, Recipe, Threshold

LABEL = "covid19"
CRITERION = "Platt scaling; every patient counts alike within a label, and both labels alike"
CUT_CRITERION = "largest sensitivity + specificity, weighted likewise"
ALLOWED_AUC_LOSS = 0.005
"""An 8-bit graph that loses more AUC than this on the tune side is left out."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A network, and the split whose tune side it never saw."""

    network: LaDnn
    split: Split


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """What one network said of the patients it never saw."""

    network: str
    """Which of several, empty where there is one only."""
    cases: tuple[Case, ...]
    output: ModelOutput
    scans: tuple[ScanRow, ...]


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
    """Write a bundle to `folder`, with what was measured on tune sides; returns `folder`.

    The held-out scores stand in the bundle, and with its digest beside it.
    """
    x = trained.collection.inputs(trusted_tune(trained.members[0]))
    with tempfile.TemporaryDirectory() as scratch:
        judged = held_out_of(trained, config, data=data, scratch=Path(scratch))
        parts = [tune_scores(part.cases, part.output) for part in judged]
        scores = joined(parts)
        basis = calibration_cases(scores, config)
        picture = calibrate(basis)
        scan = scan_level([row for part in judged for row in part.scans], picture[0].slope)
        exported, engine = loaded(trained.shipped, config, x, Path(scratch) / "shipped")
        golden = golden_members(engine, "model.onnx", config.input.size)
        small, sentence = quantised(exported, engine, config, parts[0].cases, x)
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
        "metadata.json": metadata(about(config), recipe, [gradcam.OUTPUT]).encode(),
        "MODEL_CARD.md": model_card(facts).encode(),
        HELD_OUT: held_out_member(judged, recipe, config),
        **golden,
        **small,
    }
    name, version = config.bundle.name, config.bundle.version
    bundle = write_bundle(folder, members, name=name, version=version)
    save_scores(held_out_scores(bundle), folder.parent / "held_out.csv")
    return folder


def held_out_of(
    trained: Trained, config: FitConfig, *, data: Path, scratch: Path
) -> tuple[Judged, ...]:
    """What every network says of its own tune side, through the graph it would be shipped as."""
    found = []
    for number, member in enumerate(trained.members, start=1):
        cases = trusted_tune(member)
        x = trained.collection.inputs(cases)
        _, engine = loaded(member.network, config, x, scratch / str(number))
        found.append(
            Judged(
                network=f"{number} of {len(trained.members)}" if len(trained.members) > 1 else "",
                cases=cases,
                output=engine.run(x),
                scans=tuple(scored_scans(engine, config, member.split, data)),
            )
        )
    return tuple(found)


def held_out_member(judged: Sequence[Judged], recipe: Recipe, config: FitConfig) -> bytes:
    """The bundle's file of held-out scores: of slices, and of scans."""
    rows = [
        row
        for part in judged
        for row in (
            *slice_rows(part.cases, part.output, recipe, network=part.network),
            *(scan_score(s.case, s.logits, recipe, network=part.network) for s in part.scans),
        )
    ]
    return held_out_bytes(rows, recipe, name=config.bundle.name, version=config.bundle.version)


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


def quantised(
    exported: Exported,
    engine: Runtime,
    config: FitConfig,
    cases: Sequence[Case],
    x: npt.NDArray[np.float32],
) -> tuple[dict[str, bytes], str]:
    """The 8-bit graph with its golden numbers, if it is as good; and a sentence about it."""
    if not config.bundle.quantise:
        return {}, "No 8-bit graph was made."
    scores = tune_scores(cases, engine.run(x))
    graph = quantise(exported, x[:: max(1, len(x) // 128)])
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.int8.onnx"
        path.write_bytes(graph)
        smaller = RUNTIMES["onnx"].load(path)
        small = tune_scores(cases, smaller.run(x))
        loss = auc(scores.logit, scores.positive) - auc(small.logit, small.positive)
        if loss > ALLOWED_AUC_LOSS:
            return {}, f"An 8-bit graph lost {loss:.3f} of tune AUC and was left out."
        golden = golden_members(smaller, path.name, config.input.size)
    golden.pop("golden/input.npz")
    return {path.name: graph, **golden}, f"The 8-bit graph's tune AUC is lower by {loss:.4f}."
