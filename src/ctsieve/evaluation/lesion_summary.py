"""What an evaluation says of lesions: a sentence, a table and the Bland-Altman plot."""

from dataclasses import dataclass

from ctsieve.evaluation.charts import Chart, bland_altman_chart
from ctsieve.evaluation.in_words import in_words, many, people
from ctsieve.evaluation.intervals import DRAWS
from ctsieve.evaluation.lesion_images import ANY, Compared, compared
from ctsieve.evaluation.lesion_measures import (
    TITLES,
    LesionMeasure,
    lesion_measures,
    num_lesions,
    volume_agreement,
)
from ctsieve.evaluation.volumes import BlandAltman
from ctsieve.types.lesion_table import LesionTable
from ctsieve.types.report import Absent, Figure, Measured, Table

HEADLINE = ("coco_map", "coco_ap50", "per_image_map", "dice", "volume_error_ml")
MOST_VALUES = 6
FINDS_NONE = (
    "This bundle finds no lesions: it gives the image a class, or flags, and draws no masks that "
    "could be compared with those of the {masks} cases that have one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionSummary:
    """Lesions of one bundle on one set of cases."""

    sentence: str
    """What was compared, or why nothing is."""
    measures: tuple[LesionMeasure, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()

    @property
    def headline(self) -> tuple[tuple[str, Figure], ...]:
        """The numbers of all kinds that stand first."""
        found = {m.name: m.value for m in self.measures if not m.kind}
        named = ((TITLES[name], found.get(name)) for name in HEADLINE)
        return tuple((title, value) for title, value in named if isinstance(value, Figure))

    @property
    def figure(self) -> Figure | None:
        """AP over all thresholds by COCO's definition; None where it is not defined."""
        value = next((m.value for m in self.measures if m.name == "coco_map" and not m.kind), None)
        return value if isinstance(value, Figure) else None


def no_lesions(num_masks: int) -> LesionSummary:
    """What is said of a bundle that draws none, on cases of which so many have masks."""
    return LesionSummary(sentence=FINDS_NONE.format(masks=num_masks))


def summarise_lesions(table: LesionTable, *, draws: int = DRAWS) -> LesionSummary:
    """Everything about lesions that a lesions file says."""
    found = compared(table)
    lost = _lost(table) + _unnamed(table)
    if not found.images:
        return LesionSummary(
            sentence=f"None of {len(table.cases)} cases with a mask could be measured.{lost}"
        )
    true = num_lesions(found.images)
    said = sum(len(image.labels) for image in found.images)
    counts = (
        f"{many(len(found.images), 'image')} of {many(len(found.cases), 'case')} and "
        f"{people(case.patient for case in found.cases)} hold {many(true, 'true lesion')}; "
        f"{many(said, 'lesion')} {'was' if said == 1 else 'were'} found."
    )
    if not true:
        return LesionSummary(
            sentence=f"{counts} Without a true lesion there is no average precision and no Dice"
            f"{'; everything that was found is a false alarm' * bool(said)}.{lost}"
        )
    measures = lesion_measures(found, draws=draws)
    agreement = volume_agreement(found.cases)
    return LesionSummary(
        sentence=f"{counts}{lost}",
        measures=measures,
        tables=(_table(measures, table, found, agreement),),
        charts=() if isinstance(agreement, Absent) else (bland_altman_chart(agreement),),
    )


def _table(
    measures: tuple[LesionMeasure, ...],
    table: LesionTable,
    found: Compared,
    agreement: BlandAltman | Absent,
) -> Table:
    several = len(found.kinds.names) > 1
    rows = []
    for one in measures:
        is_mean = one.name.startswith("coco")
        kind = one.kind or ("mean of kinds" if several and is_mean else "all kinds")
        number = one.value
        counts = ("-", "-")
        if isinstance(number, Figure):
            counts = (str(number.num_cases), str(number.num_patients))
        title = TITLES[one.name]
        rows.append((title, kind, cell(number), counts[0], str(one.num_lesions), counts[1]))
    return Table(
        title="Lesion measures",
        columns=("measure", "kind", "value", "images", "true lesions", "patients"),
        rows=tuple(rows),
        note=_note(table, found, agreement),
    )


def cell(value: Measured) -> str:
    """A number as a table shows it; of one patient it has no interval."""
    if isinstance(value, Figure) and value.num_patients == 1:
        return f"{value.value:.3f} (no interval)"
    return in_words(value)


def _note(table: LesionTable, found: Compared, agreement: BlandAltman | Absent) -> str:
    parts = [
        "In brackets: 95 % interval, whole patients drawn 2000 times. COCO: all images of a kind "
        "ranked together, then the mean of kinds. Per image: the One Shot papers' definition, "
        f"which counts an image without true and found lesions as 1 ({_empty(found)}).",
        f"Lesions are those that screening shows: from a score of {table.least_score:g} on, and "
        "touching ones of a kind as one, so a curve may end before it would with every region the "
        "network proposes. A lesion is a connected part of one kind in one image or "
        "slice, larger than 100 pixels of 512 x 512. Dice is the mean of cases that have the "
        "kind; of Dice and volumes the images are cases, a scan being one.",
    ]
    if len({case.patient for case in found.cases}) == 1:
        parts.append("All are of one patient, or of patients that nobody tells apart: no interval.")
    if found.kinds.merged:
        parts.append(
            f"The masks draw {', '.join(table.mask_kinds)} and the bundle finds "
            f"{', '.join(table.kinds)}: no names in common, so all count as one kind."
        )
    if found.kinds.left_out:
        parts.append(f"Known to one side only and left out: {', '.join(found.kinds.left_out)}.")
    if isinstance(agreement, BlandAltman):
        low, high = agreement.limits
        parts.append(
            f"Bland-Altman, {agreement.mean.size} patients: bias {agreement.bias:+.1f} ml, "
            f"95 % of differences from {low:+.1f} to {high:+.1f} ml."
        )
    return " ".join(parts)


def _empty(found: Compared) -> str:
    """How many images have no lesion on either side: a detector that finds nothing gets a 1 each.

    Of a single kind they are more, and without their number a rare kind looks well found.
    """
    names = found.kinds.names
    numbers = {"of all kinds together": ANY}
    if len(names) > 1:
        numbers |= {f"of {name}": number for number, name in enumerate(names, start=1)}
    counts = {}
    for words, number in numbers.items():
        own = [image if number == ANY else image.of_kind(number) for image in found.images]
        counts[words] = sum(not i.labels.size and not i.true_labels.size for i in own)
    if len(counts) == 1:
        return f"here {next(iter(counts.values()))}"
    return "here " + ", ".join(f"{words} {count}" for words, count in counts.items())


def _lost(table: LesionTable) -> str:
    problems = [case.problem for case in table.cases if case.problem]
    if not problems:
        return ""
    return (
        f" {len(problems)} of {len(table.cases)} cases with a mask are in no number; the first: "
        f"{problems[0]}."
    )


def _unnamed(table: LesionTable) -> str:
    """What masks hold that is in no number, because nobody said what it is."""
    cases = [case for case in table.cases if case.unnamed]
    if not cases:
        return ""
    values = sorted({value for case in cases for value in case.unnamed})
    listed = ", ".join(map(str, values[:MOST_VALUES])) + ", ..." * (len(values) > MOST_VALUES)
    return (
        f" Masks of {many(len(cases), 'case')} hold values that nothing names ({listed}): what "
        "they draw is in no number."
    )
