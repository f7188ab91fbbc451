"""Pictures: content decides, colours become grey, numbered folders become stacks."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.readers.make import nib

from ctsieve.readers import read_labels, read_study
from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.types.volume import CTPicture, CTVolume

GREY = np.arange(0, 240, dtype=np.uint8).reshape(15, 16)


def read(path: Path) -> CTPicture:
    picture = read_study(path)
    assert isinstance(picture, CTPicture)
    return picture


def saved(image: Image.Image, path: Path, **options: Any) -> Path:  # noqa: ANN401
    image.save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P"])
def test_grey_in_any_mode_is_the_same_picture(mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(GREY)
    image = image.convert("RGB").quantize(256) if mode == "P" else image.convert(mode)
    picture = read(saved(image, tmp_path / "a.png"))
    np.testing.assert_allclose(picture.values[0], GREY / 255, atol=1e-6)
    assert picture.provenance.acquisition.picture_mode == mode
    assert picture.provenance.acquisition.coloured_fraction == 0.0
    assert picture.provenance.acquisition.intensity == "display"


@pytest.mark.parametrize(("kind", "suffix"), [("png", "jpg"), ("tiff", "png"), ("bmp", "tif")])
def test_the_extension_is_not_trusted(kind: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"2020.02 p12%67.{suffix}"
    Image.fromarray(GREY).save(path, format=kind.upper())
    picture = read(path)
    assert picture.provenance.acquisition.picture_format == kind
    np.testing.assert_allclose(picture.values[0], GREY / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("bits", "top"), [(8, 255), (10, 1023), (12, 4095), (14, 16383), (16, 65535)]
)
def test_deep_pictures_are_scaled_by_the_bits_they_use(bits: int, top: int, tmp_path: Path) -> None:
    values = np.linspace(0, top, 240).astype(np.uint16).reshape(15, 16)
    for path in (tmp_path / "a.png", tmp_path / "a.tif"):
        picture = read(saved(Image.fromarray(values), path))
        np.testing.assert_allclose(picture.values[0], values / (2**bits - 1), atol=1e-6)


def test_a_multi_page_tiff_is_a_stack(tmp_path: Path) -> None:
    pages = [Image.fromarray(GREY // (n + 1)) for n in range(5)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    picture = read(tmp_path / "a.tif")
    assert picture.geometry.shape == (5, 15, 16)
    assert [s.frame for s in picture.provenance.slices if s] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(picture.values[4], (GREY // 5) / 255, atol=1e-6)


def test_transparency_lies_on_black(tmp_path: Path) -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[..., :3] = 200
    rgba[:2, :, 3] = 255
    picture = read(saved(Image.fromarray(rgba), tmp_path / "a.png"))
    np.testing.assert_allclose(picture.values[0, :, 0], [200 / 255] * 2 + [0.0] * 2, atol=1e-6)


def test_marks_in_colour_are_counted(tmp_path: Path) -> None:
    rgb = np.repeat(GREY[..., None], 3, axis=2)
    rgb[:3, :4] = (255, 0, 0)
    picture = read(saved(Image.fromarray(rgb), tmp_path / "a.png"))
    assert picture.provenance.acquisition.coloured_fraction == pytest.approx(12 / GREY.size)


def test_cmyk_is_read_as_grey(tmp_path: Path) -> None:
    flat = Image.fromarray(np.full((16, 16), 90, np.uint8)).convert("RGB").convert("CMYK")
    picture = read(saved(flat, tmp_path / "a.jpg", quality=95))
    np.testing.assert_allclose(picture.values, 90 / 255, atol=0.03)


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_the_orientation_a_camera_noted_is_applied(turn: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    quarter = {1: 0, 3: 2, 6: 3, 8: 1}[turn]
    picture = read(saved(Image.fromarray(GREY), tmp_path / "a.png", exif=exif))
    np.testing.assert_allclose(picture.values[0], np.rot90(GREY, quarter) / 255, atol=1e-6)


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    numbers=st.lists(st.integers(0, 2000), min_size=2, max_size=12, unique=True),
    padded=st.booleans(),
)
def test_slices_lie_in_the_order_of_their_numbers(
    numbers: list[int], padded: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stack")
    for number in numbers:
        name = f"case_07_{number:04d}.png" if padded else f"case_07_{number}.png"
        value = sorted(numbers).index(number)
        Image.fromarray(np.full((3, 4), value, np.uint8)).save(folder / name)
    picture = read(folder)
    order = np.rint(picture.values[:, 0, 0] * 255).astype(int)
    assert order.tolist() == list(range(len(numbers)))


@pytest.mark.parametrize(
    ("names", "sizes", "match"),
    [
        (("a1.png", "b2.png"), (4, 4), "no stack"),
        (("case1_slice1.png", "case2_slice2.png"), (4, 4), "no stack"),
        (("s1.png", "s2.png"), (4, 5), "2 different sizes"),
        (("s1.png", "s01.png"), (4, 4), "no stack"),
    ],
)
def test_pictures_that_are_no_stack_are_refused(
    names: tuple[str, str], sizes: tuple[int, int], match: str, tmp_path: Path
) -> None:
    for name, size in zip(names, sizes, strict=True):
        Image.fromarray(np.zeros((size, 4), np.uint8)).save(tmp_path / name)
    with pytest.raises(InputRejected, match=match) as caught:
        read(tmp_path)
    assert "one picture" in caught.value.hint


def test_a_bomb_is_refused_unopened(tmp_path: Path) -> None:
    path = saved(Image.new("1", (8192, 8192)), tmp_path / "a.png")
    with pytest.raises(UnreadableStudy, match="64000000 pixels"):
        read(path)
    path = saved(Image.new("1", (30_000, 30)), tmp_path / "b.png")
    with pytest.raises(UnreadableStudy, match="limit"):
        read(path)


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "bmp"])
@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
def test_truncated_pictures_are_refused(kind: str, keep: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (64, 64), dtype=np.uint8)
    path = saved(Image.fromarray(noise), tmp_path / f"a.{kind}")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(UnreadableStudy):
        read(path)


@pytest.mark.parametrize("values", [[[-1000.0, 40.0]], [[0.0, np.nan]], [[0.0, 7.5]]])
def test_values_that_are_no_display_values_are_refused(
    values: npt.ArrayLike, tmp_path: Path
) -> None:
    path = saved(Image.fromarray(np.asarray(values, np.float32)), tmp_path / "a.tif")
    with pytest.raises(UnreadableStudy, match="picture values"):
        read(path)


def test_every_figure_of_the_collection_is_read(data: Path) -> None:
    paths = sorted((data / "covid_ct" / "val").rglob("*.*"))
    assert len(paths) > 100
    for path in paths:
        picture = read(path)
        assert float(picture.values.max()) > 0.3


def test_slices_cropped_one_by_one_are_no_stack(data: Path, tmp_path: Path) -> None:
    for path in (data / "coronacases_slices").glob("*org_004_*.jpg"):
        (tmp_path / path.name).symlink_to(path)
    with pytest.raises(InputRejected, match="different sizes"):
        read(tmp_path)


KINDS = np.arange(240, dtype=np.uint8).reshape(15, 16) // 80
"""A mask of background and two kinds."""


def labels(path: Path) -> npt.NDArray[np.float32]:
    picture = read_labels(path)
    assert isinstance(picture, CTPicture)
    return np.asarray(np.rint(picture.values[0] * 255))


def test_a_mask_with_a_palette_is_its_numbers_and_not_its_colours(tmp_path: Path) -> None:
    """The masks of COVID-SemiSeg are drawn in black, red and green."""
    image = Image.fromarray(KINDS, mode="P")
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    path = saved(image, tmp_path / "mask.png")
    np.testing.assert_array_equal(labels(path), KINDS)
    assert not np.array_equal(np.rint(read(path).values[0] * 255), KINDS)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
def test_a_grey_mask_is_its_numbers_in_any_mode(mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(KINDS.astype(np.uint16)) if mode == "I;16" else Image.fromarray(KINDS)
    path = saved(image if mode == "I;16" else image.convert(mode), tmp_path / "mask.png")
    np.testing.assert_array_equal(labels(path), KINDS)


def test_colours_jpegs_and_large_numbers_are_no_masks(tmp_path: Path) -> None:
    """A red of 1 of 255 is nothing to the eye, and a kind of lesion to whoever drew it."""
    red = np.stack([KINDS, KINDS * 0, KINDS * 0], axis=2)
    made = {
        "drawn in colours": saved(Image.fromarray(red), tmp_path / "red.png"),
        "is a JPEG": saved(Image.fromarray(KINDS), tmp_path / "mask.jpg"),
        "end at 255, this one's at 1000": saved(
            Image.fromarray(KINDS.astype(np.uint16) * 500), tmp_path / "deep.png"
        ),
    }
    for sentence, path in made.items():
        with pytest.raises(InputRejected, match=sentence):
            read_labels(path)


def test_a_mask_of_a_volume_is_its_numbers(tmp_path: Path) -> None:
    drawn = np.zeros((6, 5, 4), np.uint8)
    drawn[1:3, 2, 1] = 3
    nib.save(nib.Nifti1Image(drawn, np.diag([-1.0, -1.0, 1.0, 1.0])), tmp_path / "mask.nii.gz")
    volume = read_labels(tmp_path / "mask.nii.gz")
    assert isinstance(volume, CTVolume)
    assert volume.geometry.has_millimetres
    np.testing.assert_array_equal(np.sort(volume.hu, axis=None), np.sort(drawn, axis=None))
