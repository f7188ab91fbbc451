"""A network with weights from elsewhere becomes a bundle that nobody has calibrated.

Probabilities are the network's own and thresholds 0.5, as in the authors' evaluations; no number in
the recipe says where it was fitted, because none was, and so every result says "not calibrated".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from ctsieve.bundles.bundle import Bundle
from ctsieve.export.agreement import Arrays, computed
from ctsieve.export.views import ReadsScans
from ctsieve.models import MODELS
from ctsieve.models.la_dnn import LESIONS
from ctsieve.pipeline.golden_inputs import synthetic_chests
from ctsieve.pipeline.monai_metadata import About, metadata
from ctsieve.pipeline.package import Description, package
from ctsieve.types.cards import UpstreamCard
from ctsieve.types.recipe import (
    Calibration,
    InputSpec,
    Level,
    ObjectRule,
    Recipe,
    Threshold,
)

VERSION = "0.1.0"
LABELS = {
    0: (),
    1: ("covid19",),
    2: ("covid19", "neither"),
    3: ("covid19", "other_pneumonia", "neither"),
}
"""By how many there are; the graphs return them in this order (`export.views`)."""
KINDS = {2: ("lesion",), 3: ("ggo", "consolidation"), 4: ("lungs", "ggo", "consolidation")}
"""Kinds of objects by how many a detector tells apart, background included, as its authors do."""
ORGANS = ("lungs",)
FOUND = "roi_masks"
"""The output that graphs of detectors have and no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the weights came from."""

    model: str
    upstream: UpstreamCard
    digest: str
    """SHA-256 of the imported file."""
    variant: str = ""
    """What else tells this network from others of its name, such as its backbone."""
    extra: Mapping[str, bytes] = field(default_factory=dict)
    """Further members of the bundle."""

    @property
    def name(self) -> str:
        """The bundle's."""
        return "-".join(part for part in (self.model, self.variant, "authors") if part)


def write_uncalibrated(
    network: nn.Module, origin: Origin, folder: Path, *, size: tuple[int, int] | None = None
) -> Bundle:
    """Export `network` and write its bundle to `folder`.

    `size` are the rows and columns of slices, None: those of the paper.
    """
    outputs = computed(network, synthetic_chests(1, size or MODELS[origin.model].size))
    recipe = uncalibrated_recipe(network, origin.model, outputs, size=size)
    description = Description(
        name=origin.name,
        version=VERSION,
        recipe=recipe,
        model_card=_model_card(origin, recipe),
        metadata=metadata(_about(origin), recipe, outputs),
        extra=origin.extra,
    )
    return package(network, description, folder)


def uncalibrated_recipe(
    network: nn.Module, model: str, outputs: Arrays, *, size: tuple[int, int] | None = None
) -> Recipe:
    """As authors evaluate: the whole picture, the network's probability, a threshold of 0.5.

    `outputs` are what the graphs return; they tell labels, lesions and objects.
    """
    card = MODELS[model]
    return plain_recipe(
        network,
        outputs,
        labels=LABELS[outputs["logits"].shape[-1] if "logits" in outputs else 0],
        spec=InputSpec(size=size or card.size, num_slices=card.num_slices),
        kinds=KINDS[num_kinds(network) + 1] if FOUND in outputs else (),
    )


def plain_recipe(
    network: nn.Module,
    outputs: Arrays,
    *,
    labels: tuple[str, ...],
    spec: InputSpec,
    kinds: tuple[str, ...],
) -> Recipe:
    """A recipe without any fitted number: probabilities are the network's, thresholds 0.5.

    `labels` and `kinds` of objects are in the order of the graphs.
    """
    level = Level(
        calibration=tuple(Calibration() for _ in labels),
        thresholds=tuple(Threshold(label=label, value=0.5) for label in labels),
    )
    is_scan, finds_objects = isinstance(network, ReadsScans), FOUND in outputs
    num_lesions = outputs["lesion_logits"].shape[1] if "lesion_logits" in outputs else 0
    organs = tuple(kind for kind in ORGANS if kind in kinds)
    return Recipe(
        kind="scan" if is_scan else "instances" if finds_objects else "slice",
        labels=labels,
        multi_label=len(labels) == 1,
        lesions=LESIONS[:num_lesions],
        objects=ObjectRule(kinds=kinds, organs=organs) if finds_objects else None,
        input=spec,
        picture=level,
        scan=level,
    )


def num_kinds(network: nn.Module) -> int:
    """How many kinds of objects a detector tells apart, without the empty place."""
    return len(network.get_parameter("roi_heads.box_predictor.cls_score.bias")) - 1


def _model_card(origin: Origin, recipe: Recipe) -> str:
    card = origin.upstream
    return f"""# {origin.name} {VERSION}

**Non-commercial research demonstration only.  Not a medical device.**

{MODELS[origin.model].title} with the weights of its authors, imported; this project has neither
trained nor measured it.

- Authors' repository: {card.source} (names as of commit {card.commit}).
- Licence of the repository: {card.licence}{_rights(card)}.
- SHA-256 of the imported file: `{origin.digest}`.

## Not calibrated

No calibration and no threshold was fitted.  Probabilities are the network's own; 0.5 divides them.
The authors trained on windowed pictures, not on DICOM: answers from a lung window, and for a scan
{ANSWERS[recipe.kind]}, were never measured here.
{_objects_section(recipe)}{_lesions_section(recipe)}
## Must not be used

- Not for diagnosis, triage or treatment of anybody.
- Not for ruling COVID-19 out, and no measure of how much lung is affected.
"""


ANSWERS = {
    "slice": "by the slice rule of the recipe",
    "scan": "of other slices than the authors chose",
    "instances": "by the slice rule of the recipe",
}


def _objects_section(recipe: Recipe) -> str:
    if recipe.objects is None:
        return ""
    kinds = ", ".join(recipe.objects.kinds)
    return f"""
## Objects

Kinds: {kinds}.  Objects count from a score of {recipe.objects.score:g} on.
Where an image has fewer regions than the classifier reads they are repeated evenly; the authors'
code repeats them at random, so that one image can have two answers there.
"""


def _lesions_section(recipe: Recipe) -> str:
    if len(recipe.lesions) < len(LESIONS):
        return ""
    return f"""
## Lesions

The authors' code spells two of the five lesion names otherwise than the label files they publish
since May 2020, so that the outputs {LESIONS[3]} and {LESIONS[4]} may never have learned anything.
"""


def _rights(card: UpstreamCard) -> str:
    return ", that is, all rights are reserved: ask the authors" if card.licence == "none" else ""


def _about(origin: Origin) -> About:
    card = origin.upstream
    return About(
        name=origin.name,
        version=VERSION,
        change="imported from the authors' checkpoint",
        task="COVID-19 in chest CT",
        description=f"{card.title} with its authors' weights, not calibrated; see MODEL_CARD.md",
        authors=card.source,
        rights=f"the authors of {card.source}; licence: {card.licence}",
    )
