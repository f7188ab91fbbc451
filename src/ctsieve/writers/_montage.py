"""The whole scan on one page: small slices with heat, outlines of lungs and lesions, numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume
from ctsieve.writers._colour import paint
from ctsieve.writers._drawing import AMBER, BLACK, GREY, WHITE, Colour, canvas, font, write_text
from ctsieve.writers._layout import NARROWEST, beside, framed, paragraphs, stacked
from ctsieve.writers._overview import Sheet, sheet
from ctsieve.writers._pictures import Bytes, resized
from ctsieve.writers.png import heat_words, origin_words

NUM_TILES: Final = 24
TILE: Final = 200
"""Longest side of a tile in pixels."""
SWATCH: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """What is outlined: a Boolean `mask` (slice, row, column) of the image, in a colour."""

    name: str
    colour: Colour
    mask: npt.NDArray[np.bool_]


def montage(screening: Screening, outlines: Sequence[Outline]) -> Image.Image:
    """Evenly spaced slices, those that decided among them, head first.

    Heat is left out where lesions are outlined: their thin lines would drown in it.
    """
    if screening.lesion_instances:
        screening = replace(screening, explanation=None)
    shown = sheet(screening, number=NUM_TILES, longest=TILE)
    picture = Image.fromarray(_painted(shown))
    pixels = np.array(picture)
    for outline in outlines:
        _draw_outline(pixels, shown, outline)
    picture = Image.fromarray(pixels)
    _number(picture, shown, top=screening.top_slices)
    if isinstance(screening.image, CTVolume):
        _name_sides(picture, shown)
    width = max(picture.width, NARROWEST)
    return framed(
        stacked(
            [
                paragraphs([screening.notice], width=width, size=18, fill=AMBER),
                picture,
                _legend(outlines),
                paragraphs(_words(screening), width=width, size=15, fill=GREY),
            ]
        )
    )


def _painted(shown: Sheet) -> Bytes:
    if shown.heat is None:
        return np.repeat(shown.grey[..., None], 3, axis=2)
    height, width = shown.grey.shape
    return paint(shown.grey, resized(shown.heat, (width, height)))


def _draw_outline(pixels: Bytes, shown: Sheet, outline: Outline) -> None:
    """Colour the inner rim of the mask in every tile, one pixel wide."""
    box = shown.box
    width, height = shown.tile
    for position, index in enumerate(shown.indices):
        part = outline.mask[index, box.top : box.bottom, box.left : box.right]
        if not part.any():
            continue
        small = resized(part.astype(np.uint8) * np.uint8(255), shown.tile) >= 128
        inner = np.pad(small, 1)
        around = inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
        left, top = shown.corner(position)
        tile = pixels[top : top + height, left : left + width]
        tile[small & ~around] = outline.colour


def _number(picture: Image.Image, shown: Sheet, *, top: Sequence[int]) -> None:
    """Part the tiles and write each slice's number into its own, amber where it decided."""
    draw = ImageDraw.Draw(picture)
    width, height = shown.tile
    for position, index in enumerate(shown.indices):
        left, upper = shown.corner(position)
        draw.rectangle((left, upper, left + width - 1, upper + height - 1), outline=BLACK)
        fill = AMBER if index in top else WHITE
        write_text(picture, (left + 5, upper + 3), str(index + 1), size=16, fill=fill)


def _name_sides(picture: Image.Image, shown: Sheet) -> None:
    """R and L at the sides of the first tile."""
    width, height = shown.tile
    for letter, x, anchor in (("R", 5, "lm"), ("L", width - 5, "rm")):
        write_text(picture, (x, height / 2), letter, size=14, fill=WHITE, anchor=anchor)


def _legend(outlines: Sequence[Outline]) -> Image.Image:
    """A swatch and a name for each outline."""
    entries = []
    for outline in outlines:
        length = font(15).getlength(outline.name) + SWATCH
        name = paragraphs([outline.name], width=round(length), size=15, fill=WHITE)
        entries += [canvas(SWATCH, SWATCH, outline.colour), name]
    return beside(entries) if entries else canvas(1, 1)


def _words(screening: Screening) -> list[str]:
    image = screening.image
    sides = "Patient's right on the left, seen from the feet. " * isinstance(image, CTVolume)
    amber = "Amber numbers: the slices that decided most. " * bool(screening.top_slices)
    return [
        f"Slices counted from the head, from 1. {amber}{sides}Outlines are made by program.",
        *heat_words(screening),
        origin_words(screening),
    ]
