"""DICOM Segmentation with probabilities: each voxel of a lesion has the score of its finder.

Source   PS3.3 A.51 (Segmentation IOD), FRACTIONAL, type PROBABILITY, 255 is 1.  Lungs, which have
         no score, are 1 inside.
"""

from pathlib import Path

from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._dicom.segmentation import segmentation

FILE = "seg-fractional.dcm"


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `seg-fractional.dcm`; nothing where nothing was outlined.

    Raises:
        UsageError: the image is of no DICOM study, or has no frame of reference.
    """
    made = segmentation(screening, "FRACTIONAL")
    return write_whole(folder, {FILE: made}) if made else []


CARD = FormatCard(
    title="DICOM SEG, lesions by score",
    write=write,
    pictures=False,
    dicom=True,
)
