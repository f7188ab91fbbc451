"""How many cases and patients there are of each label, source, sex and age, and what that hides."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ctsieve.types.audit import AuditFinding, CountRow
from ctsieve.types.cases import Case, Sides

FEW_PATIENTS = 20
"""Fewer patients than this of a label give intervals too wide to say much."""


def tally(sides: Sides) -> tuple[CountRow, ...]:
    """A row for every combination that occurs, sorted."""
    groups: dict[tuple[str, ...], list[Case]] = defaultdict(list)
    for side, cases in sides.items():
        for case in cases:
            groups[case.label, case.site, case.sex, decade(case.age), side].append(case)
    return tuple(
        CountRow(
            label=key[0],
            site=key[1],
            sex=key[2],
            age=key[3],
            side=key[4],
            cases=len(own),
            patients=len({case.patient for case in own}),
        )
        for key, own in sorted(groups.items())
    )


def decade(age: float | None) -> str:
    """The ten years an age lies in.

    Example:
        >>> decade(61.0), decade(None)
        ('60-69', '')
    """
    if age is None:
        return ""
    start = int(age // 10) * 10
    return f"{start}-{start + 9}"


def count_findings(cases: Sequence[Case]) -> tuple[AuditFinding, ...]:
    """Sources of one label, labels of few patients, one label only."""
    sites: dict[str, set[str]] = defaultdict(set)
    patients: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        sites[case.site].add(case.label)
        patients[case.label].add(case.patient)
    if len(patients) == 1:
        return (_one_label(next(iter(patients))),)
    return (*_single(sites), *_few(patients))


def _one_label(label: str) -> AuditFinding:
    return AuditFinding(
        code="one-label",
        gravity="note",
        sentence=f"Every case is {label!r}: nothing can be told apart here, and whatever else "
        "joins it differs in source as well as in disease.",
        advice="Audit it together with the data sets it is trained with.",
        examples=(label,),
    )


def _single(sites: Mapping[str, set[str]]) -> list[AuditFinding]:
    single = {site: next(iter(labels)) for site, labels in sites.items() if len(labels) == 1}
    if not single:
        return []
    listed = ", ".join(f"{site} (all {label})" for site, label in sorted(single.items()))
    return [
        AuditFinding(
            code="single-label-source",
            gravity="trap",
            sentence=f"{len(single)} of {len(sites)} sources hold one label only: {listed}.",
            advice="There the source gives the label away.  Measure within sources that hold both, "
            "and on a source that was not trained on.",
            examples=tuple(sorted(single)),
            number=len(single),
        )
    ]


def _few(patients: Mapping[str, set[str]]) -> list[AuditFinding]:
    return [
        AuditFinding(
            code="few-patients",
            gravity="note",
            sentence=f"{label!r} has {len(own)} {'patient' if len(own) == 1 else 'patients'}: "
            "numbers about it have wide intervals, or none at all.",
            examples=(label,),
            number=len(own),
        )
        for label, own in sorted(patients.items())
        if len(own) < FEW_PATIENTS
    ]
