"""The part of the ROC curve that a use allows: where alarms are few, or where misses are few.

A screener is never run at a false positive rate of 0.7, yet a third of the whole AUC may come from
there.  Of a part the area is hard to read (at most its width), so McClish's correction is shown
beside it: 1 is a perfect part, 0.5 what chance reaches in it, whatever the part's width.

Sources  McClish 1989, Medical Decision Making 9, 190 (area and correction); Jiang, Metz and
         Nishikawa 1996, Radiology 201, 745 (the part where the sensitivity is high).  Straight
         lines join the points, as in pROC and scikit-learn.
Differs  pROC gives no corrected value where the part lies below chance; here it falls below 0.5,
         as in scikit-learn, for a bootstrap that left such draws out would be too kind.

Shapes   D weightings, G different scores and the corner of no call.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from ctsieve.evaluation.in_words import counted, in_words
from ctsieve.evaluation.intervals import Weights
from ctsieve.evaluation.measures import ONE_KIND, Measure
from ctsieve.evaluation.ranking import roc_points
from ctsieve.evaluation.sample import Floats, Sample
from ctsieve.types.errors import UsageError
from ctsieve.types.report import Absent, Measured, Table

Along = Literal["fpr", "sensitivity"]
ALONG: Mapping[str, Along] = {"fpr": "fpr", "sensitivity": "sensitivity"}
WORDS = {"fpr": "false positive rate", "sensitivity": "sensitivity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A range of false positive rates, or of sensitivities.

    Raises:
        UsageError: it is no range inside [0, 1].
    """

    along: Along
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.low < self.high <= 1.0:
            raise UsageError(
                f"a part of the ROC curve lies inside 0 to 1, got {self.low:g} to {self.high:g}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The part that a word means.

        Raises:
            UsageError: it means none.

        Example:
            >>> Part.parse("fpr=0-0.1").title
            'false positive rate 0 to 0.1'
        """
        along, _, span = text.partition("=")
        low, _, high = span.partition("-")
        try:
            return cls(along=ALONG[along.strip()], low=float(low), high=float(high))
        except (KeyError, ValueError) as error:
            raise UsageError(
                f"{text!r} is no part of the ROC curve",
                hint="say fpr=0-0.1 or sensitivity=0.9-1",
            ) from error

    @property
    def name(self) -> str:
        """What the figure of McClish's correction is called in a report."""
        return f"partial_auc:{self}"

    @property
    def title(self) -> str:
        """The part in words."""
        return f"{WORDS[self.along]} {self.low:g} to {self.high:g}"

    @property
    def chance(self) -> float:
        """The area under the diagonal, or right of it, inside the part."""
        middle = (self.low + self.high) / 2
        return (middle if self.along == "fpr" else 1.0 - middle) * self.width

    @property
    def width(self) -> float:
        """The largest area there can be."""
        return self.high - self.low

    def __str__(self) -> str:
        return f"{self.along}={self.low:g}-{self.high:g}"

    def area(self, corrected: float) -> float:
        """The plain area that a corrected value stands for."""
        return self.chance + (2.0 * corrected - 1.0) * (self.width - self.chance)


PARTS = (Part(along="fpr", low=0.0, high=0.1), Part(along="sensitivity", low=0.9, high=1.0))
"""What is reported unless somebody asks for other parts: few false alarms, and few misses."""

NOTE = (
    "Corrected by McClish: 1 is a perfect part, 0.5 is chance, whatever its width. The last column "
    "says how many cases lie inside a part: the fewer, the less it says of others."
)


def partial_measures(parts: Iterable[Part]) -> dict[str, Measure]:
    """McClish's corrected area of every part, as measures of a sample by `Part.name`."""
    return {part.name: _measure(part) for part in parts}


def parts_table(
    levels: Mapping[str, Mapping[str, Measured]], sample: Sample, parts: Iterable[Part]
) -> Table:
    """Every part by the figures of a report's levels; `sample` is that of the patient level."""
    rows = []
    for part in parts:
        for level in reversed(list(levels)):
            found = levels[level][part.name]
            own = (part.title, level, in_words(found), _plain(part, found), counted(found))
            rows.append((*own, _inside(part, sample) if level == "patient" else "-"))
    columns = ("part of the curve", "level", "corrected AUC", "plain area", "n", "rests on")
    return Table(title="Parts of the ROC curve", columns=columns, rows=tuple(rows), note=NOTE)


def corrected_areas(sample: Sample, weight: Weights, part: Part) -> Floats:
    """McClish's corrected area (D,) of every weighting; NaN where one has one kind only."""
    most = part.width - part.chance
    return np.asarray((1.0 + (_areas(sample, weight, part) - part.chance) / most) / 2.0)


def _plain(part: Part, value: Measured) -> str:
    if isinstance(value, Absent):
        return "-"
    area, low, high = (max(0.0, part.area(v)) for v in (value.value, value.low, value.high))
    return f"{area:.4f} ({low:.4f} to {high:.4f}) of {part.width:g}"


def _inside(part: Part, sample: Sample) -> str:
    """How many cases the part's width is made of: of few, the interval is wide."""
    kind, count = "positive", sample.num_positive
    if part.along == "fpr":
        kind, count = "negative", sample.num_cases - sample.num_positive
    return f"{part.width * count:.0f} of {count} {kind}"


def _measure(part: Part) -> Measure:
    return Measure(
        title=f"Partial AUC, {part.title}",
        of=lambda sample, weight: corrected_areas(sample, weight, part),
        missing=ONE_KIND,
        least=(1.0 - part.chance / (part.width - part.chance)) / 2.0,
    )


def _areas(sample: Sample, weight: Weights, part: Part) -> Floats:
    """Areas (D,): under the curve over false positive rates, or right of it over sensitivities."""
    false, true = roc_points(sample, weight)
    over, height = (false, true) if part.along == "fpr" else (true, 1.0 - false)
    near = _near(over, part)
    over, height = over[:, near], height[:, near]
    start, run, rise = over[:, :-1], np.diff(over, axis=1), np.diff(height, axis=1)
    inside = np.clip(over, part.low, part.high)
    middle = (inside[:, :-1] + inside[:, 1:]) / 2
    slope = np.divide(rise, run, out=np.zeros_like(rise), where=run > 0)
    area = (np.diff(inside, axis=1) * (height[:, :-1] + slope * (middle - start))).sum(axis=1)
    return np.where(np.isfinite(false[:, -1] + true[:, -1]), area, np.nan)


def _near(over: Floats, part: Part) -> slice:
    """Columns between which some weighting is inside the part: of a narrow one they are few."""
    reached = np.flatnonzero((over > part.low).any(axis=0))
    before = np.flatnonzero((over < part.high).any(axis=0))
    if not reached.size or not before.size:
        return slice(0, 0)
    return slice(max(0, int(reached[0]) - 1), int(before[-1]) + 2)
