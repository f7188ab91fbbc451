"""Slice scores from head to feet beside the coronal view, as lengths in one drawing.

Both share one vertical axis, so a score is read at the height it belongs to.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.types.promise import promise
from ctsieve.types.results import Screening, SliceScores
from ctsieve.types.volume import CTPicture, CTVolume
from ctsieve.writers._overview import Coronal
from ctsieve.writers._phrases import percent
from ctsieve.writers._places import place_in_words
from ctsieve.writers._words import label_name

Floats = npt.NDArray[np.float64]

WIDTH = 560.0
TOP, BOTTOM = 30.0, 42.0
"""Room above and below the plot for its labels."""
PLAIN_HEIGHT = 300.0
"""Height of the plot where there is no coronal view to set it."""
CORONAL_BOX = (310.0, 400.0)
LABEL_ROOM = 52.0
LABEL_STEP = 16.0
"""Least distance of two slice numbers, and of the first from the word above it."""
RIGHT = 14.0
BREAK = 3
"""A gap this many times the usual one breaks the line: nothing was judged there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One judged slice: `counts` if it has a share in the answer."""

    x: float
    y: float
    counts: bool
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One of the top slices: its height, and the height its number is written at."""

    number: int
    x: float
    y: float
    label_y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The drawing; lengths in its own units, `width` by `height`."""

    width: float
    height: float
    coronal_width: float
    plot_left: float
    plot_right: float
    plot_top: float
    plot_bottom: float
    path: str
    dots: tuple[Dot, ...]
    marks: tuple[Mark, ...]
    threshold_x: float
    threshold: str
    """Empty where slices have shares and no scores."""
    axis: str
    """What is drawn to the right."""
    middle: str
    end: str
    """What stands at the middle and at the end of the axis."""
    bar_length: float
    """Length of one millimetre; 0 without a coronal view."""
    num_slices: int


def profile(screening: Screening, scores: SliceScores, coronal: Coronal | None) -> Profile:
    """The drawing of `scores`, two slices or more; without `coronal` it takes the whole width."""
    promise(scores.index.size > 1, "a profile has two slices or more")
    num_slices = screening.image.geometry.shape[0]
    scale = 0.0
    plot_height = PLAIN_HEIGHT
    if coronal is not None:
        scale = min(CORONAL_BOX[0] / coronal.width_mm, CORONAL_BOX[1] / coronal.height_mm)
        plot_height = coronal.height_mm * scale
    coronal_width = coronal.width_mm * scale if coronal is not None else 0.0
    left, right = coronal_width + LABEL_ROOM, WIDTH - RIGHT
    value, full = _values(scores)
    x = left + value / full * (right - left)
    y = TOP + (scores.index + 0.5) / num_slices * plot_height
    top = np.array(scores.top(screening.recipe.num_top_slices))
    threshold = screening.recipe.picture.thresholds[0].value if scores.has_scores else 0.0
    return Profile(
        width=WIDTH,
        height=TOP + plot_height + BOTTOM,
        coronal_width=coronal_width,
        plot_left=left,
        plot_right=right,
        plot_top=TOP,
        plot_bottom=TOP + plot_height,
        path=_path(x, y, scores.index),
        dots=_dots(screening.image, scores, x, y),
        marks=_marks(
            scores.index[top] + 1,
            x[top],
            y[top],
            ends=(TOP + 6.0 + LABEL_STEP, TOP + plot_height - 6.0),
        ),
        threshold_x=left + threshold * (right - left),
        threshold=percent(threshold) if scores.has_scores else "",
        axis=f"slice score, {label_name(screening.recipe.labels[0])}"
        if scores.has_scores
        else "share in the answer",
        middle="50" if scores.has_scores else percent(full / 2),
        end="100 %" if scores.has_scores else percent(full),
        bar_length=scale,
        num_slices=num_slices,
    )


def _values(scores: SliceScores) -> tuple[Floats, float]:
    """What is drawn of each slice, and the end of its axis: scores, else shares."""
    if scores.has_scores:
        return scores.probability[:, 0].astype(np.float64), 1.0
    shares = scores.weight.astype(np.float64)
    return shares, float(shares.max())


def _path(x: Floats, y: Floats, index: npt.NDArray[np.int64]) -> str:
    """SVG path data through all points, broken where slices were not judged."""
    gaps = np.diff(index)
    starts = np.concatenate([[True], gaps > BREAK * float(np.median(gaps))])
    return " ".join(
        f"{'M' if start else 'L'}{a:.1f} {b:.1f}" for start, a, b in zip(starts, x, y, strict=True)
    )


def _dots(
    image: CTVolume | CTPicture, scores: SliceScores, x: Floats, y: Floats
) -> tuple[Dot, ...]:
    values, _ = _values(scores)
    return tuple(
        Dot(
            x=float(x[k]),
            y=float(y[k]),
            counts=bool(scores.weight[k] > 0),
            title=f"{place_in_words(image, int(i))}: {percent(float(values[k]))}",
        )
        for k, i in enumerate(scores.index)
    )


def _marks(
    numbers: npt.NDArray[np.int64], x: Floats, y: Floats, *, ends: tuple[float, float]
) -> tuple[Mark, ...]:
    """Slices from head to feet, their numbers kept apart."""
    order = np.argsort(y)
    labels = _apart([max(ends[0], float(v)) for v in y[order]], bottom=ends[1])
    return tuple(
        Mark(number=int(numbers[k]), x=float(x[k]), y=float(y[k]), label_y=label)
        for k, label in zip(order, labels, strict=True)
    )


def _apart(heights: list[float], *, bottom: float) -> list[float]:
    """Increasing `heights` moved as little as it takes to be `LABEL_STEP` apart."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + LABEL_STEP) if placed else height)
    over = max(0.0, (placed[-1] if placed else 0.0) - bottom)
    for k in reversed(range(len(placed))):
        ceiling = placed[k + 1] - LABEL_STEP if k + 1 < len(placed) else placed[k] - over
        placed[k] = min(placed[k], ceiling)
    return placed
