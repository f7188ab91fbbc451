"""DICOM rejection note: a series that the gate rejected, titled "Rejected for Quality Reasons".

Source   PS3.16 CID 7010 (113001) and CID 7011; IHE Radiology, Imaging Object Change Management.

Archives that follow that profile hide every image such a note refers to.  Ask for this format only
where that is wanted; `dicom-ko` says the same without the consequence.
"""

from pathlib import Path
from typing import Final

from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._dicom.codes import REJECTED
from ctsieve.writers._dicom.key_objects import key_objects, quality_selection
from ctsieve.writers._dicom.objects import Kind
from ctsieve.writers._dicom.study import source_of

FILE: Final = "rejection-note.dcm"
KIND: Final = Kind(name="ko-rejected", series_number=9008, title="rejection note")


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `rejection-note.dcm`; nothing where the gate did not reject the series.

    Raises:
        UsageError: the image is of no DICOM study.
    """
    source = source_of(screening)
    if screening.gate.verdict != "rejected":
        return []
    selection = quality_selection(screening, source, title=REJECTED)
    made = key_objects(screening, source, kind=KIND, selection=selection)
    return write_whole(folder, {FILE: made})


CARD = FormatCard(
    title="DICOM KO that makes archives hide a rejected series",
    write=write,
    pictures=False,
    dicom=True,
)
