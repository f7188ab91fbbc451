"""HTML: one self-contained page for people, verdict first, with the evidence beneath.

Nothing is fetched from anywhere: styles, script and pictures lie inside, and the page's content
security policy allows exactly these by their digests.  The page is complete without the script;
the script lets the heat fade and the slices scroll.
"""

from dataclasses import dataclass
from pathlib import Path

from ctsieve.ops.window import LUNG
from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._colour import FAINTEST, heat_colours
from ctsieve.writers._lesions import outline_uri
from ctsieve.writers._overview import Coronal, Sheet, coronal, is_seen_from_front, sheet
from ctsieve.writers._page import environment, source_digest, text
from ctsieve.writers._phrases import hu_window
from ctsieve.writers._pictures import (
    CORONAL,
    SHEET_QUALITY,
    SLICE_QUALITY,
    Bytes,
    Ruler,
    Size,
    grey_slice,
    heat_slice,
    heat_uri,
    jpeg_uri,
    resized,
    scaled_ruler,
    slice_ruler,
    true_size,
    whole,
)
from ctsieve.writers._places import place_in_words
from ctsieve.writers._profile import Profile, profile
from ctsieve.writers._report import report
from ctsieve.writers._words import label_name, slice_words

FILE_NAME = "report.html"

PANEL = 480
"""Longest side of a top slice in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One slice, plain and with heat."""

    id: str
    place: str
    score: str
    share: str
    grey: str
    heat: str
    outline: str
    ruler: Ruler


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One slice of the sheet: where it lies there, and what is written beneath."""

    left: int
    top: int
    number: int
    place: str
    is_top: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A picture with its heat, as `data:` addresses; `heat` is empty where there is none."""

    grey: str
    heat: str
    size: Size


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `report.html` into `folder`."""
    return write_whole(folder, {FILE_NAME: to_html(screening).encode("utf-8", "replace")})


def to_html(screening: Screening) -> str:
    """The page as text."""
    image, explanation = screening.image, screening.explanation
    front: Coronal | None = None
    if isinstance(image, CTVolume) and is_seen_from_front(image):
        front = coronal(image, explanation)
    overview = sheet(screening)
    style, script = text("report.css"), text("report.js")
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report(screening),
            panels=_panels(screening) or _glance(screening, front),
            explanation=explanation,
            explained=label_name(explanation.label) if explanation else "",
            legend=_legend(),
            faintest=FAINTEST,
            front=None if front is None else _layer(front.grey, front.heat),
            profile=_profile(screening, front),
            sheet=_layer(overview.grey, overview.heat, quality=SHEET_QUALITY),
            tile=overview.tile,
            viewer=slice_ruler(image, overview.box, overview.tile),
            tiles=_tiles(screening, overview),
            is_volume=isinstance(image, CTVolume),
            window=hu_window(LUNG),
            style=style,
            script=script,
            style_digest=source_digest(style),
            script_digest=source_digest(script),
        )
    )


def _panels(screening: Screening) -> tuple[Panel, ...]:
    """Top slices, the first first; empty where nothing was judged."""
    scores = screening.slices
    if scores is None:
        return ()
    panels = []
    for position in scores.top(screening.recipe.num_top_slices):
        score, share = slice_words(scores, position)
        panels.append(_panel(screening, int(scores.index[position]), score=score, share=share))
    return tuple(panels)


def _glance(screening: Screening, front: Coronal | None) -> tuple[Panel, ...]:
    """What there was to be judged: the middle slice, and a volume from the front."""
    image = screening.image
    middle = _panel(screening, image.geometry.shape[0] // 2)
    if front is None:
        return (middle,)
    view = Panel(
        id="front",
        place="The scan from the front, mean density over depth",
        score="",
        share="",
        grey=jpeg_uri(front.grey),
        heat="",
        outline="",
        ruler=scaled_ruler(front.size, CORONAL, width_mm=front.width_mm),
    )
    return (middle, view)


def _panel(screening: Screening, index: int, *, score: str = "", share: str = "") -> Panel:
    image, explanation = screening.image, screening.explanation
    box = whole(image.geometry)
    size = true_size(image.geometry, box, longest=PANEL)
    heat = ""
    if explanation is not None:
        half = (max(1, size[0] // 2), max(1, size[1] // 2))
        heat = heat_uri(resized(heat_slice(explanation, index, box), half))
    return Panel(
        id=f"slice-{index + 1}",
        place=place_in_words(image, index),
        score=score,
        share=share,
        grey=jpeg_uri(resized(grey_slice(image, index, box), size)),
        heat=heat,
        outline=outline_uri(screening, index, box, size),
        ruler=slice_ruler(image, box, size),
    )


def _profile(screening: Screening, front: Coronal | None) -> Profile | None:
    scores = screening.slices
    if scores is None or scores.index.size < 2 or not scores.tells:
        return None
    return profile(screening, scores, front)


def _tiles(screening: Screening, overview: Sheet) -> tuple[Tile, ...]:
    tiles = []
    for position, index in enumerate(overview.indices):
        left, top = overview.corner(position)
        tiles.append(
            Tile(
                left=left,
                top=top,
                number=index + 1,
                place=place_in_words(screening.image, index),
                is_top=index in screening.top_slices,
            )
        )
    return tuple(tiles)


def _layer(grey: Bytes, heat: Bytes | None, *, quality: int = SLICE_QUALITY) -> Layer:
    height, width = grey.shape
    return Layer(
        grey=jpeg_uri(grey, quality=quality),
        heat="" if heat is None else heat_uri(heat),
        size=(width, height),
    )


def _legend() -> tuple[tuple[int, str], ...]:
    """Places (per cent) and colours of the scale, from the faintest painted heat to the hottest."""
    colours = heat_colours()
    stops = []
    for k in range(13):
        heat = FAINTEST + (1.0 - FAINTEST) * k / 12
        red, green, blue = (int(v) for v in colours[round(heat * 255)])
        stops.append((round(100 * k / 12), f"#{red:02x}{green:02x}{blue:02x}"))
    return tuple(stops)


CARD = FormatCard(title="HTML, one page for people", write=write)
