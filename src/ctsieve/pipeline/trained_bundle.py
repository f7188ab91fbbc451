"""A run folder becomes a bundle: exported, scored on its tune side, calibrated where that suffices.

weights, export, screen the tune side, calibrate, write: straight down the page, no branch on the
family.  The tune cases are screened by the very graph and recipe that the bundle ships.
"""

import logging
import tempfile
from dataclasses import replace
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from ctsieve.bundles.bundle import Bundle, write_bundle
from ctsieve.export.agreement import computed
from ctsieve.learning.split import TUNE
from ctsieve.learning.split_file import read_split
from ctsieve.pipeline.architecture import WEIGHTS, build_network
from ctsieve.pipeline.evaluation_files import Evidence, Options, build_page, write_evaluation
from ctsieve.pipeline.golden_inputs import synthetic_chests
from ctsieve.pipeline.monai_metadata import metadata
from ctsieve.pipeline.package import Description, package
from ctsieve.pipeline.run_record import CONFIG, RESULT, SPLIT, read_json
from ctsieve.pipeline.score import score
from ctsieve.pipeline.score_file import save_scores
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.settings import checked
from ctsieve.pipeline.train import walked_cases
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.pipeline.trained_card import TrainedFacts, about, model_card
from ctsieve.pipeline.tune_calibration import TuneCalibration, calibrated_on_tune, rescored
from ctsieve.pipeline.uncalibrated import FOUND, KINDS, num_kinds, plain_recipe
from ctsieve.types.cases import Case, Split
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.recipe import InputSpec, Recipe
from ctsieve.types.scores import ScoreTable

CURVES = "curves.png"
FIGURES = "figures/curves.png"
"""The member that the curves become."""
SCORES = "scores.csv"

logger = logging.getLogger(__name__)


def bundle_run(run: Path, *, data: Path) -> Path:
    """Make the bundle of a run that has ended; returns its folder, below `run`.

    Scores of the tune side, and where there are any their evaluation, go to `run`/tune.

    Raises:
        UsageError: `run` has not ended, or `bundle.kinds` does not fit the network.
        InputRejected: the data are no longer those of the run.
    """
    config = checked(TrainConfig, read_json(run / CONFIG))
    split = split_of(run, config, data)
    network = trained_network(run, config)
    recipe = recipe_of(network, config)
    with tempfile.TemporaryDirectory() as scratch:
        plain = package(network, description(config, recipe), Path(scratch) / "plain")
        table = score(Screener.load(plain.folder), tune_cases(split, config), side=TUNE)
        calibrated = calibrated_on_tune(recipe, table, split)
        card = model_card(
            TrainedFacts(
                config=config,
                split=split,
                figures=read_json(run / RESULT)["figures"],
                calibrated=calibrated,
                table=table,
            )
        )
        bundle = _written(plain, run, config, calibrated=calibrated, card=card)
    write_tune(bundle, rescored(table, calibrated.recipe), calibrated, run / "tune")
    return bundle.folder


def split_of(run: Path, config: TrainConfig, data: Path) -> Split:
    """The split that a run was trained on, its cases found again.

    Raises:
        UsageError: the folder has no split.
        InputRejected: cases are missing or have other labels or patients.
    """
    return read_split(run / SPLIT, walked_cases(config, data))


def tune_cases(split: Split, config: TrainConfig) -> tuple[Case, ...]:
    """The tune cases whose class is known; sites that were only segmented have none to trust."""
    left_out = config.task.get("only_segment", ())
    return tuple(case for case in split.sides[TUNE] if case.site not in left_out)


def trained_network(run: Path, config: TrainConfig) -> nn.Module:
    """The network of a run with the weights that it ended with.

    Raises:
        UsageError: there are none.
    """
    file = run / WEIGHTS
    if not file.is_file():
        raise UsageError(f"{run.name!r} has no {WEIGHTS}", hint="finish the run with --resume")
    section = config.model.model_copy(update={"initial": "random", "start": ""})
    network = build_network(section, config.data.labels, folder=run.parent)
    network.load_state_dict(load_file(file))
    return network.eval()


def recipe_of(network: nn.Module, config: TrainConfig) -> Recipe:
    """Everything between image and answer as the run prepared its tune side, nothing fitted yet.

    Raises:
        UsageError: `bundle.kinds` names another number of kinds than the network tells apart.
    """
    outputs = computed(network, synthetic_chests(1, config.input.size))
    recipe = plain_recipe(
        network,
        outputs,
        labels=config.data.labels[::-1] if "logits" in outputs else (),
        spec=input_of(config),
        kinds=kinds_of(network, config) if FOUND in outputs else (),
    )
    return recipe.model_copy(update={"slice_rule": config.bundle.slice_rule})


def input_of(config: TrainConfig) -> InputSpec:
    """The run's input; of scans of a fixed length, that many slices."""
    length = int(config.task.get("length", 0))
    return config.input.model_copy(update={"num_slices": length}) if length else config.input


def kinds_of(network: nn.Module, config: TrainConfig) -> tuple[str, ...]:
    """Names of a detector's kinds of objects.

    Where a run teaches fewer kinds than the paper's, the paper's names would be wrong.

    Raises:
        UsageError: the settings name another number of them.
    """
    number, given = num_kinds(network), config.bundle.kinds
    if given and len(given) != number:
        raise UsageError(
            f"bundle.kinds has {len(given)} names, and the network tells {number} kinds apart",
            hint="see model.settings.detector.branches.num_kinds, which counts one more",
        )
    taught = len(config.task.get("kinds", ())) or number
    if not given and (taught != number or number + 1 not in KINDS):
        return tuple(f"object {k}" for k in range(1, number + 1))
    return given or KINDS[number + 1]


def description(config: TrainConfig, recipe: Recipe) -> Description:
    """What the bundle says of itself before its card is known."""
    return Description(
        name=config.bundle_name,
        version=config.bundle.version,
        recipe=recipe,
        model_card="# to be written\n",
        metadata=metadata(about(config), recipe),
    )


def _written(
    plain: Bundle, run: Path, config: TrainConfig, *, calibrated: TuneCalibration, card: str
) -> Bundle:
    """The bundle with its final recipe, card and curves, at its place."""
    members = {name: (plain.folder / name).read_bytes() for name in plain.manifest.members}
    members["recipe.json"] = (calibrated.recipe.model_dump_json(indent=1) + "\n").encode()
    members["MODEL_CARD.md"] = card.encode()
    if (run / CURVES).is_file():
        members[FIGURES] = (run / CURVES).read_bytes()
    name = config.bundle_name
    return write_bundle(run / name, members, name=name, version=config.bundle.version)


def write_tune(bundle: Bundle, table: ScoreTable, calibrated: TuneCalibration, out: Path) -> None:
    """Scores of the tune side and, where there is something to evaluate, the evaluation."""
    table = replace(table, bundle=bundle.identity)
    out.mkdir(parents=True, exist_ok=True)
    save_scores(table, out / SCORES)
    if not calibrated.results:
        return
    options = Options(
        positive=table.labels[0], negative=tuple(sorted({row.label for row in table.rows}))
    )
    evidence = Evidence(
        screener=Screener.load(bundle.folder),
        doubts=("Calibration, thresholds and the epoch were chosen on these very cases.",),
    )
    try:
        page = build_page(table, options=options, evidence=evidence)
    except InputRejected as error:
        # A finished run is none the worse for too few tune patients: its scores are kept.
        logger.warning("the tune side is not evaluated: %s", error)
        return
    write_evaluation(page, table, out, scores_name=SCORES)
