"""The model card of a network that a run trained, and its MONAI Bundle metadata."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ctsieve.datasets import dataset
from ctsieve.models import MODELS
from ctsieve.pipeline.monai_metadata import About
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.pipeline.tune_calibration import LabelResult, TuneCalibration
from ctsieve.types.cases import Split, num_patients
from ctsieve.types.report import Figure
from ctsieve.types.scores import ScoreTable

HEADER = (
    "| level | label | with | without | patients | AUC (95 % interval) | threshold "
    "| sensitivity | specificity |"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedFacts:
    """What the card is made of."""

    config: TrainConfig
    split: Split
    figures: Mapping[str, float]
    """Of the epoch whose weights were kept (`result.json`)."""
    calibrated: TuneCalibration
    table: ScoreTable
    """Scores of the tune side before calibration."""


def model_card(facts: TrainedFacts) -> str:
    """The card in Markdown."""
    config = facts.config
    return f"""# {config.bundle_name} {config.bundle.version}

**Non-commercial research demonstration only.  Not a medical device.**

{MODELS[config.model.name].title}, trained with ctsieve.

## Must not be used

- Not for diagnosis, triage or treatment of anybody, and not for ruling COVID-19 out.
- Not for children, chest radiographs, slices in other planes, or images other than chest CT.
- Not commercially where a licence below forbids it.

## Data

{chr(10).join(_sides(facts.split))}

{chr(10).join(_licences(config))}

Split digest: `{facts.split.digest}`.  {_leakage(facts.split)}

## Training

The weights are those of epoch {facts.figures["epoch"]:g}, chosen on the tune side, as its slices
were prepared for training:

{chr(10).join(_figures(facts.figures))}

The curves are in `figures/curves.png`.{_boxes(config)}

## Calibration and thresholds: the tune side as it is screened

{chr(10).join(_calibration(facts))}

## Settings

```json
{config.model_dump_json(indent=1)}
```
"""


def _sides(split: Split) -> Iterator[str]:
    yield "| side | site | label | images | patients |"
    yield "|---|---|---|---|---|"
    for side, cases in split.sides.items():
        for site, label in sorted({(case.site, case.label) for case in cases}):
            own = [case for case in cases if (case.site, case.label) == (site, label)]
            yield f"| {side} | {site} | {label} | {len(own)} | {num_patients(own)} |"


def _licences(config: TrainConfig) -> Iterator[str]:
    for name in config.data.sets:
        card = dataset(name)
        yield f"- {card.title}: {card.source}; licence: {card.licence}."


def _leakage(split: Split) -> str:
    if split.leakage:
        return f"**This split leaks, so every number here is too good:** {' '.join(split.leakage)}"
    return "No patient and no source paper is on two sides."


def _figures(figures: Mapping[str, float]) -> Iterator[str]:
    yield "| figure | value |"
    yield "|---|---|"
    for name, value in figures.items():
        if name.startswith("tune/"):
            yield f"| {name.partition('/')[2].replace('_', ' ')} | {value:.4f} |"


def _boxes(config: TrainConfig) -> str:
    if not config.data.box:
        return ""
    crop = config.input.crop
    return f"""  Images were cut along
the publisher's boxes, which screening does not have: it takes the crop {crop!r}."""


def _calibration(facts: TrainedFacts) -> Iterator[str]:
    rejected = len(facts.table.rows) - len(facts.table.judged)
    if rejected:
        yield f"{rejected} of {len(facts.table.rows)} tune cases were not judged by screening."
        yield ""
    if facts.calibrated.results:
        yield "Fitted on these same cases: sensitivity and specificity are optimistic, and the"
        yield "epoch was chosen on them too."
        yield ""
        yield HEADER
        yield "|---|---|---|---|---|---|---|---|---|"
        yield from (_row(result) for result in facts.calibrated.results)
        yield ""
    yield from (f"**{reason}**" for reason in facts.calibrated.reasons)


def _row(result: LabelResult) -> str:
    area, cut = "-", result.threshold
    if isinstance(result.auc, Figure):
        area = f"{result.auc.value:.3f} ({result.auc.low:.3f} to {result.auc.high:.3f})"
    counts = f"{result.num_positive} | {result.num_negative} | {result.num_patients}"
    return (
        f"| {result.level} | {result.label} | {counts} | {area} | {cut.value:.3f} "
        f"| {cut.sensitivity:.3f} | {cut.specificity:.3f} |"
    )


def about(config: TrainConfig) -> About:
    """What its `metadata.json` says of the bundle."""
    return About(
        name=config.bundle_name,
        version=config.bundle.version,
        task="COVID-19 in chest CT",
        description=f"{MODELS[config.model.name].title}; see MODEL_CARD.md",
        authors="whoever trained it with ctsieve",
        rights="training data as listed in MODEL_CARD.md",
        data_source=", ".join(config.data.sets),
    )
