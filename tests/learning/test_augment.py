"""Augmentation is a function of its seed and stays in [0, 1]."""

import numpy as np
import torch
from tests.synthetic import drawn_chest

from ctsieve.learning.augment import Augmentation, augment
from ctsieve.learning.paste import paste_lesions

HARSH = Augmentation(marks=1.0, resize=1.0, jpeg=1.0, frame=1.0, noise=1.0, quarter_turn=1.0)


def test_a_batch_is_a_function_of_its_seed() -> None:
    images = [drawn_chest(k, diseased=False) for k in range(3)]
    one, same, other = (augment(images, 40, HARSH, np.random.default_rng(s)) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_values_and_shape() -> None:
    images = [drawn_chest(k, diseased=True) for k in range(8)]
    before = [image.copy() for image in images]
    x = augment(images, 32, HARSH, np.random.default_rng(0))
    assert x.shape == (8, 1, 32, 32)
    assert x.dtype == torch.float32
    assert 0.0 <= float(x.min()) <= float(x.max()) <= 1.0
    assert all((a == b).all() for a, b in zip(images, before, strict=True))


def test_a_pasted_lesion_brightens_the_lung_and_nothing_else() -> None:
    sick, well = (drawn_chest(0, diseased=d) for d in (True, False))
    mask = np.where(sick != well, 255, 0).astype(np.uint8)
    pasted = paste_lesions(well, sick, mask)
    assert pasted is not None
    changed = pasted != well
    assert changed.any()
    assert (pasted >= well).all()
    assert not changed[:8].any()


def test_nothing_is_pasted_without_lungs_or_lesions() -> None:
    sick = drawn_chest(0, diseased=True)
    nowhere = np.zeros_like(sick)
    assert paste_lesions(drawn_chest(0, diseased=False), sick, nowhere) is None
    assert paste_lesions(np.full_like(sick, 200), sick, np.full_like(sick, 255)) is None
