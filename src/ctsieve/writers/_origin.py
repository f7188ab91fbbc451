"""Where an answer comes from, as rows of words: image, acquisition, series, bundle, thresholds."""

from dataclasses import dataclass

from ctsieve.types.provenance import hashed
from ctsieve.types.recipe import FittedOn, Level, Recipe
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTPicture, CTVolume, Window
from ctsieve.writers._phrases import counted, hu_window, percent
from ctsieve.writers._words import label_name

Row = tuple[str, str]
"""A name and what it is, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRow:
    """One series of the study: what it is, and why it was taken or left."""

    name: str
    summary: str
    chosen: bool
    reasons: str


def level_of(screening: Screening) -> Level:
    """The calibration and thresholds that made this answer."""
    recipe = screening.recipe
    return recipe.scan if screening.prediction.level == "scan" else recipe.picture


def image_rows(image: CTVolume | CTPicture) -> tuple[Row, ...]:
    """The image itself; UIDs are hashed."""
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


def acquisition_rows(image: CTVolume | CTPicture) -> tuple[Row, ...]:
    """How the image was made, as far as the header says."""
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


def series_rows(image: CTVolume | CTPicture) -> tuple[SeriesRow, ...]:
    """Every series of the study, taken or left."""
    return tuple(
        SeriesRow(
            name=hashed(choice.series),
            summary=choice.summary,
            chosen=choice.chosen,
            reasons="; ".join(choice.reasons),
        )
        for choice in image.provenance.choices
    )


def bundle_rows(screening: Screening) -> tuple[Row, ...]:
    """What judged the image."""
    bundle, recipe = screening.bundle, screening.recipe
    window = Window(centre=recipe.input.window.centre, width=recipe.input.window.width)
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
        ("Scan from slices", _reading(recipe)),
        ("Software", screening.software),
    )


def _reading(recipe: Recipe) -> str:
    """How slices become an answer."""
    number = recipe.input.num_slices
    if recipe.kind == "scan":
        return (
            f"sequence of {'all judged' if number is None else number} slices, read by the network"
        )
    rule = recipe.slice_rule
    return {
        "mean": "mean of all judged slices",
        "max": "highest slice",
        "top-mean": f"mean of the highest {percent(rule.fraction)} of the slices",
    }[rule.kind]


def decision_rows(screening: Screening) -> tuple[Row, ...]:
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
