"""Viewer: what a page needs to show the study itself: the volume as NIfTI, and a thumbnail.

`image.nii.gz` holds Hounsfield units on the grid of `heat.nii.gz` and its like (see `nifti`);
`thumbnail.png` is the slice that decided most, or the middle one.
"""

from pathlib import Path
from typing import Final

from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume
from ctsieve.writers._atomic import write_whole
from ctsieve.writers.nifti import volume_bytes
from ctsieve.writers.png import thumbnail_bytes

IMAGE_FILE: Final = "image.nii.gz"
THUMBNAIL_FILE: Final = "thumbnail.png"


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `thumbnail.png`, and for a volume `image.nii.gz`."""
    files = {THUMBNAIL_FILE: thumbnail_bytes(screening)}
    if isinstance(screening.image, CTVolume):
        files[IMAGE_FILE] = volume_bytes(screening.image)
    return write_whole(folder, files)


CARD = FormatCard(title="Viewer, the study as NIfTI and a thumbnail", write=write)
