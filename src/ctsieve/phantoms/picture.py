"""Synthetic slices as pictures: PNG, JPEG, and figures as papers print them.

A sheet of slices in both windows, to look at::

    python -c "
    from pathlib import Path
    from ctsieve.phantoms.chest import make_phantom
    from ctsieve.phantoms.picture import save_sheet
    from ctsieve.phantoms.presets import preset
    save_sheet(make_phantom(preset('covid', seed=1)), Path('chest.png'))"
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ctsieve.ops.window import LUNG, MEDIASTINUM, apply_window
from ctsieve.phantoms.spec import Phantom
from ctsieve.types.errors import UnknownName
from ctsieve.types.volume import CTVolume, Window

Shown = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One way to print a slice: the file's suffix, and how values in [0, 1] become an image."""

    suffix: str
    draw: Callable[[Shown], Image.Image]
    quarter_turns: int = 0
    """Clockwise quarter turns that make the picture upright again."""


def save_picture(
    volume: CTVolume, path: Path, *, number: int, style: str = "png8", window: Window = LUNG
) -> Path:
    """Print slice `number` (from the head) to `path`, whose suffix is replaced by the style's.

    Raises:
        UnknownName: there is no such style.
    """
    if style not in STYLES:
        raise UnknownName(f"there is no style called {style!r}", hint=f"known: {', '.join(STYLES)}")
    chosen = STYLES[style]
    path = path.with_suffix(chosen.suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    chosen.draw(apply_window(volume.hu[number], window)).save(path)
    return path


def save_mask(labels: npt.NDArray[np.int8], path: Path) -> Path:
    """Write the labels (rows, columns) of a slice as the grey levels of a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels.astype(np.uint8)).save(path)
    return path


def save_stack(
    volume: CTVolume, folder: Path, *, style: str = "png8", window: Window = LUNG
) -> list[Path]:
    """Print all slices, numbered from the head: slice-0001.png, ..."""
    return [
        save_picture(volume, folder / f"slice-{n + 1:04d}", number=n, style=style, window=window)
        for n in range(len(volume.hu))
    ]


def save_sheet(phantom: Phantom, path: Path, *, columns: int = 4) -> Path:
    """Print `columns` x 2 slices in the lung window and the same slices in the soft-tissue window.

    Lesions' edges are drawn in the upper half: ground glass green, consolidation red, crazy paving
    blue.
    """
    hu = phantom.volume.hu
    chosen = np.linspace(1, len(hu) - 2, 2 * columns).round().astype(int).clip(0, len(hu) - 1)
    upper = [_outlined(apply_window(hu[n]), phantom.lesions[n]) for n in chosen]
    lower = [_coloured(apply_window(hu[n], MEDIASTINUM)) for n in chosen]
    rows = [
        np.concatenate(tiles[k : k + columns], axis=1)
        for tiles in (upper, lower)
        for k in (0, columns)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows, axis=0)).save(path)
    return path


def _outlined(shown: Shown, labels: npt.NDArray[np.int8]) -> npt.NDArray[np.uint8]:
    picture = _coloured(shown)
    for label, colour in ((1, (90, 220, 90)), (2, (240, 80, 70)), (3, (90, 160, 255))):
        mask = labels == label
        inner = mask.copy()
        inner[1:-1, 1:-1] = (
            mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:] & mask[1:-1, 1:-1]
        )
        picture[mask & ~inner] = colour
    return picture


def _coloured(shown: Shown) -> npt.NDArray[np.uint8]:
    return np.repeat(_bytes(shown)[..., None], 3, axis=2)


def _bytes(shown: Shown) -> npt.NDArray[np.uint8]:
    return np.asarray(np.rint(shown * 255.0), dtype=np.uint8)


def _grey(shown: Shown) -> Image.Image:
    return Image.fromarray(_bytes(shown))


def _deep(shown: Shown) -> Image.Image:
    return Image.fromarray(np.rint(shown * 65535.0).astype(np.uint16))


def _turned(shown: Shown) -> Image.Image:
    """A quarter turn anticlockwise: the spine is on the right."""
    return _grey(np.rot90(shown))


def _figure(shown: Shown) -> Image.Image:
    """As in a paper: an arrow, a letter and a side mark in colours burnt in."""
    image = Image.fromarray(_coloured(shown))
    width, height = image.size
    draw = ImageDraw.Draw(image)
    tip, tail = (0.30 * width, 0.62 * height), (0.16 * width, 0.76 * height)
    draw.line([tail, tip], fill=(230, 30, 30), width=max(1, width // 90))
    barb = 0.035 * width
    head = [tip, (tip[0] - 1.6 * barb, tip[1]), (tip[0], tip[1] + 1.6 * barb)]
    draw.polygon(head, fill=(230, 30, 30))
    font = ImageFont.load_default(size=max(10, height // 14))
    draw.text((0.03 * width, 0.02 * height), "A", fill=(255, 230, 40), font=font)
    draw.text((0.92 * width, 0.45 * height), "L", fill=(255, 255, 255), font=font)
    return image


def _figure_with_alpha(shown: Shown) -> Image.Image:
    return _figure(shown).convert("RGBA")


STYLES: dict[str, Style] = {
    "png8": Style(suffix=".png", draw=_grey),
    "png16": Style(suffix=".png", draw=_deep),
    "jpeg": Style(suffix=".jpg", draw=_grey),
    "figure": Style(suffix=".png", draw=_figure),
    "figure-rgba": Style(suffix=".png", draw=_figure_with_alpha),
    "rotated": Style(suffix=".png", draw=_turned, quarter_turns=1),
}
"""All styles by name."""
