"""Cases with masks become a lesions file beside their scores, by way of the same screener.

Shapes   S slices, R C rows and columns of an image's own grid.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from ctsieve.learning.views import Bytes, drawn_labels
from ctsieve.ops.run_lengths import run_lengths
from ctsieve.pipeline.score import Report, judge_case, table_of
from ctsieve.pipeline.screen import Screener
from ctsieve.types.cases import Case
from ctsieve.types.errors import CtsieveError
from ctsieve.types.lesion_table import (
    FoundRegion,
    LesionCase,
    LesionTable,
    SliceMasks,
    TrueRegion,
)
from ctsieve.types.results import Lesion, Screening
from ctsieve.types.scores import CaseScore, ScoreTable
from ctsieve.types.volume import CTVolume

Meaning = Mapping[int, str]
"""What the values of a mask are; empty: every value but 0 is a lesion."""
ANY_LESION = "lesion"


def score_with_lesions(
    screener: Screener,
    cases: Iterable[Case],
    *,
    meaning: Callable[[Case], Meaning],
    side: str = "",
    progress: Report | None = None,
) -> tuple[ScoreTable, LesionTable | None]:
    """Screen every case once; lesions are None where the bundle finds none or no case has a mask.

    A mask that cannot be read costs its case's lesions, not its scores.
    """
    listed = list(cases)
    has_objects = screener.bundle.recipe.objects is not None
    rows, drawn = [], []
    for number, case in enumerate(listed):
        row, screening = judge_case(screener, case, side=side)
        rows.append(row)
        if has_objects and case.mask is not None:
            drawn.append(lesion_case(case, row, screening, meaning(case)))
        if progress is not None:
            progress(number + 1, len(listed))
    masked = [case for case in listed if case.mask is not None]
    lesions = _table(screener, drawn, [meaning(case) for case in masked]) if drawn else None
    return table_of(screener, rows), lesions


def lesion_case(
    case: Case, row: CaseScore, screening: Screening | None, meaning: Meaning
) -> LesionCase:
    """What was found on a case and what its mask draws, or why there is nothing to compare."""
    bare = LesionCase(
        case=row.case,
        patient=row.patient,
        site=row.site,
        label=row.label,
        level=row.level,
        side=row.side,
        verdict=row.verdict,
        reasons=row.reasons,
    )
    if screening is None or row.verdict == "rejected":
        return bare.model_copy(update={"problem": row.abstained or "not judged"})
    try:
        labels = drawn_labels(case, screening.image)
    except CtsieveError as error:
        return bare.model_copy(update={"problem": str(error)})
    image = screening.image
    return bare.model_copy(
        update={
            "voxel_ml": image.geometry.voxel_ml if isinstance(image, CTVolume) else None,
            "slices": tuple(_slices(screening.lesion_instances, labels, meaning)),
            "unnamed": _unnamed(labels, meaning),
        }
    )


def _table(screener: Screener, cases: list[LesionCase], meanings: Iterable[Meaning]) -> LesionTable:
    identity, rule = screener.bundle.identity, screener.bundle.recipe.objects
    drawn = [name for one in meanings for name in (one.values() or (ANY_LESION,))]
    return LesionTable(
        bundle=identity.name,
        bundle_version=identity.version,
        bundle_digest=identity.digest,
        kinds=() if rule is None else tuple(k for k in rule.kinds if k not in rule.organs),
        least_score=0.0 if rule is None else rule.score,
        mask_kinds=tuple(dict.fromkeys(drawn)),
        cases=tuple(cases),
    )


def _unnamed(labels: Bytes, meaning: Meaning) -> tuple[int, ...]:
    if not meaning:
        return ()
    return tuple(int(value) for value in np.unique(labels) if value and value not in meaning)


def _slices(lesions: tuple[Lesion, ...], labels: Bytes, meaning: Meaning) -> Iterator[SliceMasks]:
    """The one slice of a picture; of several slices those with anything found or drawn."""
    _, rows, columns = labels.shape
    for number, plane in enumerate(labels):
        found = tuple(_found(lesions, number, (rows, columns)))
        true = tuple(_true(plane, meaning))
        if found or true or len(labels) == 1:
            yield SliceMasks(number=number, size=(rows, columns), found=found, true=true)


def _found(
    lesions: tuple[Lesion, ...], number: int, size: tuple[int, int]
) -> Iterator[FoundRegion]:
    for one in lesions:
        if not one.start[0] <= number < one.stop[0]:
            continue
        part = one.mask[number - one.start[0]]
        if part.any():
            plane = np.zeros(size, dtype=np.bool_)
            plane[one.start[1] : one.stop[1], one.start[2] : one.stop[2]] = part
            yield FoundRegion(kind=one.kind, score=one.score, counts=run_lengths(plane))


def _true(plane: Bytes, meaning: Meaning) -> Iterator[TrueRegion]:
    if not plane.any():
        return
    names = meaning or {int(v): ANY_LESION for v in np.unique(plane) if v}
    for name in dict.fromkeys(names.values()):
        mask = np.isin(plane, [value for value, own in names.items() if own == name])
        if mask.any():
            yield TrueRegion(kind=name, counts=run_lengths(mask))
