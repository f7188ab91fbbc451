"""What speaks against numbers, as far as the scores themselves tell: it goes wherever they go."""

from collections.abc import Iterable, Sequence

from ctsieve.types.report import Table
from ctsieve.types.scores import NETWORK, CaseScore

SIDES = {
    "tune": "These are tune data: calibration and cut were chosen on this side, and settings while "
    "looking at it. The numbers are too good; a test on other patients has to follow.",
    "train": "These are training data: the numbers say nothing about new patients.",
    "": "It is not said which side of which split these cases are from; if the network was trained "
    "on any of them, the numbers are worth nothing.",
}
JUDGING = ("test", "external")
"""Sides that nothing was learned from or chosen on."""
OTHER_SIDE = (
    "The side {side!r} is none of train, tune, test and external: what these cases were used for "
    "is not known; if the network was trained on any of them, the numbers are worth nothing."
)


def doubts_of(rows: Sequence[CaseScore]) -> tuple[str, ...]:
    """What the side of the cases, and which network spoke of them, give cause for."""
    return (*side_doubts(row.side for row in rows), *_networks(rows))


def side_doubts(sides: Iterable[str]) -> tuple[str, ...]:
    """A sentence for every side that numbers of new patients are not measured on.

    Example:
        >>> side_doubts(["test", "external"]), side_doubts(["Test"])[0][:42]
        ((), "The side 'Test' is none of train, tune, te")
    """
    return tuple(
        SIDES.get(side) or OTHER_SIDE.format(side=side)
        for side in sorted(set(sides))
        if side not in JUDGING
    )


def doubts_table(doubts: Iterable[str]) -> tuple[Table, ...]:
    """The doubts as a table to stand beside others; none where there is no doubt."""
    rows = tuple((doubt,) for doubt in dict.fromkeys(doubts))
    return (Table(title="What speaks against these numbers", columns=("doubt",), rows=rows),) * (
        len(rows) > 0
    )


def _networks(rows: Sequence[CaseScore]) -> tuple[str, ...]:
    count = len({row.facts[NETWORK] for row in rows if NETWORK in row.facts})
    if not count:
        return ()
    return (
        f"Each score is of the one of the bundle's {count} networks that never saw the patient. "
        "The bundle answers with the mean of all, which these cases cannot measure: they trained "
        "the others.",
    )
