"""Weights of detectors: from a first stage, and under their authors' names."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from tests.models.small_detectors import affinity
from torch import Tensor

from ctsieve.models._detector.authors import from_authors, load_authors
from ctsieve.models._detector.mask_rcnn import MaskRcnn
from ctsieve.models.mask_net import MaskNet, MaskNetConfig, build
from ctsieve.models.one_shot_affinity import OneShotAffinity, OneShotAffinityConfig
from ctsieve.types.errors import InputRejected


def test_the_second_stage_starts_from_the_first() -> None:
    config = replace(MaskNetConfig(), detector=MaskNetConfig().detector)
    first, second = build(replace(config, stage="segmentation")), MaskNet(config)
    assert isinstance(first, MaskRcnn)
    taken = second.start_from(first)
    assert Counter(key.split(".")[0] for key in taken).keys() == {"backbone", "rpn", "roi_heads"}
    assert set(second.state_dict()) - set(taken) == {
        key for key in second.state_dict() if key.startswith("s2new")
    }
    name = "roi_heads.box_head.fc7.weight"
    assert second.get_parameter(name).equal(first.get_parameter(name))


def authors_spelling(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As an old checkpoint of the affinity model names its tensors, with aliases."""
    old = {}
    for key, value in state.items():
        spelled = key.replace("blocks.0.0.", "blocks.0.").replace(".conv_mask.", ".conv5_mask.")
        old[f"module.{spelled}"] = value
        if ".sieve.0." in key:
            old.update(
                {f"module.{key.replace('.sieve.0.', f'.sieve.{i}.')}": value for i in (1, 2)}
            )
    old["module.affinity_layer.pars.0"] = state["affinity_layer.batch_to_feat_mat"].clone()
    return old


def test_weights_under_the_authors_names_are_loaded() -> None:
    source, model = (
        OneShotAffinity(OneShotAffinityConfig()),
        OneShotAffinity(OneShotAffinityConfig()),
    )
    old = authors_spelling(source.state_dict())
    assert set(from_authors(model, old)) == set(model.state_dict())
    load_authors(model, old)
    assert all(v.equal(source.state_dict()[k]) for k, v in model.state_dict().items())


def test_weights_of_another_model_are_refused() -> None:
    model = affinity()
    state = dict(model.state_dict())
    with pytest.raises(InputRejected, match="another model"):
        load_authors(model, {k: v for k, v in state.items() if "s2new" not in k})
    with pytest.raises(InputRejected, match="shape"):
        load_authors(model, {**state, "s2new.fc_l1.bias": torch.zeros(3)})
    different = {**state, "affinity_layer.pars.1": torch.zeros(64, 1)}
    with pytest.raises(InputRejected, match="same tensor"):
        load_authors(model, different)
