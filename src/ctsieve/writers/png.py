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
    write_text,
)
from ctsieve.writers._layout import GAP, MARGIN, beside, framed, paragraphs, stacked
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
THUMBNAIL = 160
WIDTH = 1232
"""Of the summary without its margins."""
MOST_COLUMNS = 4
WIDEST_COLUMN = 420
EVIDENCE_WIDTH = 760
NARROWEST_WORDS = 480


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `summary.png` and `slices/slice-NNN.png` (numbered from the head, from 1)."""
    files = {"summary.png": _encoded(summary_picture(screening))}
    for index in _shown(screening):
        name = f"slices/slice-{index + 1:03d}.png"
        files[name] = _encoded(_single(screening, index))
    return write_whole(folder, files)


def _shown(screening: Screening) -> tuple[int, ...]:
    """Top slices; the middle one where nothing was judged."""
    return screening.top_slices or (screening.image.geometry.shape[0] // 2,)


def _single(screening: Screening, index: int) -> Image.Image:
    """One slice with heat, its place and the notice burnt in beneath."""
    picture = hot_slice(screening, index, longest=LONGEST)
    lines = [place_in_words(screening.image, index), *heat_words(screening)]
    width = max(picture.width, NARROWEST_WORDS)
    words = paragraphs(lines, width=width - 2 * MARGIN, size=16, fill=WHITE)
    notice = paragraphs([screening.notice], width=width - 2 * MARGIN, size=16, fill=AMBER)
    return stacked([picture, framed(stacked([words, notice]))])


def summary_picture(screening: Screening) -> Image.Image:
    """The answer with its evidence on one page, the notice burnt in at its top and bottom."""
    words = report(screening)
    blocks = [
        paragraphs([words.notice], width=WIDTH, size=18, fill=AMBER),
        paragraphs([words.headline.title], width=WIDTH, size=38, fill=WHITE),
        paragraphs([words.headline.detail], width=WIDTH, size=19, fill=WHITE),
        *(_bar(bar) for bar in words.bars),
        paragraphs(_gate_words(words), width=WIDTH, size=17, fill=GREY),
        _slices(screening),
        _front(screening),
        paragraphs([origin_words(screening), words.notice], width=WIDTH, size=15, fill=GREY),
    ]
    return framed(stacked([block for block in blocks if block.height]))


def _gate_words(words: Report) -> list[str]:
    findings = [f"{f.severity.capitalize()}: {f.sentence}" for f in words.findings]
    return [f"{words.verdict_title}.", *findings]


def origin_words(screening: Screening) -> str:
    """What judged, and the name of its answer."""
    bundle = screening.bundle
    return (
        f"{screening.software}, bundle {bundle.name} {bundle.version} ({bundle.digest[:12]}), "
        f"report {screening.id}"
    )


def heat_words(screening: Screening) -> list[str]:
    """What the colours mean; nothing where there is no heat."""
    shown = screening.explanation
    if shown is None:
        return []
    return [
        f"Heat: {label_name(shown.label)}, {shown.method}, from {FAINTEST} to 1.0 of the unscaled "
        f"peak {shown.peak:.4g}"
    ]


def hot_slice(screening: Screening, index: int, *, longest: int) -> Image.Image:
    """One slice with heat, outlines of lesions, directions and scale bar."""
    image, explanation = screening.image, screening.explanation
    box = whole(image.geometry)
    size = true_size(image.geometry, box, longest=longest)
    grey = resized(grey_slice(image, index, box), size)
    heat = None
    if explanation is not None:
        heat = resized(heat_slice(explanation, index, box), size)
    outline = outlines(screening, index, box, size)
    return marked(grey, heat, slice_ruler(image, box, size), outline)


def plain_slice(image: CTVolume | CTPicture, index: int, *, longest: int) -> Image.Image:
    """One slice with directions and scale bar."""
    box = whole(image.geometry)
    size = true_size(image.geometry, box, longest=longest)
    grey = resized(grey_slice(image, index, box), size)
    return marked(grey, None, slice_ruler(image, box, size))


def decisive_slice(screening: Screening, *, longest: int) -> Image.Image:
    """The slice that decided most, plain and with heat beside it: for a page with its own words."""
    index = _shown(screening)[0]
    pictures = [plain_slice(screening.image, index, longest=longest)]
    if screening.explanation is not None or screening.lesion_instances:
        pictures.append(hot_slice(screening, index, longest=longest))
    row = beside(pictures)
    return row.crop((0, 0, row.width - GAP, row.height))


def decisive_words(screening: Screening) -> list[str]:
    """Where that slice is, and what its colours mean."""
    return [place_in_words(screening.image, _shown(screening)[0]), *heat_words(screening)]


def thumbnail_bytes(screening: Screening) -> bytes:
    """The slice that decided most, small and without any writing, as PNG."""
    image, index = screening.image, _shown(screening)[0]
    box = whole(image.geometry)
    size = true_size(image.geometry, box, longest=THUMBNAIL)
    return _encoded(Image.fromarray(resized(grey_slice(image, index, box), size)))


def marked(
    grey: Bytes, heat: Bytes | None, ruler: Ruler, outline: Bytes | None = None
) -> Image.Image:
    """A grey picture with heat, outlines of lesions, directions and scale bar."""
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
        pictures = [plain_slice(screening.image, index, longest=width)]
        if screening.explanation is not None or screening.lesion_instances:
            pictures.append(hot_slice(screening, index, longest=width))
        if len(shown) == 1:
            pictures = [beside(pictures)]
        captions = [place_in_words(screening.image, index), *score_words(screening, index)]
        words = paragraphs(captions, width=width, size=15, fill=WHITE)
        columns.append(stacked([*pictures, words]))
    return beside(columns)


def score_words(screening: Screening, index: int) -> list[str]:
    """The score of a slice that was judged; nothing for any other."""
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
        pictures.append(marked(view.grey, view.heat, ruler))
    evidence = [_evidence(report(screening))]
    if screening.explanation is not None:
        words = paragraphs(heat_words(screening), width=EVIDENCE_WIDTH, size=15, fill=WHITE)
        evidence = [colour_scale(300, 14), words, *evidence]
    return beside([*pictures, stacked(evidence)])


def _evidence(words: Report) -> Image.Image:
    """Lesion flags, lesions found and involvement, a line each."""
    lines = [
        f"{row.name}: {'yes' if row.present else 'no'} ({row.shown}, threshold "
        f"{row.threshold_shown})"
        for row in words.lesions
    ]
    lines += [f"{row.name}: {row.sentence}" for row in words.lesion_totals]
    lines += [f"{name}: {value}" for name, value in words.involvement]
    return paragraphs(lines, width=EVIDENCE_WIDTH, size=15, fill=GREY)


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


def _encoded(picture: Image.Image) -> bytes:
    with io.BytesIO() as buffer:
        picture.save(buffer, "PNG", compress_level=4)
        return buffer.getvalue()


CARD = FormatCard(title="PNG, a summary and the top slices", write=write)
