"""AlexTS1980/COVID-Affinity-Model: One Shot + affinity.

Source   https://github.com/AlexTS1980/COVID-Affinity-Model, commit da68d6b.
Licence  The repository has none: all rights reserved.  No code of it is here, and no weights.
Format   A dict with `model_weights`, an integer `affinity` and a pickled `anchor_generator`.
"""

from ctsieve.bundles.upstream._detector import (
    MASK,
    SPELLINGS,
    detector_settings,
    num_sieve_stages,
)
from ctsieve.bundles.upstream._names import renamed, renamer, size
from ctsieve.types.cards import PublishedWeights, Settings, Shapes, UpstreamCard

rename = renamer(
    *SPELLINGS,
    MASK,
    (r"^affinity_layer\.sieve\.\d+\.", "affinity_layer.sieve.0."),
    (r"^affinity_layer\.pars\.0$", "affinity_layer.batch_to_feat_mat"),
    (r"^affinity_layer\.pars\.1$", "affinity_layer.batch_to_feat_vec"),
)


def settings(_model: str, published: Shapes) -> Settings:
    """Sizes of the detector, of the affinity layer (regions and affinities) and the classifier."""
    shapes = renamed(published, rename)
    return {
        **detector_settings(shapes),
        "regions.number": size(shapes, "affinity_layer.batch_to_feat_mat"),
        "num_affinities": size(shapes, "affinity_layer.batch_to_feat_mat", 1),
        "num_sieve_stages": num_sieve_stages(published, "affinity_layer"),
        "hidden": size(shapes, "s2new.fc_l1.weight"),
        "num_labels": size(shapes, "s2new.class_predict_logits.weight"),
    }


CARD = UpstreamCard(
    title="One Shot + affinity",
    source="https://github.com/AlexTS1980/COVID-Affinity-Model",
    commit="da68d6b",
    licence="none",
    weights=(
        PublishedWeights(
            title="CNCB-NCOV",
            where="Google Drive 1TiMjkeeM49_yEqwmHj18ZF9498x_KCyt",
            state="linked from pretrained_models/models.txt; there is no training script",
        ),
        PublishedWeights(
            title="iCTCF-CT",
            where="Google Drive 1DgO_tr9Fqgoaz6wnBdN8NnbeFU_3q5Jy",
            state="linked from pretrained_models/models.txt",
        ),
    ),
    models=("one-shot-affinity",),
    rename=rename,
    settings=settings,
)
