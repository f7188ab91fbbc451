"""Trials: a candidate bundle and the one in use judge the locked sets, by the production screener.

A worker does it.  Every score is written down as it is made, so that a crash costs one case and the
next candidate finds those of the bundle in use.
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from dbos import DBOS
from pydantic import BaseModel, ConfigDict, TypeAdapter

from ctsieve.bundles.verify import verify
from ctsieve.datasets.release import walk
from ctsieve.evaluation.noninferiority import NotWorse, Rule, not_worse
from ctsieve.jobs.storage import Storage
from ctsieve.pipeline.score import score_case
from ctsieve.pipeline.screen import Screener
from ctsieve.types.cases import Case
from ctsieve.types.errors import BundleError, CtsieveError
from ctsieve.types.scores import CaseScore, ScoreTable

TRY: Final = "try-candidate"
"""Name of the workflow that tries a candidate."""
TRIALS: Final = "ctsieve-trials"
"""Name of its queue: of its own, so that patients do not wait for it."""
BUNDLES: Final = "bundles"
"""Folder of bundles that the service brought: `bundles/<name>/<version>`."""
_SCORES: Final = "trials"

logger = logging.getLogger(__name__)
Load = Callable[[str | None], Screener]
Stage = Callable[[str, int, int], None]


class Trial(BaseModel):
    """Which bundle is to take the place of which, judged on what, by which rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: str
    candidate_digest: str
    current: str | None
    current_digest: str
    locked: tuple[str, ...]
    """Folders of the locked sets in the storage."""
    locked_digests: tuple[str, ...]
    positive: str
    rule: Rule

    @property
    def id(self) -> str:
        """Name of the job: the same question is asked once."""
        asked = [self.candidate_digest, self.current_digest, sorted(self.locked_digests)]
        text = json.dumps([*asked, self.positive, dataclasses.asdict(self.rule)])
        return f"trial-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


class Verdict(BaseModel):
    """What came of a trial."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holds: bool
    """Whether the candidate may be promoted."""
    reasons: tuple[str, ...]
    """Why not."""
    found: NotWorse | None = None
    """The figures; None where the trial could not be held."""


class TrialState(BaseModel):
    """How a trial stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Literal["queued", "running", "finished", "failed"]
    done: int = 0
    total: int = 0
    verdict: Verdict | None = None


def trial_workflow(storage: Storage, load: Load, stage: Stage) -> Callable[..., dict[str, Any]]:
    """The workflow; what it returns is the JSON of a `Verdict`."""

    def try_candidate(trial_json: dict[str, Any]) -> dict[str, Any]:
        return DBOS.run_step({"name": "try"}, step, trial_json)

    def step(trial_json: dict[str, Any]) -> dict[str, Any]:
        trial = Trial.model_validate(trial_json)
        logger.info("%s: scoring the locked sets", trial.id)
        verdict = hold_trial(trial, storage, load, stage)
        logger.info("%s: %s", trial.id, "not worse" if verdict.holds else "refused")
        return verdict.model_dump(mode="json")

    return try_candidate


def hold_trial(trial: Trial, storage: Storage, load: Load, stage: Stage) -> Verdict:
    """Score all locked cases with both bundles and compare.

    A bundle or a locked set that cannot be used makes a verdict that says so.
    """
    try:
        cases = [case for name in trial.locked for case in walk(storage.fetch(name))]
        tables = []
        pair = (trial.current, trial.current_digest), (trial.candidate, trial.candidate_digest)
        for number, (bundle, digest) in enumerate(pair):
            kept = storage.home / _SCORES / f"{digest}.jsonl"
            told = _counting(stage, number * len(cases), 2 * len(cases))
            scores = _scores(load(bundle), cases, kept, told)
            tables.append(scores)
        _check_golden(load(trial.candidate))
        found = not_worse(tables[1], tables[0], positive=trial.positive, rule=trial.rule)
    except CtsieveError as error:
        return Verdict(holds=False, reasons=(str(error),))
    return Verdict(holds=found.holds, reasons=found.reasons(), found=found)


def _counting(stage: Stage, before: int, total: int) -> Callable[[int], None]:
    return lambda done: stage("judging", before + done, total)


def _check_golden(screener: Screener) -> None:
    wrong = [row for row in verify(screener.bundle) if not row.passed]
    if wrong:
        raise BundleError(
            f"{wrong[0].output} of {wrong[0].graph} is not what the bundle's golden numbers say"
        )


def _scores(
    screener: Screener, cases: Sequence[Case], kept: Path, told: Callable[[int], None]
) -> ScoreTable:
    known = dict(_read(kept))
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as file:
        for number, case in enumerate(cases, start=1):
            if case.id not in known:
                row = score_case(screener, case, side="locked")
                known[case.id] = row
                file.write(json.dumps(dataclasses.asdict(row)) + "\n")
                file.flush()
            told(number)
    recipe = screener.bundle.recipe
    return ScoreTable(
        bundle=screener.bundle.identity,
        labels=recipe.labels,
        multi_label=recipe.multi_label,
        rows=tuple(known[case.id] for case in cases),
    )


def _read(kept: Path) -> Iterator[tuple[str, CaseScore]]:
    if not kept.is_file():
        return
    row_of = TypeAdapter(CaseScore)
    for line in kept.read_text("utf-8").splitlines():
        try:
            row = row_of.validate_json(line)
        except ValueError:  # the process ended while it wrote this line
            continue
        yield row.case, row
