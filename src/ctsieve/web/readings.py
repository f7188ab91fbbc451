"""What the readings of a contributed case come to: two that agree, or a third that decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Status = Literal["open", "accepted", "disputed", "excluded"]
UNDECIDED: Final = ("open", "disputed")
"""While a case is one of these, everybody is shown the own reading of it and no other."""
THREE_LABELS: Final = "three_labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a case stands."""

    status: Status
    label: str = ""
    """What it is accepted as; empty while it is not."""
    reason: str = ""
    """Why it is excluded."""


def settled(labels: Sequence[str]) -> Settled:
    """What the labels of a case come to, the contributor's first, then as they were given.

    Two that agree accept the case.  Where they do not, a third reader decides between them; a
    third label of its own excludes the case, for then no two people see the same.

    Example:
        >>> settled(["covid19", "neither", "neither"])
        Settled(status='accepted', label='neither', reason='')
    """
    first, *others = labels
    if not others:
        return Settled(status="open")
    second, *more = others
    if second == first:
        return Settled(status="accepted", label=first)
    if not more:
        return Settled(status="disputed")
    third = more[0]
    if third in (first, second):
        return Settled(status="accepted", label=third)
    return Settled(status="excluded", reason=THREE_LABELS)
