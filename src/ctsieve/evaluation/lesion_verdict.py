"""What an evaluation comes to that is about lesions alone, the doubts first."""

from ctsieve.evaluation.doubts import side_doubts
from ctsieve.evaluation.lesion_summary import LesionSummary
from ctsieve.evaluation.verdict import FEW, Verdict
from ctsieve.types.report import EvaluationReport

ONE_PATIENT = (
    "All images are of one patient, or of patients that nobody knows apart: no number has an "
    "interval, and none says how other patients would fare."
)


def lesion_verdict(
    lesions: LesionSummary,
    report: EvaluationReport,
    *,
    why_no_class: str,
    doubts: tuple[str, ...] = (),
) -> Verdict:
    """The headline where no class can be measured; `why_no_class` is a sentence."""
    figure = lesions.figure
    title = "Lesions: nothing that could be measured"
    detail = lesions.sentence
    if figure is not None:
        title = f"Lesions: mask AP {figure.value:.2f}"
        interval = f"95 % interval {figure.low:.2f} to {figure.high:.2f}"
        if figure.num_patients == 1:
            interval = "No interval"
        detail = f"COCO's definition, IoU .50:.05:.95. {interval}. {lesions.sentence}"
    found = [*doubts, why_no_class, *side_doubts(row.side for row in report.scores)]
    if figure is not None and figure.num_patients == 1:
        found.append(ONE_PATIENT)
    elif figure is not None and figure.num_patients < FEW:
        found.append(f"Only {figure.num_patients} patients: the numbers are a hint.")
    return Verdict(title=title, detail=detail, doubts=tuple(found))
