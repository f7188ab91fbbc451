"""peppocola/Screening-COVID19: ResNet50-ATT2 and ResNet50-LSTM-ATT2.

Source   https://github.com/peppocola/Screening-COVID19, commit 4ed681b.
Licence  MIT (2021 peppocola).  No code of it is here, and no weights.
Format   A bare state dict (`ct-models/*.pt`), or a training checkpoint with it under `model`.
"""

from ctsieve.bundles.upstream._names import renamed, renamer, size
from ctsieve.types.cards import PublishedWeights, Settings, Shapes, UpstreamCard

SEQUENCES = "resnet50-lstm-att2"
rename = renamer()


def settings(model: str, published: Shapes) -> Settings:
    """How many classes, which spatial score, and how wide the LSTM of the scan model is."""
    shapes = renamed(published, rename)
    prefix = "embeddings." if model == SEQUENCES else ""
    size(shapes, f"{prefix}layer5.0.conv1.weight")
    additive = f"{prefix}attention1.score.weight" in shapes
    sizes: Settings = {
        "compatibility": "additive" if additive else "dot",
        "num_classes": size(shapes, "fc.weight"),
    }
    if model == SEQUENCES:
        sizes["units"] = size(shapes, "lstm.weight_hh_l0", 1)
    return sizes


CARD = UpstreamCard(
    title="ResNet50-ATT2 and ResNet50-LSTM-ATT2",
    source="https://github.com/peppocola/Screening-COVID19",
    commit="4ed681b",
    licence="MIT",
    weights=(
        PublishedWeights(
            title="both models",
            where="nowhere",
            state="not published: the repository leaves its folder of models out; ask, or train",
        ),
    ),
    models=("resnet50-att2", SEQUENCES),
    rename=rename,
    settings=settings,
)
