"""Long scans as four scans of every fourth slice, as the series models' paper trains on them.

Paper    Sifan Ye, "COVID-19 classification of chest CT scans using Bidirectional LSTM and
         Attention", section 3: sequences of "200 to 300 slices" are "broken down into 4 sequences
         each by selecting every 4th image".
Differs  The paper names no length from which on a scan is long; here it is `LONG`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ctsieve.types.cases import Case

PARTS = 4
LONG = 120
"""Slices from which on a scan is taken apart; its parts are as long as short scans, 30 to 80."""


def in_quarters(walk: Callable[[Path], Iterator[Case]]) -> Callable[[Path], Iterator[Case]]:
    """A walk that yields each long scan of `walk` as four cases of one patient and one scan.

    The files of a scan must be in slice order, or at least numbered in it.
    """

    def quarters(root: Path) -> Iterator[Case]:
        """Yield whole short scans and the four parts of long ones, opening no image."""
        for case in walk(root):
            if len(case.files) < LONG:
                yield case
                continue
            for part in range(PARTS):
                yield replace(
                    case,
                    id=f"{case.id}#{part + 1}of{PARTS}",
                    files=case.files[part::PARTS],
                    scan=case.scan or case.id,
                )

    return quarters
