"""Held-out scores: every tune case by the network that never saw its patient, as a score file.

A bundle of several networks cannot be measured on the cases of its own making: each trained all
networks but one.  What that one says is kept in the bundle, so that anybody can make the report.
Numbers are rounded for size, scores to six decimals; no call moves by that.  The bundle's digest is
not in the file, which is a part of it.
"""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ctsieve.bundles.bundle import HELD_OUT, Bundle
from ctsieve.learning.split import TUNE
from ctsieve.ops.decide import decide, sigmoid
from ctsieve.pipeline.score import facts_of
from ctsieve.pipeline.score_file import compact_csv, load_scores
from ctsieve.readers import read_study
from ctsieve.runtime import ModelOutput
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected
from ctsieve.types.recipe import Recipe
from ctsieve.types.results import BundleIdentity, Prediction
from ctsieve.types.scores import NETWORK, CaseScore, ScoredLevel, ScoreTable

NOT_GATED = "not asked"
"""The gate's verdict: cases of a training run are taken as they are."""
SCORE_DIGITS, LOGIT_DIGITS, LESION_DIGITS, ALL_DIGITS = 6, 4, 3, 17
Float32 = npt.NDArray[np.float32]


def slice_rows(
    cases: Sequence[Case], output: ModelOutput, recipe: Recipe, *, network: str = ""
) -> Iterator[CaseScore]:
    """A row for each single slice or picture; `output` has logits (N, L) and lesion logits (N, K).

    The images are opened once more for what subgroups are made of; none is judged again.
    """
    lesions = sigmoid(output["lesion_logits"])
    for number, case in enumerate(cases):
        one = {"logits": output["logits"][number : number + 1]}
        row = _row(case, decide(one, recipe, num_slices=1, level="picture"), "slice", network)
        flags = zip(recipe.lesions, lesions[number], strict=True)
        yield replace(
            row,
            lesions={kind: round(float(value), LESION_DIGITS) for kind, value in flags},
            truth=dict(case.lesions),
            facts={**row.facts, **facts_of(case, read_study(case.files[0]))},
        )


def scan_score(case: Case, logits: Float32, recipe: Recipe, *, network: str = "") -> CaseScore:
    """The row of a scan whose judged slices have `logits` (S, L)."""
    said = decide({"logits": logits}, recipe, num_slices=len(logits), level="scan")
    return _row(case, said, "scan", network)


def held_out_bytes(rows: Iterable[CaseScore], recipe: Recipe, *, name: str, version: str) -> bytes:
    """The member of a bundle with these rows."""
    table = ScoreTable(
        bundle=BundleIdentity(name=name, version=version, digest=""),
        labels=recipe.labels,
        multi_label=recipe.multi_label,
        rows=tuple(rows),
    )
    return gzip.compress(compact_csv(table).encode(), mtime=0)


def held_out_scores(bundle: Bundle) -> ScoreTable:
    """The held-out scores that a bundle carries, with its identity.

    Raises:
        InputRejected: it carries none.
    """
    if HELD_OUT not in bundle.manifest.members:
        raise InputRejected(
            f"bundle {bundle.manifest.name!r} carries no held-out scores, so there is nothing to "
            "report without data",
            hint="give labelled cases: ctsieve evaluate BUNDLE DATA",
        )
    return replace(load_scores(bundle.folder / HELD_OUT), bundle=bundle.identity)


def _row(case: Case, said: Prediction, level: ScoredLevel, network: str) -> CaseScore:
    digits = _digits(said)
    return CaseScore(
        case=case.id,
        patient=case.patient,
        site=case.site,
        label=case.label,
        level=level,
        side=TUNE,
        verdict=NOT_GATED,
        abstained=said.abstained,
        scores={k: round(v, digits) for k, v in said.probability.items()},
        logits={k: round(v, LOGIT_DIGITS) for k, v in said.logit.items()},
        thresholds={k: round(v, digits) for k, v in said.threshold.items()},
        facts={NETWORK: network} if network else {},
    )


def _digits(said: Prediction) -> int:
    """Digits that a score and its cut are rounded to: all, where fewer would move the call."""
    kept = all(
        (round(value, SCORE_DIGITS) >= round(said.threshold[label], SCORE_DIGITS))
        == (value >= said.threshold[label])
        for label, value in said.probability.items()
    )
    return SCORE_DIGITS if kept else ALL_DIGITS
