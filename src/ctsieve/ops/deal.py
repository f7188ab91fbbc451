"""Deal cases to sides or folds: patients and papers whole, every label and site in proportion."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ctsieve.ops.kin import kin
from ctsieve.types.cases import Case, Sides
from ctsieve.types.errors import UsageError


def deal(
    cases: Sequence[Case],
    shares: Mapping[str, float],
    *,
    seed: int,
    ties: Iterable[tuple[str, str]] = (),
) -> Sides:
    """Sides that hold about their share of every label of every site.

    Kin (`ctsieve.ops.kin`) stay together.  Groups are dealt from the largest down, those of a size
    by a hash of (seed, patient), each to the side that is then furthest behind its share: of the
    group's own site and labels first, then of its site, then of all.  The order of the cases does
    not matter.  Equal shares make folds.

    Raises:
        UsageError: a share is not positive, or there are fewer groups than sides.
    """
    if bad := [side for side, share in shares.items() if not share > 0.0]:
        raise UsageError(f"side {bad[0]!r} has share {shares[bad[0]]}", hint="shares are above 0")
    groups = kin(cases, ties)
    if len(groups) < len(shares):
        raise UsageError(
            f"{len(groups)} groups of patients cannot be dealt to {len(shares)} sides",
            hint="ask for fewer sides or folds",
        )
    sides: dict[str, list[Case]] = {side: [] for side in shares}
    filled: Counter[tuple[object, ...]] = Counter()
    for own in sorted(groups, key=lambda group: (-len(group), _hash(seed, group))):
        kinds = _kinds(own)

        def behind(side: str, kinds: Sequence[object] = kinds, size: int = len(own)) -> list[float]:
            return [(filled[side, kind] + size) / shares[side] for kind in kinds]

        best = min(shares, key=behind)
        filled.update({(best, kind): len(own) for kind in kinds})
        sides[best] += own
    return {side: tuple(sorted(own, key=lambda c: c.id)) for side, own in sides.items()}


def _kinds(group: Sequence[Case]) -> list[tuple[object, ...]]:
    """What a group counts for: its sites with their labels, its sites, everything."""
    sites = tuple(sorted({case.site for case in group}))
    labels = tuple(sorted({case.label for case in group}))
    return [(sites, labels), (sites,), ()]


def _hash(seed: int, group: Sequence[Case]) -> bytes:
    return hashlib.sha256(f"{seed}:{min(case.patient for case in group)}".encode()).digest()
