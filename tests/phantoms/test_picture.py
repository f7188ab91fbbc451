"""Pictures show the slice, upright or turned, in the mode that their style says."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.phantoms.small import small

from ctsieve.ops.window import MEDIASTINUM, apply_window
from ctsieve.phantoms.picture import (
    STYLES,
    save_picture,
    save_sheet,
    save_stack,
)
from ctsieve.types.errors import UnknownName

MODES = {
    "png8": ("PNG", "L"),
    "png16": ("PNG", "I;16"),
    "jpeg": ("JPEG", "L"),
    "figure": ("PNG", "RGB"),
    "figure-rgba": ("PNG", "RGBA"),
    "rotated": ("PNG", "L"),
}


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_shows_the_slice(style: str, tmp_path: Path) -> None:
    volume = small("covid").volume
    path = save_picture(volume, tmp_path / "slice.anything", number=16, style=style)
    assert path.suffix == STYLES[style].suffix
    with Image.open(path) as image:
        assert (image.format, image.mode) == MODES[style]
        shown = np.asarray(image).astype(np.float64)
    if shown.ndim == 3:
        shown = np.median(shown[..., :3], axis=2)
    shown = np.rot90(shown / (65535 if style == "png16" else 255), -STYLES[style].quarter_turns)
    away = np.abs(shown - apply_window(volume.hu[16]))
    assert np.median(away) < 0.02
    assert np.quantile(away, 0.85) < 0.06


def test_only_figures_have_colour(tmp_path: Path) -> None:
    for style, coloured in (("figure", True), ("figure-rgba", True), ("png8", False)):
        path = save_picture(small("normal").volume, tmp_path / style, number=16, style=style)
        with Image.open(path) as image:
            channels = np.asarray(image.convert("RGB")).astype(int)
        assert (np.ptp(channels, axis=2).max() > 100) == coloured


def test_windows_map_their_ends_to_black_and_white() -> None:
    hu = np.array([[-2000, -160, 40, 240, 3000]], dtype=np.int16)
    assert apply_window(hu, MEDIASTINUM).tolist() == [[0.0, 0.0, 0.5, 1.0, 1.0]]


def test_a_stack_is_numbered_from_the_head(tmp_path: Path) -> None:
    volume = small("normal", num_slices=12, matrix=64).volume
    files = save_stack(volume, tmp_path)
    assert files == sorted(files)
    assert len(files) == 12
    for number in (0, 7):
        with Image.open(files[number]) as image:
            assert np.asarray(image) == pytest.approx(
                apply_window(volume.hu[number]) * 255, abs=0.51
            )


def test_a_sheet_outlines_lesions_in_colour(tmp_path: Path) -> None:
    for kind, coloured in (("normal", False), ("covid", True)):
        path = save_sheet(small(kind), tmp_path / f"{kind}.png")
        with Image.open(path) as image:
            assert image.size == (4 * 96, 4 * 96)
            assert (np.ptp(np.asarray(image).astype(int), axis=2).max() > 50) == coloured


def test_an_unknown_style_is_refused_with_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="'gif'") as caught:
        save_picture(small("normal").volume, tmp_path / "x", number=0, style="gif")
    assert "figure-rgba" in caught.value.hint
