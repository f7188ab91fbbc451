"""Sheets of small CT slices with heat, outlines and words, in the colours of the report."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

from ctsieve.types.results import NOTICE
from ctsieve.writers._colour import FAINTEST, heat_levels, paint
from ctsieve.writers._drawing import (
    AMBER,
    GREY,
    WHITE,
    canvas,
    colour_scale,
    font,
    wrapped,
    write_text,
)

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

TILE = 192
"""Rows and columns of a slice in a sheet."""
GAP, MARGIN, HEADING, CAPTION = 8, 20, 26, 40
TRUTH = (90, 214, 255)
"""Colour of what is really there."""
FOUND = (255, 190, 60)
"""Colour of what a network or a threshold found."""
QUALITY = 80
LARGEST = 150_000
"""Bytes of a figure in the repository."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """One slice: display values in [0, 1], heat in [0, 1], outlines of masks, boxes, words below.

    Boxes are (x1, y1, x2, y2) in pixels of the slice.
    """

    grey: Floats
    heat: Floats | None = None
    truth: Bools | None = None
    found: Bools | None = None
    boxes: Sequence[tuple[float, float, float, float]] = ()
    words: Sequence[str] = field(default_factory=tuple)

    def drawn(self) -> Image.Image:
        """The slice as a square picture."""
        grey = np.round(self.grey * 255).astype(np.uint8)
        small = _square(grey)
        if self.heat is None:
            picture = Image.fromarray(small).convert("RGB")
        else:
            levels = _square(heat_levels(self.heat.astype(np.float16)))
            picture = Image.fromarray(paint(small, levels))
        for mask, colour in ((self.truth, TRUTH), (self.found, FOUND)):
            if mask is not None:
                _outline(picture, mask, colour)
        draw, scale = ImageDraw.Draw(picture), TILE / self.grey.shape[0]
        for box in self.boxes:
            draw.rectangle([v * scale for v in box], outline=FOUND, width=2)
        return picture


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """Rows of tiles under headings, with words about what is to be seen."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Tile]]
    words: Sequence[str]
    legend: Sequence[tuple[tuple[int, int, int], str]] = ()
    heat: str = ""
    """What heat means; empty where none is shown."""
    chart: Image.Image | None = None


def draw(sheet: Sheet) -> Image.Image:
    """The sheet as one picture."""
    columns = max(len(row) for row in sheet.rows)
    width = columns * (TILE + GAP) - GAP
    lines = [line for text in sheet.words for line in wrapped(text, size=15, width=width)]
    caption = CAPTION if any(tile.words for row in sheet.rows for tile in row) else 0
    chart = sheet.chart.height + GAP if sheet.chart else 0
    heading = HEADING if sheet.headings else 0
    body = len(sheet.rows) * (TILE + caption + GAP)
    foot = 26 * (1 + bool(sheet.heat) + bool(sheet.legend))
    height = 40 + len(lines) * 21 + heading + body + chart + foot + 14
    picture = canvas(width + 2 * MARGIN, height + 2 * MARGIN)

    write_text(picture, (MARGIN, MARGIN), sheet.title, size=22, fill=WHITE)
    top = MARGIN + 36
    for line in lines:
        write_text(picture, (MARGIN, top), line, size=15, fill=GREY)
        top += 21
    top += 8
    for number, text in enumerate(sheet.headings):
        write_text(picture, (MARGIN + number * (TILE + GAP), top), text, size=15, fill=WHITE)
    top += heading
    for row in sheet.rows:
        for number, tile in enumerate(row):
            left = MARGIN + number * (TILE + GAP)
            picture.paste(tile.drawn(), (left, top))
            for place, text in enumerate(tile.words):
                spot = (left, top + TILE + 3 + 18 * place)
                write_text(picture, spot, text, size=13, fill=WHITE)
        top += TILE + caption + GAP
    if sheet.chart:
        picture.paste(sheet.chart, (MARGIN, top))
        top += chart
    _foot(picture, sheet, top)
    return picture


def bars(
    values: Floats, *, width: int, ill: Bools, chosen: Sequence[int], words: str
) -> Image.Image:
    """One bar a slice from the head to the feet; ill slices are marked, chosen ones coloured."""
    height, floor = 118, 92
    picture = canvas(width, height)
    draw_ = ImageDraw.Draw(picture)
    write_text(picture, (0, 0), words, size=13, fill=WHITE)
    step = width / len(values)
    for number, value in enumerate(values):
        left, right = number * step + 1, (number + 1) * step - 2
        tall = max(1.0, 68.0 * float(value) / float(values.max()))
        colour = FOUND if number in chosen else GREY
        draw_.rectangle((left, floor - tall, right, floor), fill=colour)
        if ill[number]:
            draw_.rectangle((left, floor + 4, right, floor + 8), fill=TRUTH)
    write_text(picture, (0, floor + 11), "head", size=12, fill=GREY)
    write_text(picture, (width, floor + 11), "feet", size=12, fill=GREY, anchor="ra")
    return picture


def save(picture: Image.Image, path: Path) -> None:
    """Write a JPEG that is small enough for the repository."""
    picture.save(path, "JPEG", quality=QUALITY, subsampling=1, optimize=True)
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, more than {LARGEST}")


def width_of(columns: int) -> int:
    """Pixels that so many tiles take side by side."""
    return columns * (TILE + GAP) - GAP


def _foot(picture: Image.Image, sheet: Sheet, top: int) -> None:
    if sheet.legend:
        left = float(MARGIN)
        for colour, text in sheet.legend:
            ImageDraw.Draw(picture).line((left, top + 10, left + 22, top + 10), colour, 3)
            write_text(picture, (left + 30, top + 1), text, size=14, fill=WHITE)
            left += 54 + font(14).getlength(text)
        top += 26
    if sheet.heat:
        picture.paste(colour_scale(120, 12), (MARGIN, top + 4))
        words = f"heat {FAINTEST} to 1: {sheet.heat}"
        write_text(picture, (MARGIN + 132, top + 1), words, size=14, fill=WHITE)
        top += 26
    phantom = f"Synthetic chest, network trained on such chests for minutes. {NOTICE}"
    for line in wrapped(phantom, size=13, width=picture.width - 2 * MARGIN):
        write_text(picture, (MARGIN, top + 2), line, size=13, fill=AMBER)
        top += 17


def _square(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize((TILE, TILE), Image.Resampling.BICUBIC))


def _outline(picture: Image.Image, mask: Bools, colour: tuple[int, int, int]) -> None:
    """The border of a mask, drawn a pixel and a half wide."""
    smooth = ndimage.zoom(mask.astype(np.float32), TILE / mask.shape[0], order=1)
    inside = smooth > 0.5
    border = inside & ~ndimage.binary_erosion(inside, iterations=1)
    pixels = np.asarray(picture).copy()
    pixels[border] = colour
    picture.paste(Image.fromarray(pixels))
