"""Words and rulers burnt into pictures, with the font that Pillow brings along."""

from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ctsieve.writers._colour import FAINTEST, heat_colours
from ctsieve.writers._phrases import MINUS, THIN_SPACE

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Place = tuple[float, float]
Colour = tuple[int, int, int]

WHITE: Colour = (240, 243, 246)
GREY: Colour = (165, 179, 193)
AMBER: Colour = (245, 217, 152)
BLACK: Colour = (0, 0, 0)

_SPELT = str.maketrans({MINUS: "-", THIN_SPACE: " "})
"""Signs that the font does not have."""


@cache
def font(size: int) -> Font:
    """The font at `size` pixels."""
    return ImageFont.load_default(size)


def canvas(width: int, height: int, background: Colour = BLACK) -> Image.Image:
    """An empty RGB picture."""
    return Image.new("RGB", (width, height), background)


def write_text(
    picture: Image.Image, place: Place, text: str, *, size: int, fill: Colour, anchor: str = "la"
) -> None:
    """Draw one line of text at `place`, with a dark edge so that it reads on any ground."""
    ImageDraw.Draw(picture).text(
        place,
        text.translate(_SPELT),
        font=font(size),
        fill=fill,
        anchor=anchor,
        stroke_width=max(1, size // 14),
        stroke_fill=BLACK,
    )


def wrapped(text: str, *, size: int, width: float) -> list[str]:
    """Lines of `text` at most `width` pixels long; a single longer word keeps a line of its own."""
    lines: list[str] = []
    for word in text.translate(_SPELT).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(size).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def draw_scale_bar(picture: Image.Image, *, length: float, shown: str) -> None:
    """A scale bar of `length` pixels in the lower right corner."""
    width, height = picture.size
    size = max(11, width // 28)
    right, bottom = width - size * 0.7, height - size * 0.7
    draw = ImageDraw.Draw(picture)
    corners = [(right - length, bottom - size * 0.35), (right - length, bottom)]
    corners += [(right, bottom), (right, bottom - size * 0.35)]
    draw.line(corners, fill=WHITE, width=2)
    middle = (right - length / 2, bottom - size * 0.45)
    write_text(picture, middle, shown, size=size, fill=WHITE, anchor="ms")


def draw_letters(picture: Image.Image, letters: tuple[str, ...]) -> None:
    """Patient directions at the left, top, right and bottom; nothing where they are not known."""
    width, height = picture.size
    size = max(12, width // 24)
    edge = size * 0.4
    places = (
        (edge, height / 2),
        (width / 2, edge),
        (width - edge, height / 2),
        (width / 2, height - edge),
    )
    for letter, place, anchor in zip(letters, places, ("lm", "mt", "rm", "mb"), strict=False):
        write_text(picture, place, letter, size=size, fill=WHITE, anchor=anchor)


def colour_scale(width: int, height: int) -> Image.Image:
    """The colours of heat from the faintest that is painted to the hottest, left to right."""
    heat = np.linspace(FAINTEST, 1.0, width)
    row: npt.NDArray[np.uint8] = heat_colours()[np.round(heat * 255).astype(np.uint8)]
    return Image.fromarray(np.repeat(row[None], height, axis=0))
