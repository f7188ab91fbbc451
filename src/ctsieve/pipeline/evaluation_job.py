"""What `ctsieve evaluate` does: find cases or scores, score where there are none, report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ctsieve.bundles.bundle import Bundle
from ctsieve.bundles.store import DEFAULT, find
from ctsieve.datasets import DATASETS
from ctsieve.evaluation.charts import Chart
from ctsieve.evaluation.doubts import doubts_of, doubts_table
from ctsieve.evaluation.page import Page
from ctsieve.evaluation.protocols import PROTOCOLS
from ctsieve.evaluation.tune import TUNE
from ctsieve.pipeline.case_list import cases_in, named_sets, side_in_file, side_of
from ctsieve.pipeline.data import mask_meanings
from ctsieve.pipeline.dealing import dealt
from ctsieve.pipeline.evaluation_files import Evidence, Options, build_page, write_evaluation
from ctsieve.pipeline.faithfulness import faithfulness_table
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.held_out import held_out_scores
from ctsieve.pipeline.kept_back import refuse_as_tune
from ctsieve.pipeline.lesion_file import is_lesion_file, lesions_beside, load_lesions
from ctsieve.pipeline.score_file import is_score_file, load_scores
from ctsieve.pipeline.score_lesions import score_with_lesions
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.seen import seen_doubts
from ctsieve.pipeline.stamp import audit_in_words
from ctsieve.types.cases import Case
from ctsieve.types.errors import CtsieveError, InputRejected, UsageError
from ctsieve.types.lesion_table import LesionTable
from ctsieve.types.recipe import Recipe
from ctsieve.types.report import Table
from ctsieve.types.results import BundleIdentity
from ctsieve.types.scores import ScoreTable

NO_BUNDLE = "-"
Report = Callable[[int, int], None]

FOLDED = (
    "The shipped networks have learned from these cases: with these settings each is trained on "
    "all folds but its own. What is measured here is memory as much as skill; the model card has "
    "the numbers of networks that never saw the patients they were measured on."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to evaluate on what."""

    bundle: str = DEFAULT
    data: Path | None = None
    """Scores, cases or a collection; None: the held-out scores that the bundle carries."""
    datasets: tuple[str, ...] = ()
    side: str = ""
    config: Path | None = None
    """Settings of the training run whose split to use."""
    split: Path | None = None
    """A split file, in place of settings."""
    audit: Path | None = None
    """What `ctsieve data audit` wrote of these cases and the training data."""
    images: Path | None = None
    """Where the cases of given scores lie, so that wrong calls can be shown."""
    threads: int | None = None
    faithfulness: int = 0
    mask_values: Mapping[int, str] = field(default_factory=dict)
    """What the values of masks mean, in place of what their data sets say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Scores, and what they were made with where that is at hand."""

    table: ScoreTable
    lesions: LesionTable | None = None
    num_masks: int = 0
    """Of cases with a mask that a bundle without lesions was given."""
    recipe: Recipe | None = None
    screener: Screener | None = None
    cases: Mapping[str, Case] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


def evaluate_job(
    job: Job, options: Options, out: Path | None, *, progress: Report | None = None
) -> Page:
    """Score, report, and write the report where `out` says.

    Raises:
        InputRejected: cases or scores are unfit.
        BundleError: the bundle is missing or damaged.
        UsageError: the job cannot mean anything.
    """
    scored = scored_of(job, progress=progress)
    evidence = Evidence(
        screener=scored.screener,
        recipe=scored.recipe,
        cases=scored.cases,
        faithfulness=_faithfulness(job, scored),
        doubts=(*scored.doubts, *_leaks(scored)),
        audit="" if job.audit is None else audit_in_words(job.audit),
        lesions=scored.lesions,
        num_masks=scored.num_masks,
    )
    page = build_page(scored.table, options=options, evidence=evidence)
    if out is not None:
        write_evaluation(
            page, scored.table, out, scores_name=options.scores_name, lesions=scored.lesions
        )
    return page


def protocol_job(
    job: Job, name: str, baseline: Path | None = None, *, progress: Report | None = None
) -> tuple[tuple[Table, ...], tuple[Chart, ...]]:
    """A paper's tables, its published numbers beside those of the job, and its figures.

    The last table says what speaks against the job's numbers, where anything does.

    Raises:
        UnknownName: there is no such protocol.
        InputRejected: the bundle does not answer what the paper asks.
    """
    card = PROTOCOLS[name]
    scored = scored_of(job, progress=progress)
    other = None if baseline is None else load_scores(baseline)
    tables = card.tables(scored.table)
    if scored.lesions is not None and card.lesion_tables is not None:
        tables = card.lesion_tables(scored.lesions, tables)
    doubts = (*scored.doubts, *_leaks(scored), *doubts_of(scored.table.rows))
    return (*tables, *doubts_table(doubts)), card.charts(scored.table, other)


def scored_of(job: Job, *, progress: Report | None = None) -> Scored:
    """The scores of a job: read, or made.

    Raises:
        InputRejected: the scores are another bundle's.
    """
    if job.data is None:
        return _with_images(job, _held_out(job))
    if is_lesion_file(job.data):
        return _drawn(job.bundle, job.data)
    if is_score_file(job.data):
        return _with_images(job, _read(job.bundle, job.data))
    if job.images is not None:
        raise UsageError("--images goes with scores", hint="DATA already holds the images")
    if job.bundle == NO_BUNDLE:
        raise _no_scores(job.data)
    cases, doubts = _cases(job, job.data)
    if job.side == TUNE:  # whatever `calibrate` fits is fitted on such rows
        refuse_as_tune(cases, job.data, chosen=job.split is not None)
    screener = Screener.load(job.bundle, threads=job.threads)
    table, lesions = score_with_lesions(
        screener, cases, meaning=_meaning(job, job.data), side=job.side, progress=progress
    )
    if lesions is not None and not table.labels:
        table = lesions.as_scores
    return Scored(
        table=table,
        lesions=lesions,
        num_masks=sum(case.mask is not None for case in cases),
        recipe=screener.bundle.recipe,
        screener=screener,
        cases={case.id: case for case in cases},
        doubts=doubts or seen_doubts(screener.bundle, table),
    )


def _no_scores(path: Path) -> CtsieveError:
    columns = "a score file is a .csv with the columns case, patient, label, score:LABEL, "
    if path.is_dir():
        return UsageError(
            f"{path.name} is no score file, so a bundle is needed", hint="give a bundle's name"
        )
    if not path.exists():
        return InputRejected(f"there is no file {path.name}")
    return InputRejected(f"{path.name} is no score file", hint=f"{columns}threshold:LABEL")


def _with_images(job: Job, scored: Scored) -> Scored:
    """The same with the images of its cases; the data sets are those that sites are named after."""
    if job.images is None:
        return scored
    if scored.recipe is None:
        raise UsageError("--images draws explanations", hint="name the bundle of the scores, too")
    sites = {row.site for row in scored.table.rows}
    named = [name for name in DATASETS.names() if name.replace("-", "_") in sites]
    cases = cases_in(job.images, datasets=job.datasets or named)
    found = {case.id: case for case in cases}
    if not any(row.case in found for row in scored.table.rows):
        raise InputRejected(f"none of the scores' cases lies in {job.images.name}")
    return replace(scored, screener=Screener.load(job.bundle, threads=job.threads), cases=found)


def _held_out(job: Job) -> Scored:
    given = {
        "--side": bool(job.side),
        "--config": job.config is not None,
        "--split": job.split is not None,
        "--dataset": bool(job.datasets) and job.images is None,
        "--faithfulness": job.faithfulness > 0,
    }
    if asked := [name for name, is_given in given.items() if is_given]:
        raise UsageError(f"{asked[0]} asks for cases", hint="give DATA after BUNDLE")
    if job.bundle == NO_BUNDLE:
        raise UsageError("there is nothing to evaluate", hint="give a bundle, or --scores FILE")
    bundle = find(job.bundle)
    return Scored(table=held_out_scores(bundle), recipe=bundle.recipe)


def _read(bundle: str, path: Path) -> Scored:
    table = load_scores(path)
    lesions = lesions_beside(path, digest=table.bundle.digest)
    made_by = _bundle(bundle, path, table.bundle)
    if made_by is None:
        return Scored(table=table, lesions=lesions)
    doubts = seen_doubts(made_by, table)
    return Scored(table=table, lesions=lesions, recipe=made_by.recipe, doubts=doubts)


def _drawn(bundle: str, path: Path) -> Scored:
    """What a lesions file says by itself: nothing about classes."""
    lesions = load_lesions(path)
    made_by = _bundle(bundle, path, lesions.identity)
    recipe = None if made_by is None else made_by.recipe
    return Scored(table=lesions.as_scores, lesions=lesions, recipe=recipe)


def _bundle(bundle: str, path: Path, made_by: BundleIdentity) -> Bundle | None:
    """The bundle that is said to have made a file; None where none is said."""
    if bundle == NO_BUNDLE:
        return None
    found = find(bundle)
    own = found.identity
    if own.digest != made_by.digest:
        raise InputRejected(
            f"{path.name} holds scores of {made_by.name} {made_by.version}, not of "
            f"this {own.name} {own.version}",
            hint=f"say {NO_BUNDLE} in place of the bundle, or score the cases again",
        )
    return found


def _meaning(job: Job, data: Path) -> Callable[[Case], Mapping[int, str]]:
    """What masks draw: as the command says, else as the cards of their data sets do."""
    if job.mask_values or data.suffix == ".csv":
        return lambda _: job.mask_values
    if job.config is not None:
        return mask_meanings(FitConfig.load(job.config).data.sets, data)
    return mask_meanings(named_sets(job.datasets, job.split), data)


def _cases(job: Job, data: Path) -> tuple[list[Case], tuple[str, ...]]:
    if job.split is not None:
        names = named_sets(job.datasets, job.split)
        return side_in_file(data, job.split, _side(job), datasets=names), ()
    if job.config is None:
        return cases_in(data, datasets=job.datasets), ()
    config = FitConfig.load(job.config)
    whole = dealt(config.data, cases_in(data, datasets=config.data.sets), folds=config.run.folds)
    found = side_of(whole, _side(job))
    wanted = [case for case in found if not job.datasets or case.site in _sites(job.datasets)]
    return wanted, (FOLDED,) if config.run.folds > 1 else ()


def _side(job: Job) -> str:
    if not job.side:
        raise UsageError("a split has sides", hint="say which one with --side")
    return job.side


def _sites(datasets: tuple[str, ...]) -> set[str]:
    return {name.replace("-", "_") for name in datasets}


def _leaks(scored: Scored) -> tuple[str, ...]:
    found = () if scored.recipe is None else scored.recipe.leakage
    return tuple(f"The bundle was made from a split that leaks: {text}" for text in found)


def _faithfulness(job: Job, scored: Scored) -> tuple[Table, ...]:
    if not job.faithfulness or scored.screener is None:
        return ()
    judged = [scored.cases[row.case] for row in scored.table.judged if row.case in scored.cases]
    step = max(1, len(judged) // job.faithfulness)
    chosen = judged[::step][: job.faithfulness]
    return (faithfulness_table(scored.screener.bundle, chosen),) if chosen else ()
