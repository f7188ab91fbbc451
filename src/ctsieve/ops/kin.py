"""Which cases belong together: of one patient, one scan, one paper, or tied by somebody."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from ctsieve.types.cases import Case

Key = tuple[str, ...]


def kin(cases: Sequence[Case], ties: Iterable[tuple[str, str]] = ()) -> list[list[Case]]:
    """The cases in groups that must never be parted, groups and cases in the order of `cases`.

    Two cases are kin when they share a patient, a scan of one site or a paper, when `ties` names
    both ids (two copies of one picture, say), or when a third is kin of both.

    Example:
        >>> def case(id, patient, paper=""):
        ...     return Case(id=id, patient=patient, label="neither", files=(), paper=paper)
        >>> cases = [case("a", "p"), case("b", "q", "doi"), case("c", "r", "doi")]
        >>> [[c.id for c in group] for group in kin(cases)]
        [['a'], ['b', 'c']]
        >>> len(kin(cases, ties=[("a", "c")]))
        1
    """
    root: dict[Key, Key] = {}

    def find(key: Key) -> Key:
        root.setdefault(key, key)
        while root[key] != key:
            root[key] = root[root[key]]
            key = root[key]
        return key

    for case in cases:
        for key in _keys(case):
            root[find(key)] = find(("case", case.id))
    for one, other in ties:
        root[find(("case", one))] = find(("case", other))
    groups: dict[Key, list[Case]] = defaultdict(list)
    for case in cases:
        groups[find(("case", case.id))].append(case)
    return list(groups.values())


def _keys(case: Case) -> Iterator[Key]:
    yield "patient", case.patient
    if case.scan:
        yield "scan", case.site, case.scan
    if case.paper:
        yield "paper", case.paper
