"""What a report says, as plain values: the template only lays it out."""

from dataclasses import dataclass
from itertools import starmap

from ctsieve.types.results import Finding, Screening
from ctsieve.types.volume import CTVolume
from ctsieve.writers._lesions import colour_of
from ctsieve.writers._origin import (
    Row,
    SeriesRow,
    acquisition_rows,
    bundle_rows,
    decision_rows,
    image_rows,
    level_of,
    series_rows,
)
from ctsieve.writers._phrases import counted, percent, percent_beside, quantity
from ctsieve.writers._words import NEITHER, Headline, headline, label_name, lesion_name

VERDICTS = {
    "accepted": "Input accepted",
    "accepted_with_warnings": "Input accepted with warnings",
    "rejected": "Input rejected",
}

UNITS = {"ml": "ml", "mm": "mm", "hu": "HU", "cm2": "cm\N{SUPERSCRIPT TWO}", "litres": "litres"}
"""Units that the gate's measurements end in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityBar:
    """One label's probability; lengths in per cent of the bar."""

    name: str
    shown: str
    length: float
    threshold: float
    threshold_shown: str
    band: tuple[float, float] | None
    band_shown: str
    reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionRow:
    """One lesion flag in words."""

    name: str
    present: bool
    shown: str
    length: float
    threshold: float
    threshold_shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionTotalRow:
    """All lesions of one kind in words; `colour` is that of their outlines."""

    name: str
    colour: str
    count: int
    volume: str
    share: str

    @property
    def sentence(self) -> str:
        """The numbers in a line."""
        share = f"{self.share} of the lungs" if self.share else ""
        return ", ".join(part for part in (f"{self.count} found", self.volume, share) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything a page says in words and numbers."""

    id: str
    subject: str
    notice: str
    software: str
    headline: Headline
    bars: tuple[ProbabilityBar, ...]
    calibrated: bool
    verdict: str
    verdict_title: str
    findings: tuple[Finding, ...]
    measurements: tuple[Row, ...]
    lesions: tuple[LesionRow, ...]
    lesion_totals: tuple[LesionTotalRow, ...]
    involvement: tuple[Row, ...]
    image: tuple[Row, ...]
    acquisition: tuple[Row, ...]
    steps: tuple[str, ...]
    series: tuple[SeriesRow, ...]
    bundle: tuple[Row, ...]
    decision: tuple[Row, ...]


def report(screening: Screening) -> Report:
    """Put a screening into words; nothing here names a person, UIDs are hashed."""
    gate = screening.gate
    return Report(
        id=screening.id,
        subject=_subject(screening),
        notice=screening.notice,
        software=screening.software,
        headline=headline(screening),
        bars=_bars(screening),
        calibrated=screening.prediction.calibrated,
        verdict=gate.verdict,
        verdict_title=VERDICTS[gate.verdict],
        findings=tuple(sorted(gate.findings, key=lambda f: f.severity != "rejection")),
        measurements=tuple(starmap(_measurement, gate.measurements.items())),
        lesions=_lesions(screening),
        lesion_totals=_lesion_totals(screening),
        involvement=_involvement(screening),
        image=image_rows(screening.image),
        acquisition=acquisition_rows(screening.image),
        steps=screening.image.provenance.steps,
        series=series_rows(screening.image),
        bundle=bundle_rows(screening),
        decision=decision_rows(screening),
    )


def _subject(screening: Screening) -> str:
    num_slices = screening.image.geometry.shape[0]
    if isinstance(screening.image, CTVolume):
        return f"Chest CT of {counted(num_slices, 'slice')}"
    return "Picture of a CT slice" if num_slices == 1 else f"Stack of {num_slices} pictures"


def _bars(screening: Screening) -> tuple[ProbabilityBar, ...]:
    prediction = screening.prediction
    uncertain = level_of(screening).uncertain
    bars = []
    for position, (label, share) in enumerate(prediction.probability.items()):
        threshold = prediction.threshold[label]
        band = uncertain if position == 0 else None
        bars.append(
            ProbabilityBar(
                name=_heading(label),
                shown=percent_beside(share, threshold),
                length=share * 100,
                threshold=threshold * 100,
                threshold_shown=percent(threshold),
                band=None if band is None else (band[0] * 100, band[1] * 100),
                band_shown="" if band is None else f"{percent(band[0])} to {percent(band[1])}",
                reached=share >= threshold,
            )
        )
    return tuple(bars)


def _heading(label: str) -> str:
    name = "neither of them" if label == NEITHER else label_name(label)
    return name[:1].upper() + name[1:]


def _measurement(name: str, value: float) -> Row:
    """A measurement in words, its unit taken from the end of its name."""
    words = name.replace("-", "_").split("_")
    if words[0] == "num":
        return f"Number of {' '.join(words[1:])}", f"{value:,.0f}"
    if words[-1] in {"share", "fraction"}:
        return " ".join(words).capitalize(), percent(value)
    unit = UNITS.get(words[-1], "") if len(words) > 1 else ""
    return " ".join(words[:-1] if unit else words).capitalize(), quantity(value, unit)


def _lesions(screening: Screening) -> tuple[LesionRow, ...]:
    return tuple(
        LesionRow(
            name=lesion_name(flag.kind),
            present=flag.present,
            shown=percent_beside(flag.probability, flag.threshold),
            length=flag.probability * 100,
            threshold=flag.threshold * 100,
            threshold_shown=percent(flag.threshold),
        )
        for flag in screening.lesions
    )


def _lesion_totals(screening: Screening) -> tuple[LesionTotalRow, ...]:
    rows = []
    for total in screening.lesion_totals:
        red, green, blue = colour_of(screening, total.kind)
        percentage = total.percent_of_lungs
        rows.append(
            LesionTotalRow(
                name=lesion_name(total.kind),
                colour=f"#{red:02x}{green:02x}{blue:02x}",
                count=total.count,
                volume="" if total.ml is None else quantity(total.ml, "ml"),
                share="" if percentage is None else percent(percentage / 100),
            )
        )
    return tuple(rows)


def _involvement(screening: Screening) -> tuple[Row, ...]:
    found = screening.involvement
    if found is None:
        return ()
    return (
        ("Dense share of the lungs", percent(found.percent / 100)),
        ("Dense volume", f"{found.dense_ml:,.0f} ml"),
        ("Lung volume", f"{found.lung_ml:,.0f} ml"),
        ("Method", found.method),
    )
