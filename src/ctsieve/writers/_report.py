"""What a report says, as plain values: the template only lays it out."""

from dataclasses import dataclass
from itertools import starmap

from ctsieve.types.provenance import hashed
from ctsieve.types.recipe import FittedOn, Level
from ctsieve.types.results import Finding, Screening
from ctsieve.types.volume import CTPicture, CTVolume, Window
from ctsieve.writers._phrases import counted, hu_window, percent, percent_beside
from ctsieve.writers._words import NEITHER, Headline, headline, label_name, lesion_name

VERDICTS = {
    "accepted": "Input accepted",
    "accepted_with_warnings": "Input accepted with warnings",
    "rejected": "Input rejected",
}

Row = tuple[str, str]


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
class SeriesRow:
    """One series of the study: what it is, and why it was taken or left."""

    name: str
    summary: str
    chosen: bool
    reasons: str


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
        involvement=_involvement(screening),
        image=_image(screening.image),
        acquisition=_acquisition(screening.image),
        steps=screening.image.provenance.steps,
        series=_series(screening.image),
        bundle=_bundle(screening),
        decision=_decision(screening),
    )


def _subject(screening: Screening) -> str:
    num_slices = screening.image.geometry.shape[0]
    if isinstance(screening.image, CTVolume):
        return f"Chest CT of {counted(num_slices, 'slice')}"
    return "Picture of a CT slice" if num_slices == 1 else f"Stack of {num_slices} pictures"


def level_of(screening: Screening) -> Level:
    """The calibration and thresholds that made this answer."""
    recipe = screening.recipe
    return recipe.scan if screening.prediction.level == "scan" else recipe.picture


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
    return name.replace("_", " ").replace("-", " ").capitalize(), f"{value:.4g}"


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


def _image(image: CTVolume | CTPicture) -> tuple[Row, ...]:
    made = image.provenance
    slices, rows, columns = image.geometry.shape
    common = (
        ("Fingerprint of the files", made.digest[:16]),
        ("Reader", f"{made.reader} {made.reader_version}"),
        ("Size", f"{counted(slices, 'slice')} of {columns} \N{MULTIPLICATION SIGN} {rows} pixels"),
    )
    if isinstance(image, CTPicture):
        window = image.window
        known = hu_window(window) if window else "not known"
        return (
            ("Kind", "Picture: no Hounsfield units, no millimetres"),
            *common,
            ("Window", known),
        )
    s, r, c = image.geometry.spacing
    return (
        ("Kind", "CT volume in Hounsfield units"),
        ("Study (hashed)", hashed(made.study_uid) if made.study_uid else "no UID"),
        ("Series (hashed)", hashed(made.series_uid) if made.series_uid else "no UID"),
        *common,
        (
            "Spacing",
            f"{s:.2f} mm between slices, {r:.3f} \N{MULTIPLICATION SIGN} {c:.3f} mm pixels",
        ),
    )


def _acquisition(image: CTVolume | CTPicture) -> tuple[Row, ...]:
    made = image.provenance.acquisition
    contrast = {True: "given", False: "none", None: ""}[made.contrast]
    scanner = " ".join(part for part in (made.manufacturer, made.model_name) if part)
    rows = (
        ("Modality and region", " ".join(p for p in (made.modality, made.body_part) if p)),
        ("Image type", " \\ ".join(made.image_type)),
        ("Scanner", scanner),
        ("Kernel", made.kernel or ""),
        ("Contrast agent", contrast),
        ("Tube voltage", "" if made.kvp is None else f"{made.kvp:g} kV"),
        ("Slice thickness", _mm(made.slice_thickness_mm)),
        ("Patient position", made.patient_position or ""),
        ("Gantry tilt", f"{made.tilt_degrees:.1f}\N{DEGREE SIGN}" if made.tilt_degrees else ""),
        ("File format", " ".join(p for p in (made.picture_format, made.picture_mode) if p)),
        ("Coloured pixels", percent(made.coloured_fraction) if made.coloured_fraction else ""),
    )
    return tuple(row for row in rows if row[1])


def _mm(value: float | None) -> str:
    return "" if value is None else f"{value:g} mm"


def _series(image: CTVolume | CTPicture) -> tuple[SeriesRow, ...]:
    return tuple(
        SeriesRow(
            name=hashed(choice.series),
            summary=choice.summary,
            chosen=choice.chosen,
            reasons="; ".join(choice.reasons),
        )
        for choice in image.provenance.choices
    )


def _bundle(screening: Screening) -> tuple[Row, ...]:
    bundle, recipe = screening.bundle, screening.recipe
    rule = recipe.slice_rule
    window = Window(centre=recipe.input.window.centre, width=recipe.input.window.width)
    how = {
        "mean": "mean of all judged slices",
        "max": "highest slice",
        "top-mean": f"mean of the highest {percent(rule.fraction)} of the slices",
    }
    rows, columns = recipe.input.size
    return (
        ("Bundle", f"{bundle.name} {bundle.version}"),
        ("Digest of the bundle", bundle.digest),
        ("Digest of its recipe", recipe.digest),
        ("Labels", ", ".join(label_name(label) for label in recipe.labels)),
        (
            "Input of the network",
            f"{columns} \N{MULTIPLICATION SIGN} {rows} pixels, "
            f"window {hu_window(window)}, crop: {recipe.input.crop}",
        ),
        ("Scan from slices", how[rule.kind]),
        ("Software", screening.software),
    )


def _decision(screening: Screening) -> tuple[Row, ...]:
    """Where calibration and thresholds come from: data, number of cases, criterion."""
    level = level_of(screening)
    rows: list[Row] = []
    for calibration, threshold in zip(level.calibration, level.thresholds, strict=True):
        name = label_name(threshold.label)
        fitted = calibration.fitted
        how = f"slope {calibration.slope:.4g}, intercept {calibration.intercept:.4g}"
        origin = "not calibrated" if fitted is None else f"{how}; {_fitted(fitted)}"
        rows.append((f"Calibration, {name}", origin))
        fitted = threshold.fitted
        origin = "set by hand, fitted on no data" if fitted is None else _fitted(fitted)
        rows.append((f"Threshold, {name}", f"{percent(threshold.value)}; {origin}"))
        reached = [
            f"{word} {percent(value)}"
            for word, value in (
                ("sensitivity", threshold.sensitivity),
                ("specificity", threshold.specificity),
            )
            if value is not None
        ]
        if reached:
            rows.append((f"Reached on that data, {name}", ", ".join(reached)))
    return tuple(rows)


def _fitted(fitted: FittedOn) -> str:
    return (
        f"{fitted.criterion} on {fitted.data} "
        f"({counted(fitted.num_cases, 'case')}, {counted(fitted.num_patients, 'patient')}; "
        f"split {fitted.digest[:12]}, {fitted.side} side)"
    )
