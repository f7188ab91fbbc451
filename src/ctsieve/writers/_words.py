"""Words for people: labels, lesions, calls.  One place, so that every format says the same."""

from dataclasses import dataclass
from typing import Literal

from ctsieve.types.results import Prediction, Screening, SliceScores
from ctsieve.writers._phrases import percent, percent_beside

NEITHER = "neither"
"""The label that stands for the absence of the others."""

LABELS = {
    "covid19": "COVID-19",
    "other_pneumonia": "other pneumonia",
    NEITHER: "neither",
}

LESIONS = {
    "ggo": "Ground-glass opacity (GGO)",
    "ground_glass_opacity": "Ground-glass opacity (GGO)",
    "csld": "Consolidation",
    "consolidation": "Consolidation",
    "crpa": "Crazy-paving pattern",
    "crazy_paving": "Crazy-paving pattern",
    "crazy_paving_pattern": "Crazy-paving pattern",
    "airbr": "Air bronchogram",
    "air_bronchogram": "Air bronchogram",
    "insepthi": "Interlobular septal thickening",
    "interlobular_septal_thickening": "Interlobular septal thickening",
    "septal_thickening": "Interlobular septal thickening",
}
"""Both the short names of the COVID-CT labels and the long ones."""

Call = Literal["positive", "negative", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The answer in words: `title` is the call, `detail` the sentence beneath it."""

    call: Call
    title: str
    detail: str


def label_name(label: str) -> str:
    """A label in words; an unknown one keeps its own name, with spaces.

    Example:
        >>> label_name("covid19"), label_name("lung_cancer")
        ('COVID-19', 'lung cancer')
    """
    return LABELS.get(label, label.replace("_", " "))


def lesion_name(kind: str) -> str:
    """A kind of lesion in words; an unknown one keeps its own name, with spaces.

    Example:
        >>> lesion_name("GGO"), lesion_name("crazy-paving"), lesion_name("halo_sign")
        ('Ground-glass opacity (GGO)', 'Crazy-paving pattern', 'Halo sign')
    """
    key = kind.lower().replace("-", "_").replace(" ", "_")
    spaced = kind.replace("_", " ")
    return LESIONS.get(key, spaced[:1].upper() + spaced[1:])


def call_of(prediction: Prediction) -> Call:
    """Positive when a label other than "neither" is; none when no call is made."""
    if prediction.abstained is not None or not prediction.probability:
        return "none"
    return "positive" if any(k != NEITHER for k in prediction.positive) else "negative"


def slice_words(scores: SliceScores, position: int) -> tuple[str, str]:
    """A slice's score and its share in the answer; empty where the network has no such number."""
    score = percent(float(scores.probability[position, 0])) if scores.has_scores else ""
    return score, percent(float(scores.weight[position])) if scores.tells else ""


def headline(screening: Screening) -> Headline:
    """The answer in words, the same in every format."""
    prediction = screening.prediction
    call = call_of(prediction)
    if screening.gate.verdict == "rejected":
        return Headline(
            call=call,
            title="Not judged",
            detail="The input was rejected before it reached the network, so there is no score.",
        )
    if call == "none":
        return Headline(
            call=call,
            title=f"No call: {prediction.abstained or 'the bundle gave no probability'}",
            detail="The program abstains. Where a score is shown it must not be read as a result.",
        )
    if call == "negative":
        known = [k for k in prediction.probability if k != NEITHER]
        title, named = f"Below threshold for {_joined(known)}", known
    else:
        named = [k for k in prediction.positive if k != NEITHER]
        title = f"Above threshold for {_joined(named)}"
    kind = "Probability" if prediction.calibrated else "Score (not calibrated)"
    numbers = "; ".join(
        f"{label_name(k)} "
        f"{percent_beside(prediction.probability[k], prediction.threshold[k])}, "
        f"threshold {percent(prediction.threshold[k])}"
        for k in named
    )
    return Headline(call=call, title=title, detail=f"{kind} of {numbers}.")


def _joined(labels: list[str]) -> str:
    """Labels in words: "A", "A and B", "A, B and C"."""
    names = [label_name(label) for label in labels]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
