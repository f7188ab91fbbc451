"""A data set becomes an audit: every case looked at once, then arithmetic on what was seen.

overlap, look, copies, words, counts, shortcuts: straight down the page.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ctsieve.evaluation.overlap import overlaps
from ctsieve.evaluation.shortcut_words import cue_findings, file_findings, twin_findings
from ctsieve.evaluation.tally import count_findings, tally
from ctsieve.evaluation.vocabulary import flag_spellings, spellings, unexpected_words
from ctsieve.ops.fingerprint import TURNS, alike
from ctsieve.pipeline.audit_cues import find_cues
from ctsieve.pipeline.looks import Progress, Seen, extension, look_at_all
from ctsieve.types.audit import GRAVITIES, AuditFinding, AuditReport, Twins
from ctsieve.types.cases import Case, Sides
from ctsieve.types.errors import UsageError
from ctsieve.version import __version__

NO_SIDE = ""
LARGEST_TABLE = 20_000_000
"""Bytes; tables beyond are not searched for spellings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPlan:
    """What an audit is of, beside the cases."""

    data: tuple[str, ...]
    """Names of the data sets."""
    split: str = ""
    """What the sides are, in words."""
    labels: tuple[str, ...] = ()
    """Labels that are expected; none: whatever is there."""
    lesions: tuple[str, ...] = ()
    """Lesion names that are expected, as a model spells them."""
    others: tuple[Case, ...] = ()
    """Cases on no side: they count, but cannot leak."""
    tables: tuple[Path, ...] = ()
    """CSV files whose words are checked."""
    known_traps: tuple[str, ...] = ()
    findings: tuple[AuditFinding, ...] = ()
    """What is known beforehand: counts that differ from the publisher's, ..."""
    workers: int | None = None
    seed: int = 0


def audit(
    sides: Sides, plan: AuditPlan, *, progress: Progress = lambda _done, _total: None
) -> AuditReport:
    """Audit the cases of `sides`, and `plan.others`; one side is enough where there is no split.

    Raises:
        UsageError: there is no case.
    """
    everywhere = {**sides, NO_SIDE: plan.others} if plan.others else dict(sides)
    cases = tuple({case.id: case for own in everywhere.values() for case in own}.values())
    if not cases:
        raise UsageError("there is no case to audit")
    seen = look_at_all(cases, workers=plan.workers, progress=progress)
    side_of = {case.id: side for side, own in everywhere.items() for case in own}
    twins = find_twins(seen, side_of)
    cues = tuple(sorted(find_cues(seen, plan.seed), key=lambda cue: -cue.figure.value))
    patients = {case.id: case.patient for case in cases}
    findings = (
        *overlaps(sides),
        *twin_findings(twins, patients),
        *cue_findings(cues),
        *count_findings(cases),
        *vocabulary(cases, plan),
        *_files(seen),
        *_unreadable(seen),
        *plan.findings,
    )
    return AuditReport(
        data=plan.data,
        split=plan.split,
        digest=_digest(everywhere),
        sides={side: (len(own), len({c.patient for c in own})) for side, own in everywhere.items()},
        findings=tuple(sorted(findings, key=lambda f: GRAVITIES.index(f.gravity))),
        cues=cues,
        twins=twins,
        counts=tally(everywhere),
        unreadable=seen.unreadable,
        known_traps=plan.known_traps,
        software=f"ctsieve {__version__}",
    )


def find_twins(seen: Seen, side_of: Mapping[str, str]) -> tuple[Twins, ...]:
    """Pictures that are alike and on two sides, or under two patients or labels."""
    prints = np.stack([look.fingerprint for look in seen.looks]) if seen.looks else np.zeros((0, 1))
    twins = []
    for pair in alike(prints.astype(np.float32)) if seen.looks else ():
        one, other = seen.cases[pair.one], seen.cases[pair.other]
        if (
            one.patient == other.patient
            and one.label == other.label
            and side_of[one.id] == side_of[other.id]
        ):
            continue
        exact = seen.looks[pair.one].digest == seen.looks[pair.other].digest
        twins.append(
            Twins(
                one=one.id,
                other=other.id,
                sides=(side_of[one.id], side_of[other.id]),
                labels=(one.label, other.label),
                likeness=1.0 if exact else min(1.0, pair.likeness),
                turned=TURNS[0] if exact else TURNS[pair.turn],
                exact=exact,
            )
        )
    return tuple(twins)


def vocabulary(cases: Sequence[Case], plan: AuditPlan) -> Iterator[AuditFinding]:
    """Labels, lesion names and flags of tables that are misspelled or unknown."""
    labels = Counter(case.label for case in cases)
    lesions = Counter(name for case in cases for name, there in case.lesions.items() if there)
    yield from spellings("label", labels)
    yield from spellings("lesion", lesions)
    if plan.labels:
        yield from unexpected_words("label", labels, plan.labels)
    if plan.lesions:
        yield from unexpected_words("lesion", lesions, plan.lesions)
    for table in plan.tables:
        yield from flag_spellings(table.name, _rows(table))


def _rows(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV file that have all cells; none of a file that is no CSV or too large."""
    if table.stat().st_size > LARGEST_TABLE:
        return []
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error):
        return []
    return [row for row in rows if None not in row and None not in row.values()]


def _files(seen: Seen) -> tuple[AuditFinding, ...]:
    return file_findings(
        {case.id: look.words for case, look in zip(seen.cases, seen.looks, strict=True)},
        [round(look.numbers["picture-size"][2]) for look in seen.looks],
        {case.id: extension(case) for case in seen.cases},
    )


def _unreadable(seen: Seen) -> Iterator[AuditFinding]:
    if seen.unreadable:
        yield AuditFinding(
            code="unreadable",
            gravity="trap",
            sentence="1 case cannot be read and was not looked at."
            if len(seen.unreadable) == 1
            else f"{len(seen.unreadable)} cases cannot be read and were not looked at.",
            advice="Repair or remove them: training stops at the first.",
            examples=tuple(seen.unreadable)[:5],
            number=len(seen.unreadable),
        )


def _digest(sides: Sides) -> str:
    lines = sorted(
        f"{side}\t{c.patient}\t{c.id}\t{c.label}" for side, own in sides.items() for c in own
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
