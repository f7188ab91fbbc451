"""Radiopaedia COVID-19: ten scans with masks of lungs and infection, the other half of coronacases.

Source   https://zenodo.org/records/3757476 (COVID-19-CT-Seg_20cases); patients by their case
         numbers on radiopaedia.org, the first number of a file name.
Licence  CC BY-NC-SA (radiopaedia.org); the masks CC BY 4.0.
Traps    Two pairs of scans are of one patient each (cases 10 and 29).  Grey values are those of a
         lung window, 0 to 255, and no Hounsfield units, though the files are NIfTI; voxel sizes
         along the body are not to be trusted.  All COVID-19.  The series models' paper counts them
         as out-of-distribution; COVIDx CT has other scans of the same site.
"""

from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._twenty_cases import MASK_VALUES, WHERE, scans
from ctsieve.types.cards import Counts, DatasetCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

LABEL = "covid19"
PREFIX = "radiopaedia_"


def walk(root: Path) -> Iterator[Case]:
    """Yield one scan with its mask per case, by case number, opening no image.

    Raises:
        UnreadableStudy: a folder or a mask is missing, or a name has no case number.
    """
    for name, image, mask in scans(root, PREFIX):
        number = name.removeprefix(PREFIX).partition("_")[0]
        if not number.isdigit():
            raise UnreadableStudy(f"{image.name} has no case number", hint=WHERE)
        yield Case(
            id=name,
            patient=f"{PREFIX}{number}",
            label=LABEL,
            files=(image,),
            site="radiopaedia",
            kind="volume",
            mask=mask,
            scan=name,
        )


CARD = DatasetCard(
    title="Radiopaedia COVID-19 scans",
    source="https://zenodo.org/records/3757476",
    licence="CC BY-NC-SA; masks CC BY 4.0",
    labels=(LABEL,),
    walk=walk,
    citation="Ma et al., Medical Physics 48 (2021) 1197; radiopaedia.org",
    expected="10 scans of 8 patients",
    traps=(
        "one label only",
        "grey values of a window, no Hounsfield units",
        "two patients have two scans each",
    ),
    counts=Counts(cases=10, patients=8),
    mask_values=MASK_VALUES,
)
