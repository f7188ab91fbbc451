"""What an evaluation comes to, in a few sentences, the doubts first."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from ctsieve.evaluation.cohort import is_healthy_slice
from ctsieve.evaluation.in_words import many
from ctsieve.evaluation.summary import Summary
from ctsieve.types.cases import is_known
from ctsieve.types.report import Absent, Figure, Measured

FEW = 50
"""Patients of a kind below which a number is a hint."""
VERY_FEW = 10
"""Patients of a kind below which a bootstrap does not see how others could be."""
FAR_SLOPE = (0.8, 1.25)
FAR_SHARE = 0.15
FAR_INTERCEPT = 0.4
"""Log odds: one and a half times as many positives promised as there are, or as many fewer."""
NAMES = {"covid19": "COVID-19", "other_pneumonia": "other pneumonia", "neither": "neither"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer and what speaks against it."""

    title: str
    detail: str
    doubts: tuple[str, ...]


def verdict(summary: Summary, *, doubts: tuple[str, ...] = ()) -> Verdict:
    """The headline of a summary; `doubts` are those that its maker knows of."""
    report = summary.report
    area = report.figures["auc"]
    name = NAMES.get(report.positive_label, report.positive_label.replace("_", " "))
    return Verdict(
        title=f"{name} against the rest: AUC {area.value:.2f}{_within_sites(summary)}",
        detail=f"95 % interval {area.low:.2f} to {area.high:.2f}, {area.num_patients} patients. "
        + _at_the_cut(report.figures),
        doubts=(
            *doubts,
            *report.doubts,
            *_few(summary),
            *_sources(summary),
            *_certainty(report.levels["patient"]),
            *_promises(report.levels["patient"]),
            *_lost(summary),
            *_healthy_slices(summary),
            *_two_labels(summary),
            *_two_sites(summary),
            *_strangers(summary),
            *_use(summary),
        ),
    )


def _within_sites(summary: Summary) -> str:
    """The AUC that no site can help with, where the site alone tells the label."""
    for probe in summary.probes:
        if probe.attribute == "site" and probe.is_suspect and isinstance(probe.within, Figure):
            level = "" if summary.level == "patient" else f" ({summary.level} level)"
            return f", within one site {probe.within.value:.2f}{level}"
    return ""


def _at_the_cut(figures: Mapping[str, Figure]) -> str:
    parts = [
        f"{title} {100 * figure.value:.0f} % ({100 * figure.low:.0f} to {100 * figure.high:.0f})"
        for title, figure in (
            ("sensitivity", figures.get("sensitivity")),
            ("specificity", figures.get("specificity")),
        )
        if figure is not None
    ]
    return f"At the bundle's own cut: {', '.join(parts)}."


def _few(summary: Summary) -> list[str]:
    figures = summary.report.levels["patient"]
    found = []
    for name, kind in (("sensitivity", "with"), ("specificity", "without")):
        figure = figures[name]
        if isinstance(figure, Figure) and figure.num_patients < FEW:
            narrow = " Intervals that are drawn from so few are too narrow."
            found.append(
                f"Only {figure.num_patients} patients {kind} the disease: the numbers are a hint."
                + narrow * (figure.num_patients < VERY_FEW)
            )
    return found


def _sources(summary: Summary) -> list[str]:
    found = []
    for probe in summary.probes:
        if probe.is_suspect and isinstance(probe.alone, Figure):
            left = (
                probe.within.reason
                if isinstance(probe.within, Absent)
                else f"among cases that share it the score's AUC is {probe.within.value:.2f}"
            )
            found.append(
                f"The {probe.attribute} alone tells the label with an AUC of "
                f"{probe.alone.value:.2f}; {left}."
            )
    return found


def _certainty(figures: Mapping[str, Measured]) -> list[str]:
    slope = figures["slope"]
    if isinstance(slope, Absent):
        return []
    if slope.high < 1.0 and slope.value < FAR_SLOPE[0]:
        return [f"Probabilities are too certain (calibration slope {slope.value:.2f})."]
    if slope.low > 1.0 and slope.value > FAR_SLOPE[1]:
        return [f"Probabilities are too timid (calibration slope {slope.value:.2f})."]
    return []


def _promises(figures: Mapping[str, Measured]) -> list[str]:
    """Whether more, or fewer, are ill than the probabilities say, beyond what chance allows for."""
    found, ill = figures["intercept"], figures["sensitivity"]
    if isinstance(found, Absent) or isinstance(ill, Absent):
        return []
    if abs(found.value) < FAR_INTERCEPT or found.low <= 0.0 <= found.high:
        return []
    share = ill.num_cases / found.num_cases
    more = "more" if found.value < 0 else "fewer"
    why = f": {100 * share:.0f} % are positive here"
    if abs(share - 0.5) > FAR_SHARE and (share < 0.5) == (found.value < 0):
        why += ", and a calibration that counts both labels alike is made for half"
    return [
        f"Probabilities promise {more} positives than there are (calibration intercept "
        f"{found.value:+.2f}){why}. Read them as an order, not as a risk."
    ]


def _lost(summary: Summary) -> list[str]:
    report = summary.report
    if not report.num_rejected:
        return []
    return [
        f"{report.num_rejected} of {len(report.scores)} cases were rejected by the gate or could "
        "not be read, and are in no number."
    ]


def _healthy_slices(summary: Summary) -> list[str]:
    report = summary.report
    count = sum(
        row.label == report.positive_label and is_healthy_slice(row) for row in report.scores
    )
    if not count:
        return []
    return [
        f"{count} slices carry their patient's label and are known to show no disease: at slice "
        "level they count as negative."
    ]


def _two_labels(summary: Summary) -> list[str]:
    labels: dict[str, set[str]] = defaultdict(set)
    for row in summary.report.scores:
        labels[row.patient].add(row.label)
    count = sum(len(own) > 1 for own in labels.values())
    if not count:
        return []
    return [
        f"{many(count, 'patient name')} with cases of several labels: each counts once for each "
        "label, and is drawn as one patient. Two people of one name would be the same here."
    ]


def _two_sites(summary: Summary) -> list[str]:
    sites: dict[str, set[str]] = defaultdict(set)
    for row in summary.report.scores:
        sites[row.patient].add(row.site)
    count = sum(len(own) > 1 for own in sites.values())
    if not count:
        return []
    return [
        f"{many(count, 'patient name')} with cases of several sites: each is taken for one person. "
        "Where sites number their patients alike, put the site into the name."
    ]


def _strangers(summary: Summary) -> list[str]:
    names = [row.patient for row in summary.report.scores if not is_known(row.patient)]
    if not names:
        return []
    return [
        f"{len(names)} of {len(summary.report.scores)} cases are of patients that nobody tells "
        f"apart: those of a source count, and are drawn, as one patient. At patient level they "
        f"are {len(set(names))} of {summary.report.figures['auc'].num_patients}."
    ]


def _use(summary: Summary) -> list[str]:
    if summary.useful is not None:
        return []
    return ["At no threshold probability is acting by the score shown to beat all or nothing."]
