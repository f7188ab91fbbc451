import json

import pytest
from tests.laws.trying import built

from ctsieve.export.agreement import computed
from ctsieve.models import MODELS
from ctsieve.pipeline.golden_inputs import synthetic_chests
from ctsieve.pipeline.monai_metadata import About, metadata
from ctsieve.pipeline.uncalibrated import uncalibrated_recipe

SIZE = (64, 64)
EVERY_KIND = ("la-dnn", "resnet50-lstm-att2", "one-shot-lstm-attention", "series-maxpool")
"""Between them they have every output there is; an output without a description is a KeyError."""
MANDATORY = {
    *("version", "task", "description", "authors", "copyright", "network_data_format"),
    *("required_packages_version", "changelog", "intended_use"),
}
OF_A_TENSOR = {
    *("type", "format", "modality", "num_channels", "spatial_shape", "dtype"),
    *("value_range", "is_patch_data", "channel_def"),
}
ABOUT = About(
    name="a", version="1.2.3", task="t", description="d", authors="somebody", rights="theirs"
)


@pytest.mark.parametrize("name", EVERY_KIND)
def test_every_output_of_every_graph_is_described_as_monai_bundles_do(name: str) -> None:
    network = built(MODELS[name])
    outputs = computed(network, synthetic_chests(1, SIZE))
    recipe = uncalibrated_recipe(network, name, outputs, size=SIZE)
    document = json.loads(metadata(ABOUT, recipe, outputs))
    described = document["network_data_format"]
    assert document.keys() >= MANDATORY
    assert described["inputs"]["image"]["spatial_shape"] == list(SIZE)
    assert described["outputs"].keys() == outputs.keys()
    for tensor in [*described["inputs"].values(), *described["outputs"].values()]:
        assert tensor.keys() == OF_A_TENSOR
        channels = [str(number) for number in range(tensor["num_channels"])]
        assert list(tensor["channel_def"]) == channels


def test_what_a_recipe_names_is_described_unasked() -> None:
    network = built(MODELS["la-dnn"])
    outputs = computed(network, synthetic_chests(1, SIZE))
    recipe = uncalibrated_recipe(network, "la-dnn", outputs, size=SIZE)
    described = json.loads(metadata(ABOUT, recipe))["network_data_format"]["outputs"]
    assert described["logits"]["channel_def"] == {"0": "logit of covid19"}
    assert len(described["lesion_logits"]["channel_def"]) == 5
