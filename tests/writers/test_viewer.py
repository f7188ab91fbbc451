"""What a page shows the study from: every pixel where it was, and heat that fits over it."""

from pathlib import Path

import numpy as np
from PIL import Image
from tests.screened import screen_phantom, screen_picture

from ctsieve.types.volume import CTPicture
from ctsieve.writers import viewer
from ctsieve.writers._colour import FAINTEST


def test_a_picture_is_kept_pixel_by_pixel_with_heat_of_its_size(tmp_path: Path) -> None:
    screening = screen_picture(tmp_path / "bundle")
    written = viewer.write(screening, tmp_path / "out")
    assert {path.name for path in written} == {"picture.png", "heat.png", "thumbnail.png"}
    with Image.open(tmp_path / "out" / "picture.png") as picture:
        shown = np.asarray(picture)
    assert isinstance(screening.image, CTPicture)
    assert np.array_equal(shown, np.round(screening.image.values[0] * 255).astype(np.uint8))
    with Image.open(tmp_path / "out" / "heat.png") as heat:
        cover = np.asarray(heat.convert("RGBA"))[..., 3]
    assert cover.shape == shown.shape
    assert screening.explanation is not None
    amount = screening.explanation.heat[0].astype(np.float32)
    assert (cover[amount < FAINTEST - 0.01] == 0).all()
    assert (cover[amount > FAINTEST + 0.05] > 0).all()
    assert cover.ravel()[amount.argmax()] == cover.max()


def test_a_volume_comes_as_nifti(tmp_path: Path) -> None:
    written = viewer.write(screen_phantom(tmp_path / "bundle"), tmp_path / "out")
    assert {path.name for path in written} == {"image.nii.gz", "thumbnail.png"}
