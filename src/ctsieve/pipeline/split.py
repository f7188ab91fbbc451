"""Cases become a split file: as published, or dealt by patient and paper."""

from dataclasses import dataclass
from pathlib import Path

from ctsieve.learning.folds import fold_name
from ctsieve.learning.split_file import SplitFile, write_split
from ctsieve.ops.deal import deal
from ctsieve.pipeline.audit import find_twins
from ctsieve.pipeline.data import OpenedData, sides_of
from ctsieve.pipeline.leakage import accepted_split
from ctsieve.pipeline.looks import Progress, look_at_all
from ctsieve.types.cases import Case, Sides
from ctsieve.types.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """How to divide; of `published`, `folds` and `shares` the first that is given counts."""

    published: str = ""
    """A split that the data sets' cards name."""
    folds: int = 0
    shares: tuple[tuple[str, float], ...] = (("train", 0.7), ("tune", 0.15), ("test", 0.15))
    seed: int = 0
    copies_together: bool = False
    """Look at every picture, and keep copies of one on one side."""
    accept_leakage: bool = False
    workers: int | None = None


def make_split(
    data: OpenedData,
    out: Path,
    plan: SplitPlan,
    *,
    progress: Progress = lambda _done, _total: None,
) -> SplitFile:
    """Divide the cases and write the split to `out`.

    Raises:
        UsageError: the plan cannot be carried out, or `out` exists or cannot be written.
        UnknownName: a data set has no split of that name.
        InputRejected: a published split has a patient on two sides and that is not accepted.
    """
    if out.exists():
        raise UsageError(f"{out.name!r} exists", hint="a split is never changed: give a new name")
    sides, method = _sides(data, plan, progress)
    name = out.stem
    split = accepted_split(name, sides, accept_leakage=plan.accept_leakage)
    return write_split(split, out, data=data.names, method=method)


def _sides(data: OpenedData, plan: SplitPlan, progress: Progress) -> tuple[Sides, str]:
    if plan.published:
        divided = sides_of(data, published=plan.published)
        return divided.sides, divided.words
    if plan.folds:
        shares = {fold_name(number): 1.0 for number in range(plan.folds)}
        method = f"{plan.folds} folds"
    else:
        shares = dict(plan.shares)
        method = ", ".join(f"{side} {share:g}" for side, share in shares.items())
    ties = _copies(data.all_cases, plan, progress) if plan.copies_together else []
    together = f", {len(ties)} pairs of copies together" if plan.copies_together else ""
    method = f"{method}, by patient and paper{together}, seed {plan.seed}"
    return deal(data.all_cases, shares, seed=plan.seed, ties=ties), method


def _copies(cases: tuple[Case, ...], plan: SplitPlan, progress: Progress) -> list[tuple[str, str]]:
    """Ids of pictures of different patients that are alike."""
    seen = look_at_all(cases, workers=plan.workers, progress=progress)
    nowhere = dict.fromkeys((case.id for case in cases), "")
    return [(pair.one, pair.other) for pair in find_twins(seen, nowhere)]
