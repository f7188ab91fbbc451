"""xiaoxuegao499/LA-DNN-for-COVID-19-diagnosis: LA-DNN on DenseNet169 (and, in a test, 121).

Source   https://github.com/xiaoxuegao499/LA-DNN-for-COVID-19-diagnosis, commit 39a5fca.
Licence  The repository has none: all rights reserved.  No code of it is here, and no weights.
Format   A dict with `state_dict`, whose names begin with the network's own; older torchvision
         calls the layers of a DenseNet block `norm.1` where newer ones say `norm1`.
"""

from ctsieve.bundles.upstream._names import renamed, renamer, size
from ctsieve.types.cards import PublishedWeights, Settings, Shapes, UpstreamCard
from ctsieve.types.errors import BundleError

BACKBONES = {1664: "densenet169", 1024: "densenet121"}
"""By the features that the classifying layer reads."""
NUM_OUTPUTS = 6
"""COVID-19, then five lesions."""

rename = renamer(
    (r"^densenet(?:169|121)_out\.", ""),
    (r"(denselayer\d+)\.(norm|conv)\.(\d)\.", r"\1.\2\3."),
)


def settings(_model: str, published: Shapes) -> Settings:
    """The backbone, the number of lesions, and ImageNet's normalisation, which the authors use."""
    shapes = renamed(published, rename)
    features = size(shapes, "classifier.weight", 1)
    if features not in BACKBONES:
        raise BundleError(
            f"no DenseNet of the authors has {features} features",
            hint="known: densenet169 (1664 features), densenet121 (1024)",
        )
    outputs = size(shapes, "classifier.weight")
    if outputs != NUM_OUTPUTS:
        raise BundleError(
            f"the checkpoint gives {outputs} outputs; the authors' networks give {NUM_OUTPUTS}",
            hint="COVID-19 and five lesions",
        )
    return {
        "backbone": BACKBONES[features],
        "num_lesions": outputs - 1,
        "normalisation": "imagenet",
    }


CARD = UpstreamCard(
    title="LA-DNN",
    source="https://github.com/xiaoxuegao499/LA-DNN-for-COVID-19-diagnosis",
    commit="39a5fca",
    licence="none",
    weights=(
        PublishedWeights(
            title="DenseNet169",
            where="best_model/densenet169.path.tar.00 to .07 in the repository",
            state="eight parts (the readme says seven): join them with `cat` in their order",
        ),
        PublishedWeights(
            title="DenseNet169, the same",
            where="Baidu 1fnvSEnjRGXh--KY9IY3NpA, code w3i1",
            state="needs an account",
        ),
        PublishedWeights(
            title="DenseNet121",
            where="nowhere",
            state="not published, though the authors' test script names it",
        ),
    ),
    models=("la-dnn",),
    rename=rename,
    settings=settings,
)
