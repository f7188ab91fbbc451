"""One Shot + LSTM + attention where fewer regions are found than its sequence is long."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ctsieve.models._detector.regions import random_repetition
from ctsieve.models.one_shot_lstm_attention import OneShotLstmAttention
from tests.parity import Arrays, Comparable, Fill, Gold, Row, close, equal, images
from tests.parity.lstm import NAME, classified, config_of

EXACT = ("roi_labels",)
LIKE = {
    "attention_neg": "attention_pos",
    "logits_pos": "logits_final",
    "logits_neg": "logits_final",
    "mask_features_std": "mask_features_mean",
}
"""Quantities without a tolerance of their own, and whose they are held to."""


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Repeat regions as the authors' generator does, and compare what comes of it."""
    del arrays
    pictures, same = images(gold, fill, name=NAME)
    yield same
    weights: dict[str, Tensor] = {}
    for number, case in enumerate(gold["cases"]):
        name = f"{NAME} ({case['mode']}, case {number})"
        limit = case["rpn_post_nms_top_n_test"]
        sizes = {
            "num_classes_img": len(case["logits_final"]),
            "box_detections_per_img_s2new": len(case["padding_index"]),
            **gold.get("settings", {}),
        }
        config = config_of({**gold, "settings": sizes}, case["mode"], num_after=limit)
        model = OneShotLstmAttention(config).eval()
        weights = weights or fill.fill_state_dict(model.state_dict(), gold["weights_seed"])
        model.load_state_dict(weights)
        with torch.no_grad():
            yield from _case(model, pictures[0][None], name, case)


def _case(
    model: OneShotLstmAttention, image: Tensor, name: str, case: Mapping[str, Any]
) -> Iterator[Row]:
    look, seed = model.look(image), case["torch_manual_seed"]
    kept, number = len(model.survivors(look).scores), len(case["padding_index"])
    yield equal(name, "survivors_k", kept, case["survivors_k"])
    torch.manual_seed(seed)
    yield equal(name, "padding_index", random_repetition(kept, number), case["padding_index"])
    got: dict[str, Comparable] = {}
    for stage in classified(model, look, seed):
        got.update(stage)
    for quantity in EXACT:
        yield equal(name, quantity, got[quantity], case[quantity])
    for quantity, like in {**{q: q for q in case["tolerances"]}, **LIKE}.items():
        atol = float(case["tolerances"][like]["recommended_atol"])
        yield close(name, quantity, got[quantity], case[quantity], atol)
    torch.manual_seed(seed)
    atol = float(case["tolerances"]["logits_final"]["recommended_atol"])
    output = model(image)
    yield close(name, "logits_final (forward)", output.logits[0], case["logits_final"], atol)
