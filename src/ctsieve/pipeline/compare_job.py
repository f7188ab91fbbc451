"""What `ctsieve compare` does: score files, or bundles on the same cases, side by side."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ctsieve.evaluation.cohort import Level
from ctsieve.evaluation.compare import SHOWN, Comparison, compare
from ctsieve.evaluation.doubts import doubts_of, doubts_table
from ctsieve.evaluation.in_words import in_words
from ctsieve.evaluation.measures import MEASURES
from ctsieve.pipeline.evaluation_job import NO_BUNDLE, Job, scored_of
from ctsieve.pipeline.score_file import UNNAMED
from ctsieve.types.report import Table
from ctsieve.types.scores import ScoreTable

Report = Callable[[int, int], None]


def compare_job(
    files: Sequence[Path],
    *,
    positive: str = "covid19",
    negative: Sequence[str] = (),
    level: Level = "patient",
) -> tuple[Table, ...]:
    """Rank the bundles that made some score files, and say which differences are more than chance.

    The last table says what speaks against the numbers of each, where anything does.

    Raises:
        UsageError: a file holds no scores, or there are fewer than two bundles.
        InputRejected: the files are not of the same cases.
    """
    tables = _told_apart(
        [scored_of(Job(bundle=NO_BUNDLE, data=path)).table for path in files], files
    )
    compared = comparison_tables(compare(tables, positive=positive, negative=negative, level=level))
    doubts = [
        f"{t.bundle.name} {t.bundle.version}: {doubt}"
        for t in tables
        for doubt in doubts_of(t.rows)
    ]
    return (*compared, *doubts_table(doubts))


def _told_apart(tables: Sequence[ScoreTable], files: Sequence[Path]) -> list[ScoreTable]:
    """Bundles that nobody named after their files; those of one name with the digest behind it."""
    named = [
        replace(t, bundle=replace(t.bundle, name=path.stem)) if t.bundle.name == UNNAMED else t
        for t, path in zip(tables, files, strict=True)
    ]
    times = Counter((t.bundle.name, t.bundle.version) for t in named)
    return [
        replace(t, bundle=replace(t.bundle, version=f"{t.bundle.version} {t.bundle.digest[:8]}"))
        if times[t.bundle.name, t.bundle.version] > 1 and t.bundle.digest
        else t
        for t in named
    ]


def comparison_tables(found: Comparison) -> tuple[Table, ...]:
    """The order, and the pairs."""
    lost = f"; {found.num_left_out} that not all could judge are left out" * bool(
        found.num_left_out
    )
    ranked = Table(
        title=f"{found.positive_label}, {found.level} level",
        columns=("bundle", *(MEASURES[name].title for name in SHOWN)),
        rows=tuple(
            (c.name, *(in_words(c.figures[name]) for name in SHOWN)) for c in found.contenders
        ),
        note=f"{found.num_cases} cases of {found.num_patients} patients{lost}. 95 % intervals.",
    )
    pairs = Table(
        title="Is the difference more than chance?",
        columns=("pair", "AUC difference", "p (AUC)", "p (McNemar)", "more than chance"),
        rows=tuple(
            (
                f"{p.first} - {p.second}",
                f"{p.auc_difference.value:+.3f} ({p.auc_difference.low:+.3f} to "
                f"{p.auc_difference.high:+.3f})",
                _p(p.p_auc),
                "-" if p.p_calls is None else _p(p.p_calls),
                "yes" if p.is_more_than_chance else "not shown",
            )
            for p in found.pairs
        ),
        note="P values are adjusted for the number of pairs (Holm); intervals are not. P of the "
        "AUC: DeLong's, or where patients have several cases that of patients drawn again; of "
        "calls there is none then.",
    )
    return ranked, pairs


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
