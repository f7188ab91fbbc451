"""Cases become a score table by way of the screener of production."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ctsieve.ops.upright import upright
from ctsieve.ops.window import picture_of
from ctsieve.pipeline.screen import Image, Screener
from ctsieve.readers import read_study
from ctsieve.types.cases import Case
from ctsieve.types.errors import CtsieveError, UnreadableStudy
from ctsieve.types.results import Screening
from ctsieve.types.scores import CaseScore, ScoredLevel, ScoreTable
from ctsieve.types.volume import CTPicture, CTVolume

AGE_BANDS = (0, 18, 40, 60, 80)
THICKNESS_MM = (1.5, 3.0, 5.5)
Report = Callable[[int, int], None]


def score(
    screener: Screener,
    cases: Iterable[Case],
    *,
    side: str = "",
    progress: Report | None = None,
) -> ScoreTable:
    """Screen every case; one that cannot be read, or that the gate rejects, has a row and no score.

    A case of kind "slice" is a single DICOM slice, which is judged as a picture in the lung window.
    """
    listed = list(cases)
    rows = []
    for number, case in enumerate(listed):
        rows.append(score_case(screener, case, side=side))
        if progress is not None:
            progress(number + 1, len(listed))
    return table_of(screener, rows)


def table_of(screener: Screener, rows: Iterable[CaseScore]) -> ScoreTable:
    """Rows as the table of the screener's bundle."""
    recipe = screener.bundle.recipe
    return ScoreTable(
        bundle=screener.bundle.identity,
        labels=recipe.labels,
        multi_label=recipe.multi_label,
        rows=tuple(rows),
    )


def score_case(screener: Screener, case: Case, *, side: str = "") -> CaseScore:
    """What the screener says of one case."""
    return judge_case(screener, case, side=side)[0]


def judge_case(
    screener: Screener, case: Case, *, side: str = ""
) -> tuple[CaseScore, Screening | None]:
    """The same with the whole screening, which a case that cannot be read has not."""
    try:
        image = image_of(case)
        screening = screener.screen(image)
    except CtsieveError as error:
        level: ScoredLevel = "scan" if case.kind == "volume" else "slice"
        return _row(case, side, level=level, error=str(error)), None
    prediction = screening.prediction
    row = CaseScore(
        case=case.id,
        patient=case.patient,
        site=case.site,
        label=case.label,
        level="scan" if prediction.level == "scan" else "slice",
        side=side,
        verdict=screening.gate.verdict,
        reasons=screening.gate.reasons,
        abstained=prediction.abstained,
        scores=dict(prediction.probability),
        logits=dict(prediction.logit),
        thresholds=dict(prediction.threshold),
        lesions={flag.kind: flag.probability for flag in screening.lesions},
        truth=dict(case.lesions),
        facts=facts_of(case, image),
    )
    return row, screening


def image_of(case: Case) -> Image:
    """The image of a case, upright: a file, the slices of a scan, or one slice as a picture.

    Raises:
        UnreadableStudy: the files of the case are no one image.
    """
    path = _path_of(case)
    image = read_study(path)
    if case.kind == "slice" and isinstance(image, CTVolume):
        return picture_of(image, 0)
    return upright(image, case.quarter_turns)


def screen_case(screener: Screener, case: Case) -> Screening:
    """The whole screening of one case, for pictures and explanations."""
    return screener.screen(image_of(case))


def facts_of(case: Case, image: Image) -> dict[str, str]:
    """What is known of a case that subgroups can be made of; unknown things are left out."""
    about = image.provenance.acquisition
    facts = {
        "sex": case.sex,
        "age": age_band(case.age),
        "kernel": about.kernel or "",
        "thickness": thickness_band(about.slice_thickness_mm),
        "manufacturer": about.manufacturer or "",
        "file type": about.picture_format or "",
        "colour mode": about.picture_mode or "",
        "contrast": {True: "with", False: "without", None: ""}[about.contrast],
    }
    if isinstance(image, CTPicture):
        _, rows, columns = image.geometry.shape
        facts["size"] = size_band(max(rows, columns))
        facts["marks"] = "coloured" if about.coloured_fraction > 0 else "none seen"
    return {name: value for name, value in facts.items() if value}


def age_band(age: float | None) -> str:
    """An age in years as a band of twenty."""
    return "" if age is None else _band(age, AGE_BANDS, "years")


def thickness_band(thickness_mm: float | None) -> str:
    """A slice thickness as a band."""
    return "" if thickness_mm is None else _band(thickness_mm, THICKNESS_MM, "mm")


def size_band(longest: int) -> str:
    """The longest side of a picture as a band."""
    return _band(longest, (256, 512, 1024), "pixels")


def _band(value: float, edges: Sequence[float], unit: str) -> str:
    below = [edge for edge in edges if edge > value]
    above = [edge for edge in edges if edge <= value]
    if not above:
        return f"below {edges[0]:g} {unit}"
    return f"{above[-1]:g} to {below[0]:g} {unit}" if below else f"{above[-1]:g} {unit} and more"


def _path_of(case: Case) -> Path:
    if len(case.files) == 1:
        return case.files[0]
    folders = {file.parent for file in case.files}
    if len(folders) != 1 or not case.files:
        raise UnreadableStudy(
            f"case {case.id!r} has {len(case.files)} files in {len(folders)} folders",
            hint="one file, or one folder with the slices of one scan, is needed",
        )
    folder = folders.pop()
    if len([p for p in folder.iterdir() if p.is_file()]) != len(case.files):
        raise UnreadableStudy(f"case {case.id!r} is not all there is in its folder")
    return folder


def _row(case: Case, side: str, *, level: ScoredLevel, error: str) -> CaseScore:
    return CaseScore(
        case=case.id,
        patient=case.patient,
        site=case.site,
        label=case.label,
        level=level,
        side=side,
        verdict="unreadable",
        reasons=("unreadable",),
        abstained=error,
    )
