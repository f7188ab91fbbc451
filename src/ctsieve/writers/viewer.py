"""Viewer: what a page needs to show the study itself: the volume as NIfTI, or the picture.

`image.nii.gz` holds Hounsfield units on the grid of `heat.nii.gz` and its like (see `nifti`).  Of a
picture there is `picture.png`, grey and pixel by pixel as it came, and `heat.png` to lay over it.
`thumbnail.png` is the slice that decided most, or the middle one.
"""

from pathlib import Path
from typing import Final

from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._pictures import grey_png, grey_slice, heat_png, heat_slice, whole
from ctsieve.writers.nifti import volume_bytes
from ctsieve.writers.png import thumbnail_bytes

IMAGE_FILE: Final = "image.nii.gz"
PICTURE_FILE: Final = "picture.png"
HEAT_FILE: Final = "heat.png"
THUMBNAIL_FILE: Final = "thumbnail.png"


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `thumbnail.png`, and `image.nii.gz` or `picture.png` with `heat.png`."""
    files = {THUMBNAIL_FILE: thumbnail_bytes(screening)}
    if isinstance(screening.image, CTVolume):
        files[IMAGE_FILE] = volume_bytes(screening.image)
    else:
        box = whole(screening.image.geometry)
        files[PICTURE_FILE] = grey_png(grey_slice(screening.image, 0, box))
        if screening.explanation is not None:
            files[HEAT_FILE] = heat_png(heat_slice(screening.explanation, 0, box))
    return write_whole(folder, files)


CARD = FormatCard(title="Viewer, the study as NIfTI or PNG and a thumbnail", write=write)
