"""DICOM Segmentation: lungs and lesions as bits, pixel for pixel over the source images.

Source   PS3.3 A.51 (Segmentation IOD), BINARY.
"""

from pathlib import Path

from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._dicom.segmentation import segmentation

FILE = "seg.dcm"


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `seg.dcm`; nothing where nothing was outlined.

    Raises:
        UsageError: the image is of no DICOM study, or has no frame of reference.
    """
    made = segmentation(screening, "BINARY")
    return write_whole(folder, {FILE: made}) if made else []


CARD = FormatCard(
    title="DICOM SEG, lungs and lesions",
    write=write,
    pictures=False,
    dicom=True,
)
