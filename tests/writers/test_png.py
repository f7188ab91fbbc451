"""PNG pictures carry their words, their sides and their heat with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from tests.writers.parts import provenance_of
from tests.writers.screenings import EVERY, rejected, scan, stack, tiny

from ctsieve.types.geometry import Geometry
from ctsieve.types.volume import CTVolume
from ctsieve.writers import png
from ctsieve.writers._drawing import AMBER, font, wrapped


def colours(path: Path) -> npt.NDArray[np.int16]:
    with Image.open(path) as picture:
        assert picture.mode == "RGB"
        return np.asarray(picture).astype(np.int16)


def is_coloured(picture: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.ptp(picture, axis=2) > 40)


def test_a_summary_and_each_top_slice(tmp_path: Path) -> None:
    paths = png.write(scan(), tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in paths]
    slices = [f"slices/slice-{i + 1:03d}.png" for i in scan().top_slices]
    assert names == ["summary.png", *slices]


def test_what_was_not_judged_is_shown_all_the_same(tmp_path: Path) -> None:
    paths = png.write(rejected(), tmp_path)
    middle = rejected().image.geometry.shape[0] // 2 + 1
    assert [path.name for path in paths] == ["summary.png", f"slice-{middle:03d}.png"]


@pytest.mark.parametrize("kind", EVERY)
def test_the_notice_is_burnt_into_every_picture(kind: str, tmp_path: Path) -> None:
    for path in png.write(EVERY[kind](), tmp_path):
        amber = (np.abs(colours(path) - AMBER).max(axis=2) < 8).sum()
        assert amber > 200, path.name


def test_heat_lies_on_its_voxel(tmp_path: Path) -> None:
    grid = Geometry.from_spacing((8, 100, 100), spacing=(5.0, 1.0, 2.0), frame="1.2.3")
    screening = tiny(grid, (2, 20, 80))
    assert screening.explanation is not None
    heat = np.zeros(grid.shape, dtype=np.float16)
    heat[3:5, 18:22, 78:82] = 1.0
    screening = replace(screening, explanation=replace(screening.explanation, heat=heat))
    path = next(p for p in png.write(screening, tmp_path) if p.name == "slice-004.png")
    picture = colours(path)
    rows, columns = np.nonzero(is_coloured(picture[:50, :100]))
    # Twice as wide as high: a row takes half a pixel.
    assert (rows.mean(), columns.mean()) == pytest.approx((19.5 / 2, 79.5), abs=1.0)


def test_without_heat_a_slice_is_grey(tmp_path: Path) -> None:
    grid = Geometry.from_spacing((8, 100, 100), spacing=(5.0, 1.0, 1.0), frame="1.2.3")
    image = CTVolume(
        hu=np.full(grid.shape, -600, dtype=np.int16), geometry=grid, provenance=provenance_of(8)
    )
    screening = replace(tiny(grid, (0, 0, 0)), image=image, explanation=None, lungs=None)
    picture = colours(png.write(screening, tmp_path)[1])[:100, :100]
    assert not is_coloured(picture).any()
    # The middle of the window is mid grey.
    assert np.median(picture) == pytest.approx(127.5, abs=1)


def test_a_stack_has_no_sides(tmp_path: Path) -> None:
    assert len(png.write(stack(), tmp_path)) == 1 + stack().recipe.num_top_slices


def test_lines_fit_and_lose_no_word() -> None:
    text = "the quick brown fox jumps over averyveryverylongwordindeed and rests " * 3
    lines = wrapped(text, size=16, width=150)
    assert " ".join(lines).split() == text.split()
    assert all(font(16).getlength(line) <= 150 or " " not in line for line in lines)
