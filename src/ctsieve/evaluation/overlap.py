"""What stands on two sides of a split and must not: patients, scans, papers, files, neighbours."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from ctsieve.types.audit import AuditFinding
from ctsieve.types.cases import Case, Sides

NEIGHBOURS = 3
"""Slices of a scan that are at most this many apart show nearly the same."""
EXAMPLES = 5


def overlaps(sides: Sides) -> tuple[AuditFinding, ...]:
    """One leak for each kind of thing that stands on two sides; empty where the sides are apart."""
    kinds: tuple[tuple[str, str, Callable[[Case], Iterable[str]]], ...] = (
        ("case", "cases", lambda case: (case.id,)),
        ("file", "files", lambda case: {str(path) for path in case.files}),
        ("patient", "patients", lambda case: (case.patient,)),
        ("paper", "papers", lambda case: filter(None, (case.paper,))),
        ("scan", "scans", lambda case: filter(None, (_scan(case),))),
    )
    found = [_shared(sides, *kind) for kind in kinds]
    return tuple(finding for part in (*found, _neighbours(sides)) for finding in part)


def _scan(case: Case) -> str:
    return f"{case.site}/{case.scan}" if case.scan else ""


def _shared(
    sides: Sides, kind: str, plural: str, names_of: Callable[[Case], Iterable[str]]
) -> list[AuditFinding]:
    """At most one finding, of all the names of a kind that two sides share."""
    where: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for side, cases in sides.items():
        for case in cases:
            for name in names_of(case):
                where[name][side] += 1
    both = {name: found for name, found in where.items() if len(found) > 1}
    if not both:
        return []
    size = sum(sum(found.values()) for found in both.values())
    number = f"1 {kind} is" if len(both) == 1 else f"{len(both)} {plural} are"
    return [
        AuditFinding(
            code=f"{kind}-on-two-sides",
            gravity="leak",
            sentence=f"{number} on more than one side ({_pairs(both.values())}), with {size} "
            f"cases.",
            advice="Split by patient and paper: `ctsieve data split`.",
            examples=tuple(both)[:EXAMPLES],
            number=len(both),
        )
    ]


def _pairs(found: Iterable[Mapping[str, int]]) -> str:
    """Which sides share how many names: "train and test: 3, train and tune: 1"."""
    counts: dict[str, int] = defaultdict(int)
    for sides in found:
        counts[" and ".join(sides)] += 1
    return ", ".join(f"{names}: {number}" for names, number in counts.items())


def _neighbours(sides: Sides) -> list[AuditFinding]:
    """At most one finding, of neighbouring slices of a scan that are on two sides."""
    scans: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for side, cases in sides.items():
        for case in cases:
            if case.scan and case.position is not None:
                scans[_scan(case)].append((case.position, side, case.id))
    pairs = [
        (one[2], other[2])
        for slices in scans.values()
        for one, other in pairwise(sorted(slices))
        if one[1] != other[1] and other[0] - one[0] <= NEIGHBOURS
    ]
    if not pairs:
        return []
    return [
        AuditFinding(
            code="neighbouring-slices-on-two-sides",
            gravity="leak",
            sentence=f"{len(pairs)} times two neighbouring slices of one scan (at most "
            f"{NEIGHBOURS} apart) are on different sides: they show nearly the same.",
            advice="Keep all slices of a scan, and all scans of a patient, on one side.",
            examples=tuple(f"{one} | {other}" for one, other in pairs[:EXAMPLES]),
            number=len(pairs),
        )
    ]
