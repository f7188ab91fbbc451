"""AlexTS1980/COVID-LSTM-Attention: One Shot + LSTM + attention, and its ablation.

Source   https://github.com/AlexTS1980/COVID-LSTM-Attention, commit 43ac2a2.
Licence  The repository has none: all rights reserved.  No code of it is here, and no weights.
Format   A dict with `model_weights` beside the optimiser's state; no anchors: those of the paper.
"""

from ctsieve.bundles.upstream._detector import (
    MASK,
    SPELLINGS,
    detector_settings,
    num_sieve_stages,
)
from ctsieve.bundles.upstream._names import renamed, renamer, size
from ctsieve.types.cards import PublishedWeights, Settings, Shapes, UpstreamCard

rename = renamer(*SPELLINGS, MASK, (r"^attn_layer\.sieve\.\d+\.", "attn_layer.sieve.0."))


def settings(_model: str, published: Shapes) -> Settings:
    """Sizes of the detector, of the attention layer and of both classifiers."""
    shapes = renamed(published, rename)
    return {
        **detector_settings(shapes),
        "num_sieve_stages": num_sieve_stages(published, "attn_layer"),
        "units": size(shapes, "attn_layer.lstm_pos.weight_hh_l0", 1),
        "hidden": size(shapes, "pos_classifier_attn.fc_l1.weight"),
        "num_labels": size(shapes, "pos_classifier_attn.class_predict_logits.weight"),
    }


CARD = UpstreamCard(
    title="One Shot + LSTM + attention",
    source="https://github.com/AlexTS1980/COVID-LSTM-Attention",
    commit="43ac2a2",
    licence="none",
    weights=(
        PublishedWeights(
            title="ResNeXt50, CNCB-NCOV (the paper's second-best; about 370 MB)",
            where="Google Drive 1NGB87UQOrJMCNuVOZCWtQ00vzV_kg9FE",
            state="linked from pretrained_model/model.txt; the paper's ResNeXt101 is not published",
        ),
    ),
    models=("one-shot-lstm-attention", "one-shot-lstm"),
    rename=rename,
    settings=settings,
)
