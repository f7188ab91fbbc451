"""Weights of detectors: the second stage starts from the first."""

from collections import Counter
from dataclasses import replace

from ctsieve.models._detector.mask_rcnn import MaskRcnn
from ctsieve.models.mask_net import MaskNet, MaskNetConfig, build


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
