"""DICOM Key Object Selection: the slices that decided, or why a series was not judged.

Source   PS3.3 A.35.4, PS3.16 TID 2010 and CID 7010.

A series that the gate rejected is titled "Quality Issue" here.  The title "Rejected for Quality
Reasons" is an order to archives to hide the images (IHE IOCM), which a research program must not
give unasked: `dicom-ko-rejected` writes that one.
"""

from pathlib import Path
from typing import Final

from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._dicom.codes import OF_INTEREST, QUALITY_ISSUE
from ctsieve.writers._dicom.key_objects import Selection, key_objects, quality_selection
from ctsieve.writers._dicom.objects import Kind
from ctsieve.writers._dicom.study import source_of
from ctsieve.writers._words import headline

FILE: Final = "key-objects.dcm"
KIND: Final = Kind(name="ko", series_number=9003, title="key objects")


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `key-objects.dcm`; nothing where no slice was judged and none was rejected.

    Raises:
        UsageError: the image is of no DICOM study.
    """
    source = source_of(screening)
    if screening.gate.verdict == "rejected":
        selection = quality_selection(screening, source, title=QUALITY_ISSUE)
    else:
        words = headline(screening)
        selection = Selection(
            title=OF_INTEREST,
            description=(
                f"Slices with the largest share in the answer of ctsieve, the first first. "
                f"{words.title}. {words.detail} {screening.notice}"
            ),
            references=source.references(screening.top_slices),
        )
    if not selection.references:
        return []
    made = key_objects(screening, source, kind=KIND, selection=selection)
    return write_whole(folder, {FILE: made})


CARD = FormatCard(
    title="DICOM KO, the slices that decided",
    write=write,
    pictures=False,
    dicom=True,
)
