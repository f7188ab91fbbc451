"""An LA-DNN with weights from elsewhere becomes a bundle that nobody has calibrated.

Probabilities are the network's own and thresholds 0.5, as in the authors' evaluation; no number in
the recipe says where it was fitted, because none was, and so every result says "not calibrated".
"""

import json
import tempfile
from pathlib import Path

from ctsieve.bundles.bundle import Bundle, write_bundle
from ctsieve.bundles.verify import golden_member, make_golden
from ctsieve.export.onnx import INPUT, OUTPUTS, TOLERANCE, export, largest_difference, write
from ctsieve.models.la_dnn import LESIONS, LaDnn
from ctsieve.pipeline.release import LABEL, NUM_GOLDEN, synthetic_chests
from ctsieve.runtime import RUNTIMES, Runtime
from ctsieve.types.cards import UpstreamCard
from ctsieve.types.promise import promise
from ctsieve.types.recipe import Calibration, InputSpec, Level, Recipe, Threshold

VERSION = "0.1.0"
GRAPH = "model.onnx"


def write_uncalibrated(
    network: LaDnn,
    card: UpstreamCard,
    *,
    digest: str,
    folder: Path,
    size: tuple[int, int] = (224, 224),
) -> Bundle:
    """Export `network` for slices of `size` and write its bundle to `folder`.

    `digest` is the SHA-256 of the file that the weights came from, for the model card.
    """
    name = f"la-dnn-{network.config.backbone}-authors"
    recipe = uncalibrated_recipe(size, num_lesions=network.config.num_lesions)
    x = synthetic_chests(NUM_GOLDEN, size)
    exported = export(network, size)
    with tempfile.TemporaryDirectory() as scratch:
        engine: Runtime = RUNTIMES["onnx"].load(write(exported, Path(scratch)))
        difference = largest_difference(network, dict(engine.run(x)), x)
        promise(difference < TOLERANCE, f"the graph equals the network, not by {difference}")
        given, wanted = make_golden(engine, x)
    members = {
        GRAPH: exported.graph,
        "weights.safetensors": exported.weights,
        "recipe.json": (recipe.model_dump_json(indent=1) + "\n").encode(),
        "metadata.json": _metadata(name, card, size).encode(),
        "MODEL_CARD.md": _model_card(name, card, digest).encode(),
        "golden/input.npz": given,
        golden_member(GRAPH): wanted,
    }
    return write_bundle(folder, members, name=name, version=VERSION)


def uncalibrated_recipe(size: tuple[int, int], *, num_lesions: int) -> Recipe:
    """As the authors evaluate: the whole picture, the network's probability, a threshold of 0.5."""
    level = Level(calibration=(Calibration(),), thresholds=(Threshold(label=LABEL, value=0.5),))
    return Recipe(
        labels=(LABEL,),
        multi_label=True,
        lesions=LESIONS[:num_lesions],
        input=InputSpec(size=size),
        picture=level,
        scan=level,
    )


def _model_card(name: str, card: UpstreamCard, digest: str) -> str:
    return f"""# {name} {VERSION}

**Non-commercial research demonstration only.  Not a medical device.**

{card.title} with the weights of its authors, imported; this project has neither trained nor
measured it.

- Authors' repository: {card.source} (names as of commit {card.commit}).
- Licence of the repository: {card.licence}{_rights(card)}.
- SHA-256 of the imported file: `{digest}`.

## Not calibrated

No calibration and no threshold was fitted.  Probabilities are the network's own; 0.5 divides them,
as in the authors' evaluation.  The authors trained on windowed pictures (COVID-CT), not on scans:
answers for a scan, from a lung window and the slice rule of the recipe, were never measured.

## Lesions

The authors' code spells two of the five lesion names otherwise than the label files they publish
since May 2020, so that the outputs {LESIONS[3]} and {LESIONS[4]} may never have learned anything.

## Must not be used

- Not for diagnosis, triage or treatment of anybody.
- Not for ruling COVID-19 out, and no measure of how much lung is affected.
"""


def _rights(card: UpstreamCard) -> str:
    return ", that is, all rights are reserved: ask the authors" if card.licence == "none" else ""


def _metadata(name: str, card: UpstreamCard, size: tuple[int, int]) -> str:
    """MONAI Bundle metadata as JSON."""
    image = {"type": "image", "modality": "CT", "num_channels": 1, "spatial_shape": list(size)}
    document = {
        "schema": "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/"
        "0.8.1/meta_schema_20240725.json",
        "version": VERSION,
        "changelog": {VERSION: "imported from the authors' checkpoint"},
        "name": name,
        "task": "COVID-19 in chest CT slices, with lesion flags",
        "description": f"{card.title} with its authors' weights, not calibrated; see MODEL_CARD.md",
        "authors": card.source,
        "copyright": f"the authors of {card.source}; licence: {card.licence}",
        "intended_use": "Non-commercial research demonstration only. Not a medical device.",
        "required_packages_version": {"onnxruntime": "1.20"},
        "network_data_format": {
            "inputs": {INPUT: {**image, "dtype": "float32", "value_range": [0, 1]}},
            "outputs": {output: {"dtype": "float32"} for output in OUTPUTS},
        },
    }
    return json.dumps(document, indent=1) + "\n"
