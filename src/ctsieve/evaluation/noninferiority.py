"""Whether a new bundle may take the place of the one in use: not worse, shown on paired cases.

"Not worse" must be shown, not merely not refuted: the lower end of the 95 % interval of new - old
lies above minus a margin, for the AUC, the sensitivity and the specificity alike.  The AUC alone
would not see a spoilt threshold; a call that is not made counts as a wrong one, so that nobody
wins by abstaining.

Sources  DeLong et al. 1988 (`ctsieve.evaluation.paired`) for AUCs of independent cases, a bootstrap
         over patients otherwise; Tango 1998, Statistics in Medicine 17, 891: score interval of the
         difference of paired proportions, which stays honest where the two never disagree.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from ctsieve.evaluation.cohort import check_labels, sample_of
from ctsieve.evaluation.intervals import LEVEL
from ctsieve.evaluation.paired import auc_difference, delong
from ctsieve.evaluation.ranking import auc
from ctsieve.types.errors import InputRejected
from ctsieve.types.promise import promise
from ctsieve.types.scores import CaseScore, ScoreTable

Z = float(norm.ppf((1 + LEVEL) / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How much worse is not worse, and how many patients it takes to say so."""

    auc_margin: float = 0.03
    call_margin: float = 0.10
    """Of sensitivity and of specificity."""
    least_patients: int = 40
    """Of each kind: with fewer the normal approximation behind DeLong's interval is not good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One difference new - old, with the lower end of its 95 % interval."""

    measure: str
    old: float
    new: float
    low: float
    margin: float

    @property
    def holds(self) -> bool:
        """Whether it is shown that new is worse by less than the margin."""
        return self.low > -self.margin

    def sentence(self) -> str:
        """The bound in words."""
        verdict = "not worse" if self.holds else "not shown to be no worse"
        return (
            f"{self.measure}: {verdict}: {self.old:.3f} in use, {self.new:.3f} new; by 95 % it is"
            f" at most {max(0.0, -self.low):.3f} lower, and {self.margin:.3f} are allowed"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotWorse:
    """What came of it."""

    num_cases: int
    num_positive: int
    """Patients with the disease."""
    num_negative: int
    bounds: tuple[Bound, ...]
    problem: str = ""
    """Why nothing can be said at all."""

    @property
    def holds(self) -> bool:
        """Whether the new bundle may take the place of the old."""
        return not self.problem and all(bound.holds for bound in self.bounds)

    def reasons(self) -> tuple[str, ...]:
        """Why not, in sentences; empty where it holds."""
        own = (self.problem,) if self.problem else ()
        return (*own, *(bound.sentence() for bound in self.bounds if not bound.holds))


def not_worse(new: ScoreTable, old: ScoreTable, *, positive: str, rule: Rule) -> NotWorse:
    """Compare two bundles' scores of the same cases.

    Raises:
        InputRejected: the cases differ, a bundle does not know `positive`, or no case was judged.
    """
    for table in (new, old):
        check_labels(table, positive)
    if new.cases_digest != old.cases_digest:
        raise InputRejected("the two bundles were not given the same cases")
    seen = {row.case for table in (new, old) for row in table.judged}
    was, now = (_right(table, positive, seen) for table in (old, new))
    num_positive = sum(is_ill for _, is_ill in now)
    num_negative = len(now) - num_positive
    fewest = min(num_positive, num_negative)
    if fewest < max(2, rule.least_patients):
        return NotWorse(
            num_cases=len(seen),
            num_positive=num_positive,
            num_negative=num_negative,
            bounds=(),
            problem=f"the locked set has {num_positive} patients with and {num_negative} without"
            f" {positive}; {max(2, rule.least_patients)} of each are needed",
        )
    bounds = [_auc_bound(new, old, positive, rule)]
    bounds += [_call_bound(now, was, ill, rule.call_margin) for ill in (True, False)]
    return NotWorse(
        num_cases=len(seen),
        num_positive=num_positive,
        num_negative=num_negative,
        bounds=tuple(bounds),
    )


def tango_low(only_first: int, only_second: int, total: int) -> float:
    """Lower end of the 95 % interval of (share right of the first) - (of the second), paired.

    Example:
        >>> round(tango_low(0, 0, 96), 4)  # never at odds: -z**2 / (n + z**2)
        -0.0385
    """
    promise(total > 0 and only_first + only_second <= total, "pairs are counted once")
    difference = (only_first - only_second) / total

    def beyond(delta: float) -> float:
        return _tango(only_first, only_second, total, delta) - Z

    if beyond(-1.0 + 1e-9) < 0.0:
        return -1.0
    return float(brentq(beyond, -1.0 + 1e-9, difference - 1e-12))


def _tango(b: int, c: int, n: int, delta: float) -> float:
    """The score statistic of the difference being `delta` (Tango 1998, equations 3 and 5)."""
    second = -b - c + (2 * n - b + c) * delta
    root = np.sqrt(max(0.0, second**2 + 8 * n * c * delta * (1 - delta)))
    share = (root - second) / (4 * n)
    variance = n * (2 * share + delta * (1 - delta))
    return float((b - c - n * delta) / np.sqrt(max(variance, 1e-300)))


def _auc_bound(new: ScoreTable, old: ScoreTable, positive: str, rule: Rule) -> Bound:
    both = {row.case for row in new.judged} & {row.case for row in old.judged}
    first, second = (
        sample_of(table.of(tuple(r for r in table.rows if r.case in both)), positive, "patient")
        for table in (new, old)
    )
    if first.is_independent:
        found = delong(first, second)
        return Bound(
            measure="AUC", old=found.second, new=found.first, low=found.low, margin=rule.auc_margin
        )
    figure = auc_difference(first, second)
    before = auc(second.probability, second.positive)
    return Bound(
        measure="AUC",
        old=before,
        new=before + figure.value,
        low=figure.low,
        margin=rule.auc_margin,
    )


def _call_bound(
    now: Mapping[tuple[str, bool], bool],
    was: Mapping[tuple[str, bool], bool],
    ill: bool,
    margin: float,
) -> Bound:
    keys = [key for key in now if key[1] is ill]
    gained = sum(now[key] and not was[key] for key in keys)
    lost = sum(was[key] and not now[key] for key in keys)
    return Bound(
        measure="sensitivity" if ill else "specificity",
        old=sum(was[key] for key in keys) / len(keys),
        new=sum(now[key] for key in keys) / len(keys),
        low=tango_low(gained, lost, len(keys)),
        margin=margin,
    )


def _right(table: ScoreTable, positive: str, seen: set[str]) -> dict[tuple[str, bool], bool]:
    """Whether each patient, with and without the disease, was answered rightly."""
    groups: dict[tuple[str, bool], list[CaseScore]] = defaultdict(list)
    for row in sorted((r for r in table.rows if r.case in seen), key=lambda r: r.case):
        groups[row.patient, row.label == positive].append(row)
    return {key: _is_right(rows, positive, ill=key[1]) for key, rows in groups.items()}


def _is_right(rows: list[CaseScore], positive: str, *, ill: bool) -> bool:
    answered = [row for row in rows if row.judged and row.abstained is None]
    if not answered:
        return False
    score = np.mean([row.scores[positive] for row in answered])
    threshold = np.mean([row.thresholds[positive] for row in answered])
    return bool(score >= threshold) is ill
