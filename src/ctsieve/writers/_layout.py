"""Pages put together out of pictures and paragraphs: under each other, side by side, framed."""

from PIL import Image

from ctsieve.writers._drawing import Colour, canvas, wrapped, write_text

MARGIN = 24
GAP = 12
NARROWEST = 700
"""Least width of a page with words, so that the notice stands on one line."""


def paragraphs(
    texts: list[str],
    *,
    width: int,
    size: int,
    fill: Colour,
) -> Image.Image:
    """Texts under each other, broken where they are too long; no height where there are none."""
    lines = [line for text in texts for line in wrapped(text, size=size, width=width)]
    step = round(size * 1.4)
    block = canvas(width, len(lines) * step)
    for number, line in enumerate(lines):
        write_text(block, (0, number * step + size * 0.1), line, size=size, fill=fill)
    return block


def stacked(blocks: list[Image.Image]) -> Image.Image:
    """Pictures under each other with gaps."""
    height = sum(block.height + GAP for block in blocks)
    picture = canvas(max(block.width for block in blocks), height)
    top = 0
    for block in blocks:
        picture.paste(block, (0, top))
        top += block.height + GAP
    return picture


def beside(pictures: list[Image.Image]) -> Image.Image:
    """Pictures side by side with gaps; no height where there are none."""
    width = sum(picture.width + GAP for picture in pictures)
    block = canvas(width, max((picture.height for picture in pictures), default=0))
    left = 0
    for picture in pictures:
        block.paste(picture, (left, 0))
        left += picture.width + GAP
    return block


def framed(content: Image.Image) -> Image.Image:
    """The picture with a margin around it."""
    picture = canvas(content.width + 2 * MARGIN, content.height + 2 * MARGIN)
    picture.paste(content, (MARGIN, MARGIN))
    return picture
