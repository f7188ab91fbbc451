"""Does a copy hold as much as its publisher says?"""

from collections import Counter
from collections.abc import Iterable, Iterator

from ctsieve.types.cards import DatasetCard
from ctsieve.types.cases import Case
from ctsieve.types.results import Finding


def shortfalls(card: DatasetCard, cases: Iterable[Case]) -> tuple[Finding, ...]:
    """One warning for each count of the card that the walked cases do not have.

    Codes: too-few-cases, too-many-cases.  A partial download is no error, so nothing is raised.
    """
    kept = tuple(cases)
    return tuple(
        _finding(what, found, published)
        for what, found, published in _compared(card, kept)
        if found != published
    )


def _compared(card: DatasetCard, cases: tuple[Case, ...]) -> Iterator[tuple[str, int, int]]:
    counts = card.counts
    if counts.cases is not None:
        yield "cases", len(cases), counts.cases
    if counts.patients is not None:
        yield "patients", len({case.patient for case in cases}), counts.patients
    labels = Counter(case.label for case in cases)
    for label, published in counts.labels.items():
        yield f"cases labelled {label}", labels[label], published
    partitions = Counter(case.partition for case in cases)
    for partition, published in counts.partitions.items():
        yield f"cases of partition {partition}", partitions[partition], published


def _finding(what: str, found: int, published: int) -> Finding:
    few = found < published
    return Finding(
        code="too-few-cases" if few else "too-many-cases",
        severity="warning",
        sentence=f"this copy has {found} {what}; a complete one has {published}",
    )
