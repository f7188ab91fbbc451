"""LUNA16 slices: one slice of each of 300 lung-screening scans from the 2010s.

Source   https://luna16.grand-challenge.org (LIDC-IDRI), slices as in KamalEyubov/sose2020-idv.
Licence  LIDC-IDRI CC BY 3.0, LUNA16 CC BY 4.0.
Traps    Not COVID-19 by date, yet not healthy: nodules, emphysema and other disease are frequent.
         All negative: the source alone tells the label.  256 x 256, wide window, some slices are
         of the abdomen, some patients lie prone.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._manifest import entries
from ctsieve.types.cards import Counts, DatasetCard
from ctsieve.types.cases import Case

FOLDER = "luna16_slices"
LABEL = "non_covid19"
NAME = re.compile(r"(?P<scan>[\d.]+)\.mhd_(?P<number>\d+)\.png")
"""Series UID and slice."""


def walk(root: Path) -> Iterator[Case]:
    """Yield one picture per scan in the manifest's order, opening no image.

    Raises:
        UnreadableStudy: the collection is incomplete.
    """
    for entry in entries(root, FOLDER):
        name = NAME.fullmatch(entry.path.name)
        yield Case(
            id=entry.name,
            patient=entry.patient,
            label=LABEL,
            files=(entry.path,),
            site="luna16",
            scan=name["scan"] if name else "",
            position=int(name["number"]) if name else None,
        )


CARD = DatasetCard(
    title="LUNA16 slices",
    source="https://luna16.grand-challenge.org",
    licence="LIDC-IDRI CC BY 3.0; LUNA16 CC BY 4.0",
    labels=(LABEL,),
    walk=walk,
    citation="Setio et al., Medical Image Analysis 42 (2017) 1-13",
    expected="300 pictures of 300 patients",
    traps=("one label only", "some slices show the abdomen", "some patients lie prone"),
    counts=Counts(cases=300, patients=300),
)
