"""Coronacases: ten COVID-19 scans as stacks of 8-bit pictures.

Source   https://zenodo.org/records/3757476 (coronacases.org), as sliced by
         https://github.com/DengPingFan/Inf-Net.
Licence  COVID-SemiSeg: non-commercial; Zenodo lists CC BY-NC-SA for part of it.
Traps    All positive: the source alone tells the label.  The label is the scan's; slices near the
         ends of the lungs may show no disease, hence the weights.  Lying on the side (the spine is
         left: three clockwise quarter turns make it upright), cropped to the lungs, mixed windows.
         The slice number at the end of the name is not zero-padded: names do not sort.
         The variant "zenodo" reads the ten scans as published there: NIfTI with masks, upright.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ctsieve.datasets import _twenty_cases
from ctsieve.datasets._manifest import Entry, entries
from ctsieve.types.cards import Counts, DatasetCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

FOLDER = "coronacases_slices"
LABEL = "covid19"
QUARTER_TURNS = 3
PREFIX = "coronacases_"
"""Of the names on Zenodo."""
NAME = re.compile(r"(?P<scan>.+)_(?P<number>\d+)\.jpg")

MIDDLE = (0.15, 0.90)
"""Where in a scan (share of its slices) the scan's label is trusted for a slice."""
MIDDLE_WEIGHT, END_WEIGHT = 0.6, 0.0


def walk(root: Path) -> Iterator[Case]:
    """Yield one slice per case, scan by scan in slice order, opening none.

    Raises:
        UnreadableStudy: the collection is incomplete or a name is not as published.
    """
    for scan, slices in _scans(root).items():
        for position, entry in enumerate(slices):
            middle = MIDDLE[0] < (position + 1) / len(slices) < MIDDLE[1]
            yield Case(
                id=entry.name,
                patient=entry.patient,
                label=LABEL,
                files=(entry.path,),
                site="coronacases",
                quarter_turns=QUARTER_TURNS,
                weight=MIDDLE_WEIGHT if middle else END_WEIGHT,
                scan=scan,
                position=position,
            )


def scans(root: Path) -> Iterator[Case]:
    """Yield one whole stack per case, its slices in order.

    Raises:
        UnreadableStudy: the collection is incomplete or a name is not as published.
    """
    for scan, slices in _scans(root).items():
        yield Case(
            id=scan,
            patient=slices[0].patient,
            label=LABEL,
            files=tuple(entry.path for entry in slices),
            site="coronacases",
            kind="volume",
            quarter_turns=QUARTER_TURNS,
            scan=scan,
        )


def walk_zenodo(root: Path) -> Iterator[Case]:
    """Yield the ten scans of the archive on Zenodo with their masks, opening none.

    Raises:
        UnreadableStudy: a folder or a mask is missing.
    """
    for name, image, mask in _twenty_cases.scans(root, PREFIX):
        yield Case(
            id=name,
            patient=_twenty_cases.CORONACASES.format(name.removeprefix(PREFIX)),
            label=LABEL,
            files=(image,),
            site="coronacases",
            kind="volume",
            mask=mask,
            scan=name,
        )


def _scans(root: Path) -> dict[str, list[Entry]]:
    """Scan names to slices in slice order."""
    numbered: dict[str, list[tuple[int, Entry]]] = {}
    for entry in entries(root, FOLDER):
        found = NAME.fullmatch(entry.path.name)
        if found is None:
            raise UnreadableStudy(
                f"{entry.name} has no slice number", hint="copy the collection again, whole"
            )
        numbered.setdefault(found["scan"], []).append((int(found["number"]), entry))
    return {
        scan: [entry for _, entry in sorted(pairs, key=lambda pair: pair[0])]
        for scan, pairs in sorted(numbered.items())
    }


_SLICES = DatasetCard(
    title="Coronacases slices",
    source="https://zenodo.org/records/3757476",
    licence="non-commercial (COVID-SemiSeg); CC BY-NC-SA (Zenodo)",
    labels=(LABEL,),
    walk=walk,
    citation="Ma et al., Medical Physics 48 (2021) 1197; Fan et al., IEEE TMI 39 (2020) 2626",
    expected="1119 slices of 10 scans",
    traps=(
        "one label only",
        "turned by 90 degrees, spine left",
        "the label is the scan's, not the slice's",
        "names do not sort in slice order",
    ),
    counts=Counts(cases=1119, patients=10),
)
CARD = replace(
    _SLICES,
    variants={
        "scans": replace(
            _SLICES,
            title="Coronacases, whole stacks",
            walk=scans,
            counts=Counts(cases=10, patients=10),
        ),
        "zenodo": replace(
            _SLICES,
            title="Coronacases, NIfTI scans with masks",
            walk=walk_zenodo,
            expected="10 scans of 200 to 300 slices",
            traps=("one label only",),
            counts=Counts(cases=10, patients=10),
            mask_values=_twenty_cases.MASK_VALUES,
        ),
    },
)
