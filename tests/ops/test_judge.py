"""The box that a recipe asks for is the box that is cut, from a volume as from its pictures."""

from typing import Literal

import numpy as np
import pytest

from ctsieve.ops.judge import judged_box
from ctsieve.ops.window import LUNG, apply_window
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.presets import preset
from ctsieve.types.geometry import Geometry
from ctsieve.types.recipe import InputSpec
from ctsieve.types.volume import CTPicture

RULES: tuple[Literal["whole", "body", "lungs"], ...] = ("whole", "body", "lungs")
NEAR = 3.0
"""Pixels by which the lungs of HU and those of display values may differ."""


@pytest.mark.parametrize("rule", RULES)
def test_a_volume_and_its_pictures_are_cut_alike(rule: Literal["whole", "body", "lungs"]) -> None:
    """A network that learned from pictures of bodies gets bodies of volumes, not lungs."""
    phantom = make_phantom(preset("normal", seed=2, num_slices=10, matrix=128))
    shown = np.stack([apply_window(plane, LUNG) for plane in phantom.volume.hu])
    pictures = CTPicture(
        values=shown,
        geometry=Geometry.of_picture(shown.shape, "same"),
        provenance=phantom.volume.provenance,
    )
    keep = np.isin(np.arange(10), (4, 5, 6))
    spec = InputSpec(crop=rule)
    ours = judged_box(phantom.volume, phantom.lungs, keep, spec)
    theirs = judged_box(pictures, phantom.lungs, keep, spec)
    if rule == "whole":
        assert ours is None
        assert theirs is None
    else:
        assert ours is not None
        assert theirs is not None
        assert np.abs(np.array(ours) - np.array(theirs)).max() <= NEAR


def test_a_body_is_wider_than_its_lungs() -> None:
    phantom = make_phantom(preset("normal", seed=2, num_slices=10, matrix=128))
    keep = np.asarray(phantom.lungs.any(axis=(1, 2)))
    boxes = [
        judged_box(phantom.volume, phantom.lungs, keep, InputSpec(crop=rule))
        for rule in ("body", "lungs")
    ]
    assert boxes[0] is not None
    assert boxes[1] is not None
    (body_start, body_stop), (lung_start, lung_stop) = np.array(boxes[0]), np.array(boxes[1])
    assert (body_start < lung_start).all()
    assert (lung_stop < body_stop).all()
