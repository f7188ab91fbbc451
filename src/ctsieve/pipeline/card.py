"""A bundle's model card and its MONAI Bundle metadata, from the numbers of the run."""

from dataclasses import dataclass

from ctsieve.datasets import dataset
from ctsieve.learning.calibrate import OperatingPoint
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.monai_metadata import About
from ctsieve.pipeline.scan_level import ScanLevel
from ctsieve.types.cases import Split, num_patients
from ctsieve.types.report import Figure

NOT_FOR = """- Not a medical device; not for diagnosis, triage or treatment of anybody.
- Not for children, chest radiographs, slices in other planes, or images other than chest CT.
- Not for severity, and no measure of how much lung is affected.
- Not for ruling COVID-19 out: mild disease in few slices is easily missed.
- Not commercially: several sources forbid it."""

CONFOUNDING = """Every source but COVID-CT and COVID-CT-MD holds one label only, so the network
may know a source rather than a disease.  Against that: slices are cut to the lungs, sources of one
label are drawn seldom, and windows, sizes, compression, marks, frames, noise and rotation are
varied at random.  The numbers between sources above still mix disease and source, and are too
good; the number within COVID-CT is the one to believe, and it too comes from figures that authors
chose to show disease.  Its file type alone reaches an AUC of 0.75 (the network does not see it).
Slices of one scan are not independent: intervals draw whole patients, or source papers, again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceResult:
    """How some of the tune cases were scored."""

    name: str
    num_positive: int
    num_negative: int
    num_patients: int
    auc: Figure | None
    """None where only one label is there."""
    logits: tuple[float, ...]
    """10th, 50th and 90th percentile."""

    def row(self) -> str:
        """A line of the card's table."""
        area = "-"
        if self.auc is not None:
            area = f"{self.auc.value:.3f} ({self.auc.low:.3f} to {self.auc.high:.3f})"
        spread = " / ".join(f"{v:+.2f}" for v in self.logits)
        counts = f"{self.num_positive} | {self.num_negative} | {self.num_patients}"
        return f"| {self.name} | {counts} | {area} | {spread} |"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """The numbers of a model card."""

    config: FitConfig
    split: Split
    point: OperatingPoint
    results: tuple[SourceResult, ...]
    scans: ScanLevel | None
    quantised: str
    """One sentence."""


def model_card(facts: CardFacts) -> str:
    """The card in Markdown."""
    config, point = facts.config, facts.point
    return f"""# {config.bundle.name} {config.bundle.version}

**Non-commercial research demonstration only.  Not a medical device.**

LA-DNN (one COVID-19 output, five lesion outputs) on {config.model.backbone}, for axial chest CT:
single slices, pictures of slices, and scans (`{config.bundle.slice_rule.kind}` of slice logits).
Its heat map is Grad-CAM++ of the COVID-19 output, computed in the graph.
{_members(config)}

## Must not be used

{NOT_FOR}

## Data

{_sides(facts.split)}

{_licences(config)}

Weights started from MobileNetV2 trained on ImageNet (Apache-2.0) where the settings say "folded".
Split digest: `{facts.split.digest}`.  {_leakage(facts.split)}  COVID-CT's
official test partition was neither used nor looked at.

## Single slices and pictures: held-out patients

Calibration and threshold come from these same cases, so sensitivity and specificity are optimistic;
the AUC is not fitted, but settings were chosen while looking at it.{_folds(config)}

| tune cases | COVID-19 | other | patients | AUC (95 % interval) | logit 10 / 50 / 90 % |
|---|---|---|---|---|---|
{chr(10).join(result.row() for result in facts.results)}

Threshold {point.threshold:.3f} on the calibrated probability: sensitivity {point.sensitivity:.3f},
specificity {point.specificity:.3f}, every patient counting alike within a label, on
{", ".join(config.data.calibrate_on) or "all sources"}.

{_scan_section(facts.scans)}

## Confounding

{CONFOUNDING}

## The graph

{facts.quantised}

## Settings

```json
{config.model_dump_json(indent=1)}
```
"""


def _leakage(split: Split) -> str:
    if split.leakage:
        return f"**This split leaks, so every number here is too good:** {' '.join(split.leakage)}"
    return "No patient and no source paper is on two sides."


def _sides(split: Split) -> str:
    lines = ["| side | site | COVID-19 | other | patients |", "|---|---|---|---|---|"]
    for side, cases in split.sides.items():
        for site in sorted({case.site for case in cases}):
            own = [case for case in cases if case.site == site]
            positive = sum(case.label == "covid19" for case in own)
            counts = f"{positive} | {len(own) - positive} | {num_patients(own)}"
            lines.append(f"| {side} | {site} | {counts} |")
    return "\n".join(lines)


def _folds(config: FitConfig) -> str:
    if config.run.folds == 1:
        return ""
    return f"""

**Cross-fitted.**  The patients were dealt into {config.run.folds} folds; every number below is of a
network that never saw the patient, and the bundle ships the mean of these
{config.run.folds} networks.  The mean itself can be measured on nothing here, since each case
trained {config.run.folds - 1} of its members; on new data the mean of networks usually errs
less than each."""


def _members(config: FitConfig) -> str:
    if config.run.folds == 1:
        return "It is one network."
    return f"It is the mean of {config.run.folds} networks, each trained without one fold."


def _licences(config: FitConfig) -> str:
    cards = [dataset(name) for name in config.data.sets]
    return "\n".join(f"- {card.title}: {card.source}; licence: {card.licence}." for card in cards)


def _scan_section(scans: ScanLevel | None) -> str:
    if scans is None:
        return "## Scans\n\nThe tune side has no scans of both labels: the slice level is reused."
    rows = [
        f"| {row.case.id} | {row.case.label} | {row.num_slices} | {row.logit:+.2f} | "
        f"{' / '.join(f'{v:+.2f}' for v in row.slice_percentiles)} | "
        f"{scans.probability(row):.2f} |"
        for row in scans.rows
    ]
    return f"""## Scans

{len(rows)} tune scans: far too few for a rate of any kind.  Calibration: {scans.criterion}.
Threshold {scans.point.threshold:.2f}: {scans.cut_criterion}.

| scan | label | slices with lungs | scan logit | slice logits 10 / 50 / 90 % | probability |
|---|---|---|---|---|---|
{chr(10).join(rows)}"""


def about(config: FitConfig) -> About:
    """What its `metadata.json` says of the bundle."""
    return About(
        name=config.bundle.name,
        version=config.bundle.version,
        task="COVID-19 in chest CT slices, with lesion flags",
        description=f"LA-DNN on {config.model.backbone}; see MODEL_CARD.md",
        authors="The ctsieve authors",
        rights="The ctsieve authors; training data as listed in MODEL_CARD.md",
        data_source=", ".join(config.data.sets),
        references=("https://doi.org/10.1101/2020.05.11.20097907",),
    )
