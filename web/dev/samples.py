"""Real answers for the fake service: phantoms or studies at hand, screened by the program."""

from pathlib import Path

import numpy as np
from PIL import Image

from ctsieve import Screener, read_study, write
from ctsieve.phantoms.nifti import save_nifti
from ctsieve.pipeline.phantom import make_study
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume

LUNG_LOW, LUNG_WIDTH = -1350.0, 1500.0
THUMBNAIL = (192, 192)


def phantom(kind: str, folder: Path, *, slices: int = 40, matrix: int = 192) -> Path:
    """Make a synthetic study as NIfTI and give its file."""
    source = folder / f"{kind}.nii.gz"
    make_study(source, kind=kind, form="nifti", seed=0, size=(slices, matrix))
    return source


def screened(source: Path, folder: Path, *, screener: Screener | None = None) -> Path:
    """Screen what lies at `source` and lay out the artefacts as the service names them."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "screening.json").is_file():
        return folder
    screening = (screener or Screener.load()).screen(read_study(source))
    volume = isinstance(screening.image, CTVolume)
    write(screening, folder, formats=["html", "nifti"] if volume else ["html"])
    _pictures(screening, folder)
    write(screening, folder, formats=["json"])
    return folder


def _pictures(screening: Screening, folder: Path) -> None:
    image = screening.image
    if isinstance(image, CTVolume):
        save_nifti(image, folder / "image.nii.gz")
        shown = np.clip((image.hu - LUNG_LOW) / LUNG_WIDTH, 0.0, 1.0)
    else:
        shown = np.asarray(image.values, dtype=np.float64).reshape(image.geometry.shape)
    grey = (shown * 255).astype(np.uint8)
    top = screening.top_slices or (grey.shape[0] // 2,)
    for index in top:
        Image.fromarray(grey[index]).save(folder / f"slice-{index}.png")
    small = Image.fromarray(grey[top[0]])
    small.thumbnail(THUMBNAIL)
    small.save(folder / "thumbnail.png")
