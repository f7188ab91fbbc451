"""Charts of an evaluation as SVG that follows the reader's light or dark theme, and as PNG.

Every chart is a function of what it shows and returns a matplotlib figure of its own; nothing is
global.  Colours are the report's, written so that a style sheet inside the SVG can exchange them.
"""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from ctsieve.evaluation.abstention import AbstentionCurve
from ctsieve.evaluation.decision_curve import DecisionCurve
from ctsieve.evaluation.intervals import TAILS, patient_draws
from ctsieve.evaluation.ranking import precision_recall_curve, roc_band, roc_curve
from ctsieve.evaluation.reliability import reliability_bins
from ctsieve.evaluation.sample import Floats, Sample
from ctsieve.evaluation.volumes import BlandAltman

INK, QUIET, LINE = "#15212c", "#4d5b69", "#d8dfe6"
ACCENT, POSITIVE, NEGATIVE = "#0f5b9e", "#a23b0c", "#0e6459"
DARK = {
    INK: "#e4ebf2",
    QUIET: "#a5b3c1",
    LINE: "#2a3642",
    ACCENT: "#83bdf5",
    POSITIVE: "#ffab7d",
    NEGATIVE: "#7dd4c4",
}
"""What each colour becomes on a dark page."""

SQUARE, HALF, WIDE = (3.9, 3.7), (5.4, 3.3), (7.6, 3.4)
BAND_DRAWS = 400
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ctsieve",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": QUIET,
    "axes.titlecolor": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "text.color": INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
}
LEGEND: dict[str, Any] = {"frameon": False, "labelcolor": INK}
FONTS = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", '
    "sans-serif"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawn chart; `title` says what it shows, `reading` how to read it."""

    name: str
    title: str
    reading: str
    svg: str
    png: bytes

    @property
    def uri(self) -> str:
        """The SVG as a `data:` address."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode("ascii")


def roc_chart(samples: Mapping[str, Sample]) -> Chart:
    """ROC curves of several levels, the last with its band."""
    drawing, axes = _axes(SQUARE, "false positive rate", "sensitivity")
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1, linestyle="--")
    for (name, sample), colour in zip(
        samples.items(), (QUIET, ACCENT)[-len(samples) :], strict=True
    ):
        curve = roc_curve(sample)
        axes.plot(curve.x, curve.y, color=colour, linewidth=1.8, label=name)
    last = list(samples.values())[-1]
    at = np.linspace(0, 1, 101)
    drawn = roc_band(last, patient_draws(last.patient, draws=BAND_DRAWS), at=at)
    low, high = np.percentile(drawn, TAILS, axis=0)
    axes.fill_between(at, low, high, color=ACCENT, alpha=0.15, linewidth=0)
    called = last.called
    axes.plot(
        called[~last.positive].mean(),
        called[last.positive].mean(),
        "o",
        color=INK,
        markersize=6,
        label="operating point",
    )
    _unit(axes)
    axes.legend(loc="lower right", **LEGEND)
    reading = "The band holds 95 % of curves of patients drawn again; the dot is the bundle's cut."
    return _chart("roc", "Receiver operating characteristic", reading, drawing)


def precision_recall_chart(samples: Mapping[str, Sample]) -> Chart:
    """Precision over recall of several levels, with the share of positives."""
    drawing, axes = _axes(SQUARE, "recall (sensitivity)", "precision (PPV)")
    for (name, sample), colour in zip(
        samples.items(), (QUIET, ACCENT)[-len(samples) :], strict=True
    ):
        curve = precision_recall_curve(sample)
        axes.step(curve.x, curve.y, color=colour, linewidth=1.8, label=name, where="pre")
    last = list(samples.values())[-1]
    share = last.num_positive / last.num_cases
    axes.axhline(share, color=QUIET, linewidth=1, linestyle="--")
    _unit(axes)
    axes.legend(loc="lower left", bbox_to_anchor=(0, share if share < 0.3 else 0), **LEGEND)
    reading = "The dashed line is the share of positives: what calling at random would reach."
    return _chart("precision-recall", "Precision and recall", reading, drawing)


def reliability_chart(sample: Sample) -> Chart:
    """Observed shares over promised probabilities, with how many cases stand behind each."""
    drawing, axes = _axes(SQUARE, "promised probability", "observed share of positives")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--")
    bins = reliability_bins(sample)
    x, y = np.array([b.mean for b in bins]), np.array([b.observed for b in bins])
    reach = np.array([[b.observed - b.low, b.high - b.observed] for b in bins]).T
    axes.errorbar(x, y, np.maximum(reach, 0), color=ACCENT, fmt="none", linewidth=1.2, capsize=3)
    size = np.array([b.num_cases for b in bins]) / sample.num_cases
    axes.scatter(x, y, s=30 + 260 * size, color=ACCENT, alpha=0.9, linewidth=0, zorder=3)
    _unit(axes)
    reading = "Dots on the line mean what they say; the larger a dot, the more cases."
    return _chart("reliability", "Reliability", reading, drawing)


def decision_chart(curve: DecisionCurve) -> Chart:
    """Net benefit of the model, of everybody and of nobody."""
    drawing, axes = _axes(HALF, "threshold probability", "net benefit")
    axes.fill_between(curve.threshold, curve.low, curve.high, color=ACCENT, alpha=0.15, linewidth=0)
    axes.plot(curve.threshold, curve.model, color=ACCENT, linewidth=1.8, label="by the score")
    axes.plot(curve.threshold, curve.everybody, color=POSITIVE, linewidth=1.4, label="everybody")
    axes.axhline(0, color=QUIET, linewidth=1.4, linestyle="--", label="nobody")
    top = float(max(curve.high.max(), 0.05))
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.25 * top, 1.08 * top)
    axes.legend(loc="upper right", **LEGEND)
    reading = (
        f"Where {100 * curve.prevalence:.0f} % are ill, as here, acting by the score helps where "
        "its line lies above both others"
    )
    if curve.useful is None:
        reading += "; nowhere by more than chance."
    else:
        reading += f": by more than chance from {curve.useful[0]:.2f} to {curve.useful[1]:.2f}."
    return _chart("decision", "Decision curve", reading, drawing)


def abstention_chart(curve: AbstentionCurve) -> Chart:
    """Error among the cases that are still called."""
    drawing, axes = _axes(HALF, "share of cases that get a call, most certain first", "wrong calls")
    axes.plot(curve.coverage, curve.error, color=ACCENT, linewidth=1.8)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(0.05, 1.1 * float(curve.error.max())))
    reading = "Where the line falls to the left, abstaining from uncertain cases saves errors."
    return _chart("abstention", "Abstention", reading, drawing)


def score_chart(groups: Mapping[str, tuple[Floats, Floats]], threshold: float) -> Chart:
    """Probabilities by group (positives, negatives), one row each, with the cut."""
    height = 1.1 + 0.62 * len(groups)
    drawing, axes = _axes((WIDE[0], height), "probability", "")
    random = np.random.default_rng(0)
    for row, values in enumerate(groups.values()):
        for shift, colour, own in ((0.17, POSITIVE, values[0]), (-0.17, NEGATIVE, values[1])):
            jitter = row + shift + random.uniform(-0.1, 0.1, own.size)
            axes.plot(own, jitter, ".", color=colour, markersize=5, alpha=0.5, markeredgewidth=0)
            if own.size:
                middle = float(np.median(own))
                axes.plot([middle] * 2, [row + shift - 0.14, row + shift + 0.14], color=INK)
    axes.axvline(threshold, color=INK, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.plot([], [], ".", color=POSITIVE, label="positive")
    axes.plot([], [], ".", color=NEGATIVE, label="negative")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2, **LEGEND)
    reading = (
        "A dot is a case, a stroke the median; a site of one colour tells the label by itself."
    )
    return _chart("scores", "Scores by site", reading, drawing)


def bland_altman_chart(agreement: BlandAltman) -> Chart:
    """Differences of volumes over their means, with bias and limits of agreement."""
    drawing, axes = _axes(HALF, "mean of both, ml", "found - true, ml")
    axes.axhline(0, color=LINE, linewidth=1)
    half = agreement.limit_half_width
    spans = [(agreement.bias, agreement.bias_interval, ACCENT, "bias")]
    spans += [(v, (v - half, v + half), QUIET, "") for v in agreement.limits]
    for value, (low, high), colour, name in spans:
        axes.axhspan(low, high, color=colour, alpha=0.12, linewidth=0)
        axes.axhline(value, color=colour, linewidth=1.4, linestyle="-" if name else "--")
        axes.annotate(
            f"{name} {value:+.1f}".strip(),
            (1, value),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            color=colour,
        )
    axes.plot(agreement.mean, agreement.difference, ".", color=ACCENT, markersize=7, alpha=0.8)
    reading = "Dashed: limits between which 95 % of differences lie; shaded: 95 % intervals."
    return _chart("bland-altman", "Volumes, found against true", reading, drawing)


def pair_chart(names: list[str], logits: Floats, positive: np.ndarray) -> Chart:
    """Every pair of lesion outputs (N, K), before the sigmoid, coloured by the label."""
    count = len(names)
    with mpl.rc_context(SETTINGS):
        drawing = Drawing(figsize=(1.75 * count, 1.75 * count), layout="constrained")
        grid = drawing.subplots(count, count, sharex="col", squeeze=False)
    for row in range(count):
        for column in range(count):
            axes = grid[row, column]
            _plain(axes)
            for kind, colour in ((~positive, NEGATIVE), (positive, POSITIVE)):
                own = logits[kind]
                if row == column:
                    edges = np.histogram_bin_edges(logits[:, row], bins=24)
                    axes.hist(own[:, row], bins=edges.tolist(), color=colour, alpha=0.55)
                else:
                    axes.plot(
                        own[:, column], own[:, row], ".", color=colour, markersize=3, alpha=0.5
                    )
            axes.tick_params(labelsize=8)
            if row == count - 1:
                axes.set_xlabel(names[column])
            if column == 0:
                axes.set_ylabel(names[row])
    reading = (
        "Lesion outputs before the sigmoid; warm colour: positive cases. Scores that a file rounds "
        "to 0 or 1 stand together at the edge."
    )
    return _chart("lesion-pairs", "Lesion outputs against each other", reading, drawing)


def _axes(size: tuple[float, float], x: str, y: str) -> tuple[Drawing, Axes]:
    with mpl.rc_context(SETTINGS):
        drawing = Drawing(figsize=size, layout="constrained")
        axes = drawing.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    _plain(axes)
    return drawing, axes


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=3)


def _unit(axes: Axes) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.04)
    axes.set_aspect("equal")


def _chart(name: str, title: str, reading: str, drawing: Drawing) -> Chart:
    with mpl.rc_context(SETTINGS), io.StringIO() as text, io.BytesIO() as pixels:
        drawing.savefig(text, format="svg", metadata={"Date": None, "Creator": "ctsieve"})
        drawing.savefig(pixels, format="png", dpi=160, facecolor="white")
        return Chart(
            name=name,
            title=title,
            reading=reading,
            svg=_themed(text.getvalue()),
            png=pixels.getvalue(),
        )


def _themed(svg: str) -> str:
    """The SVG with its colours as variables, which its own style sheet sets for both themes."""
    names = {colour: f"--c{number}" for number, colour in enumerate(DARK)}
    for colour, name in names.items():
        svg = svg.replace(colour, f"var({name})")
    light = "".join(f"{name}:{colour};" for colour, name in names.items())
    dark = "".join(f"{name}:{DARK[colour]};" for colour, name in names.items())
    style = (
        f":root{{{light}}}@media (prefers-color-scheme: dark){{:root{{{dark}}}}}"
        f"text{{font-family:{FONTS} !important}}"
    )
    head, found, rest = svg.partition("<defs>")
    return f"{head}<style>{style}</style>{found}{rest}"
