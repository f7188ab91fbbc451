"""Several bundles on the same cases: an order, and which differences are more than chance.

AUCs are compared with one case per patient by DeLong's test, and with a bootstrap over patients
where a patient has several; calls of independent cases by McNemar's exact test.  All p values are
adjusted by Holm's method for the number of pairs.  On different cases nothing is ranked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from ctsieve.evaluation.cohort import Level, check_labels, sample_of
from ctsieve.evaluation.measures import MEASURES, measured
from ctsieve.evaluation.paired import delong, drawn_difference, holm, mcnemar
from ctsieve.evaluation.sample import Sample, need_both
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.report import Figure, Measured
from ctsieve.types.scores import ScoreTable

ALPHA = 0.05
SHOWN = ("auc", "ap", "sensitivity", "specificity", "brier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One bundle's figures on the common cases."""

    name: str
    figures: dict[str, Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two bundles, the higher AUC first."""

    first: str
    second: str
    auc_difference: Figure
    p_auc: float
    """DeLong's, or of draws of patients where a patient has several cases; Holm-adjusted."""
    p_calls: float | None
    """McNemar's, Holm-adjusted; None where a patient has several cases."""

    @property
    def is_more_than_chance(self) -> bool:
        """Whether the AUCs differ by more than chance allows for."""
        return self.p_auc < ALPHA

    def sentence(self) -> str:
        """The pair in words."""
        d = self.auc_difference
        gap = f"{d.value:+.3f} ({d.low:+.3f} to {d.high:+.3f})"
        if self.is_more_than_chance:
            return f"{self.first} ranks better than {self.second}: AUC {gap}"
        return f"no difference shown between {self.first} and {self.second}: AUC {gap}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Bundles by falling AUC, and all pairs of them."""

    level: Level
    positive_label: str
    num_cases: int
    num_patients: int
    num_left_out: int
    """Cases that some bundle could not judge: they are left out for all."""
    contenders: tuple[Contender, ...]
    pairs: tuple[Pair, ...]


def compare(
    tables: Sequence[ScoreTable],
    *,
    positive: str,
    negative: Sequence[str] = (),
    level: Level = "patient",
) -> Comparison:
    """Rank bundles on the cases that all of them judged; labels among `negative` are negatives.

    Raises:
        UsageError: there are fewer than two, or two of one name.
        InputRejected: they were not given the same cases with the same labels, or a label is
            unknown.
    """
    names = [f"{t.bundle.name} {t.bundle.version}" for t in tables]
    if len(tables) < 2 or len(set(names)) < len(names):
        raise UsageError(f"a comparison needs two different bundles, got {', '.join(names)}")
    for table in tables:
        check_labels(table, positive, negative=negative)
    common = _common(tables)
    samples = dict(zip(names, (sample_of(t, positive, level) for t in common), strict=True))
    first = next(iter(samples.values()))
    need_both(first.positive)
    shown = {name: MEASURES[name] for name in SHOWN}
    contenders = [Contender(name=n, figures=measured(s, shown)) for n, s in samples.items()]
    ranked = tuple(sorted(contenders, key=_auc, reverse=True))
    return Comparison(
        level=level,
        positive_label=positive,
        num_cases=first.num_cases,
        num_patients=first.num_patients,
        num_left_out=len(tables[0].rows) - len(common[0].rows),
        contenders=ranked,
        pairs=_pairs([c.name for c in ranked], samples),
    )


def _auc(contender: Contender) -> float:
    value = contender.figures["auc"]
    return value.value if isinstance(value, Figure) else 0.0


def _common(tables: Sequence[ScoreTable]) -> list[ScoreTable]:
    """The tables with the rows that all of them judged."""
    reference = {(r.case, r.patient, r.label) for r in tables[0].rows}
    for table in tables[1:]:
        own = {(r.case, r.patient, r.label) for r in table.rows}
        if own != reference:
            raise InputRejected(
                f"{tables[0].bundle.name} and {table.bundle.name} were not given the same cases: "
                f"{len(reference ^ own)} rows differ",
                hint="score the same cases with both: on different ones nothing is ranked",
            )
    judged = set.intersection(*({row.case for row in table.judged} for table in tables))
    return [t.of(tuple(row for row in t.rows if row.case in judged)) for t in tables]


def _pairs(names: Sequence[str], samples: dict[str, Sample]) -> tuple[Pair, ...]:
    found = list(combinations(names, 2))
    independent = all(sample.is_independent for sample in samples.values())
    drawn = [drawn_difference(samples[a], samples[b]) for a, b in found]
    aucs = holm([difference.p for difference in drawn])
    calls: tuple[float | None, ...] = (None,) * len(found)
    if independent:
        aucs = holm([delong(samples[a], samples[b]).p for a, b in found])
        calls = holm([mcnemar(samples[a], samples[b]).p for a, b in found])
    return tuple(
        Pair(
            first=a,
            second=b,
            auc_difference=difference.figure,
            p_auc=p_auc,
            p_calls=p_calls,
        )
        for (a, b), difference, p_auc, p_calls in zip(found, drawn, aucs, calls, strict=True)
    )
