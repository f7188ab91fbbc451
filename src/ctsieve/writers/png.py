"""PNG: pictures that travel alone, so every one of them carries its words and its notice.

`summary.png` is the answer on one picture; `slices/` holds each top slice with heat.
"""

import io
from pathlib import Path

from PIL import Image, ImageDraw

from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTPicture, CTVolume
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._colour import FAINTEST, paint
from ctsieve.writers._drawing import (
    AMBER,
    GREY,
    WHITE,
    canvas,
    colour_scale,
    draw_letters,
    draw_scale_bar,
    wrapped,
    write_text,
)
from ctsieve.writers._lesions import outlines
from ctsieve.writers._overview import coronal, is_seen_from_front
from ctsieve.writers._pictures import (
    CORONAL,
    Bytes,
    Ruler,
    grey_slice,
    heat_slice,
    resized,
    scaled_ruler,
    slice_ruler,
    true_size,
    whole,
)
from ctsieve.writers._places import place_in_words
from ctsieve.writers._report import ProbabilityBar, Report, report
from ctsieve.writers._words import label_name, slice_words

LONGEST = 768
"""Longest side of a slice's picture in pixels."""
WIDTH = 1232
"""Of the summary without its margins."""
MARGIN = 24
GAP = 12
MOST_COLUMNS = 4
WIDEST_COLUMN = 420
EVIDENCE_WIDTH = 760
NARROWEST_WORDS = 480


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `summary.png` and `slices/slice-NNN.png` (numbered from the head, from 1)."""
    files = {"summary.png": _encoded(_summary(screening))}
    for index in _shown(screening):
        name = f"slices/slice-{index + 1:03d}.png"
        files[name] = _encoded(_single(screening, index))
    return write_whole(folder, files)


def _shown(screening: Screening) -> tuple[int, ...]:
    """Top slices; the middle one where nothing was judged."""
    return screening.top_slices or (screening.image.geometry.shape[0] // 2,)


def _single(screening: Screening, index: int) -> Image.Image:
    """One slice with heat, its place and the notice burnt in beneath."""
    picture = _slice(screening, index, longest=LONGEST)
    lines = [place_in_words(screening.image, index), *_heat_words(screening)]
    width = max(picture.width, NARROWEST_WORDS)
    words = _paragraphs(lines, width=width - 2 * MARGIN, size=16, fill=WHITE)
    notice = _paragraphs([screening.notice], width=width - 2 * MARGIN, size=16, fill=AMBER)
    return _stacked([picture, _framed(_stacked([words, notice]))])


def _summary(screening: Screening) -> Image.Image:
    words = report(screening)
    blocks = [
        _paragraphs([words.notice], width=WIDTH, size=18, fill=AMBER),
        _paragraphs([words.headline.title], width=WIDTH, size=38, fill=WHITE),
        _paragraphs([words.headline.detail], width=WIDTH, size=19, fill=WHITE),
        *(_bar(bar) for bar in words.bars),
        _paragraphs(_gate_words(words), width=WIDTH, size=17, fill=GREY),
        _slices(screening),
        _front(screening),
        _paragraphs(_origin_words(screening, words), width=WIDTH, size=15, fill=GREY),
    ]
    return _framed(_stacked([block for block in blocks if block.height]))


def _gate_words(words: Report) -> list[str]:
    findings = [f"{f.severity.capitalize()}: {f.sentence}" for f in words.findings]
    return [f"{words.verdict_title}.", *findings]


def _origin_words(screening: Screening, words: Report) -> list[str]:
    bundle = screening.bundle
    return [
        f"{words.software}, bundle {bundle.name} {bundle.version} ({bundle.digest[:12]}), "
        f"report {words.id}",
        words.notice,
    ]


def _heat_words(screening: Screening) -> list[str]:
    shown = screening.explanation
    if shown is None:
        return []
    return [
        f"Heat: {label_name(shown.label)}, {shown.method}, from {FAINTEST} to 1.0 of the unscaled "
        f"peak {shown.peak:.4g}"
    ]


def _slice(screening: Screening, index: int, *, longest: int) -> Image.Image:
    """One slice with heat, outlines of lesions, directions and scale bar."""
    image, explanation = screening.image, screening.explanation
    box = whole(image.geometry)
    size = true_size(image.geometry, box, longest=longest)
    grey = resized(grey_slice(image, index, box), size)
    heat = None
    if explanation is not None:
        heat = resized(heat_slice(explanation, index, box), size)
    outline = outlines(screening, index, box, size)
    return _marked(grey, heat, slice_ruler(image, box, size), outline)


def _plain_slice(image: CTVolume | CTPicture, index: int, *, longest: int) -> Image.Image:
    box = whole(image.geometry)
    size = true_size(image.geometry, box, longest=longest)
    grey = resized(grey_slice(image, index, box), size)
    return _marked(grey, None, slice_ruler(image, box, size))


def _marked(
    grey: Bytes, heat: Bytes | None, ruler: Ruler, outline: Bytes | None = None
) -> Image.Image:
    if heat is None:
        picture = Image.fromarray(grey).convert("RGB")
    else:
        picture = Image.fromarray(paint(grey, heat))
    if outline is not None:
        shown = Image.fromarray(outline, mode="RGBA")
        picture.paste(shown, mask=shown)
    draw_letters(picture, ruler.letters)
    if ruler.bar_length:
        draw_scale_bar(picture, length=ruler.bar_length, shown=ruler.bar_shown)
    return picture


def _slices(screening: Screening) -> Image.Image:
    """The top slices side by side: plain, with heat beneath where there is any, and their place."""
    shown = _shown(screening)[:MOST_COLUMNS]
    room = (WIDTH - (len(shown) - 1) * GAP) // len(shown)
    width = min(room, WIDEST_COLUMN)
    columns = []
    for index in shown:
        pictures = [_plain_slice(screening.image, index, longest=width)]
        if screening.explanation is not None or screening.lesion_instances:
            pictures.append(_slice(screening, index, longest=width))
        if len(shown) == 1:
            pictures = [_beside(pictures)]
        captions = [place_in_words(screening.image, index), *_score_words(screening, index)]
        words = _paragraphs(captions, width=width, size=15, fill=WHITE)
        columns.append(_stacked([*pictures, words]))
    return _beside(columns)


def _score_words(screening: Screening, index: int) -> list[str]:
    scores = screening.slices
    if scores is None or index not in scores.index:
        return []
    position = scores.index.tolist().index(index)
    score, share = slice_words(scores, position)
    if score:
        return [f"Score of this slice {score}"]
    return [f"Share in the answer {share}"] if share else []


def _front(screening: Screening) -> Image.Image:
    """The scan from the front beside the scale of the heat and the other evidence."""
    pictures = []
    image = screening.image
    if isinstance(image, CTVolume) and is_seen_from_front(image):
        view = coronal(image, screening.explanation)
        ruler = scaled_ruler(view.size, CORONAL, width_mm=view.width_mm)
        pictures.append(_marked(view.grey, view.heat, ruler))
    evidence = [_evidence(report(screening))]
    if screening.explanation is not None:
        words = _paragraphs(_heat_words(screening), width=EVIDENCE_WIDTH, size=15, fill=WHITE)
        evidence = [colour_scale(300, 14), words, *evidence]
    return _beside([*pictures, _stacked(evidence)])


def _evidence(words: Report) -> Image.Image:
    """Lesion flags, lesions found and involvement, a line each."""
    lines = [
        f"{row.name}: {'yes' if row.present else 'no'} ({row.shown}, threshold "
        f"{row.threshold_shown})"
        for row in words.lesions
    ]
    lines += [f"{row.name}: {row.sentence}" for row in words.lesion_totals]
    lines += [f"{name}: {value}" for name, value in words.involvement]
    return _paragraphs(lines, width=EVIDENCE_WIDTH, size=15, fill=GREY)


def _bar(bar: ProbabilityBar) -> Image.Image:
    """A label's probability with its threshold."""
    block = canvas(WIDTH, 62)
    draw = ImageDraw.Draw(block)
    draw.rounded_rectangle((0, 26, WIDTH, 40), radius=7, fill=(42, 54, 66))
    end = max(14.0, WIDTH * bar.length / 100)
    draw.rounded_rectangle((0, 26, end, 40), radius=7, fill=AMBER if bar.reached else GREY)
    limit = WIDTH * bar.threshold / 100
    draw.line((limit, 21, limit, 45), fill=WHITE, width=2)
    write_text(block, (0, 2), bar.name, size=17, fill=WHITE)
    write_text(block, (WIDTH, 2), bar.shown, size=17, fill=WHITE, anchor="ra")
    shown = f"threshold {bar.threshold_shown}"
    # Near an end of the bar the words would run over the edge if they were centred.
    anchor = "la" if bar.threshold < 10 else "ra" if bar.threshold > 90 else "ma"
    write_text(block, (limit, 46), shown, size=14, fill=GREY, anchor=anchor)
    return block


def _paragraphs(
    texts: list[str],
    *,
    width: int,
    size: int,
    fill: tuple[int, int, int],
) -> Image.Image:
    """Texts under each other, broken where they are too long; no height where there are none."""
    lines = [line for text in texts for line in wrapped(text, size=size, width=width)]
    step = round(size * 1.4)
    block = canvas(width, len(lines) * step)
    for number, line in enumerate(lines):
        write_text(block, (0, number * step + size * 0.1), line, size=size, fill=fill)
    return block


def _stacked(blocks: list[Image.Image]) -> Image.Image:
    """Pictures under each other with gaps."""
    height = sum(block.height + GAP for block in blocks)
    picture = canvas(max(block.width for block in blocks), height)
    top = 0
    for block in blocks:
        picture.paste(block, (0, top))
        top += block.height + GAP
    return picture


def _beside(pictures: list[Image.Image]) -> Image.Image:
    """Pictures side by side with gaps; no height where there are none."""
    width = sum(picture.width + GAP for picture in pictures)
    block = canvas(width, max((picture.height for picture in pictures), default=0))
    left = 0
    for picture in pictures:
        block.paste(picture, (left, 0))
        left += picture.width + GAP
    return block


def _framed(content: Image.Image) -> Image.Image:
    picture = canvas(content.width + 2 * MARGIN, content.height + 2 * MARGIN)
    picture.paste(content, (MARGIN, MARGIN))
    return picture


def _encoded(picture: Image.Image) -> bytes:
    with io.BytesIO() as buffer:
        picture.save(buffer, "PNG", compress_level=4)
        return buffer.getvalue()


CARD = FormatCard(title="PNG, a summary and the top slices", write=write)
