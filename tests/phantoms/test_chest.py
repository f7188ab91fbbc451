"""The anatomy is where anatomy is, in HU that anatomy has, and the same every time."""

import numpy as np
import pytest
from scipy import ndimage
from tests.phantoms.small import small

from ctsieve.phantoms.chest import TABLE_MM, make_phantom
from ctsieve.phantoms.presets import preset
from ctsieve.phantoms.spec import ChestSpec, Phantom
from ctsieve.types.errors import UnknownName

KINDS = ("normal", "covid", "pneumonia")
SEEDS = (0, 1)


def hu_at(phantom: Phantom, x: float, y: float, z: float) -> float:
    """The median HU of the 3 x 3 pixels around a place in the phantom's own millimetres."""
    s, r, c = phantom.volume.geometry.to_index([x, y, z + TABLE_MM])[0].round().astype(int).tolist()
    return float(np.median(phantom.volume.hu[s, r - 1 : r + 2, c - 1 : c + 2]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_spec_gives_the_same_bits(kind: str) -> None:
    spec = preset(kind, seed=5, num_slices=12, matrix=64)
    first, second = make_phantom(spec), make_phantom(spec)
    assert first.volume.hu.tobytes() == second.volume.hu.tobytes()
    assert first.lesions.tobytes() == second.lesions.tobytes()
    assert first.truth == second.truth
    assert first.volume.provenance == second.volume.provenance


def test_another_seed_is_another_patient() -> None:
    one, two = small("normal", 1), small("normal", 2)
    assert (one.lungs != two.lungs).mean() > 0.005
    assert one.volume.provenance.digest != two.volume.provenance.digest


def test_an_unknown_patient_is_refused_with_the_known_names() -> None:
    with pytest.raises(UnknownName, match="'flu'") as caught:
        preset("flu", seed=1)
    assert "covid" in caught.value.hint


@pytest.mark.parametrize("seed", SEEDS)
def test_organs_lie_where_they_belong(seed: int) -> None:
    phantom = small("normal", seed)
    assert hu_at(phantom, 0.0, -3.0, 60.0) < -850  # trachea
    assert 20 < hu_at(phantom, 30.0, -40.0, -86.0) < 70  # heart, left of the middle
    assert hu_at(phantom, -95.0, -30.0, -62.0) < -700  # lung at the same place on the right
    assert 35 < hu_at(phantom, -70.0, 0.0, -160.0) < 80  # liver, right
    assert 20 < hu_at(phantom, 24.0, 34.0, -40.0) < 65  # descending aorta, left of the spine
    assert hu_at(phantom, 62.0, -58.0, -165.0) < -800  # air in the stomach, in front
    assert hu_at(phantom, 0.0, -160.0, 0.0) < -950  # air before the patient


@pytest.mark.parametrize("seed", SEEDS)
def test_bones_are_bright_and_deep_in_the_body(seed: int) -> None:
    phantom = small("normal", seed)
    bone = phantom.volume.hu > 300
    assert 0.004 < bone.mean() < 0.06
    assert not (bone & phantom.lungs).any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_lungs_are_two_of_plausible_size(kind: str, seed: int) -> None:
    phantom = small(kind, seed)
    litres = phantom.lungs.sum() * phantom.volume.geometry.voxel_ml / 1000
    assert 3.0 < litres < 8.0
    pieces, count = ndimage.label(phantom.lungs)
    sizes = np.sort(np.bincount(pieces.ravel())[1:])[::-1]
    assert count >= 2
    assert sizes[1] > 0.6 * sizes[0]
    assert sizes[2:].sum() < 0.01 * sizes[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_aerated_lung_has_the_density_of_lung(seed: int) -> None:
    phantom = small("normal", seed)
    values = phantom.volume.hu[ndimage.binary_erosion(phantom.lungs, iterations=1)]
    assert -890 < np.median(values) < -800
    assert values.mean() > np.median(values)  # vessels make a bright tail
    rows = np.nonzero(phantom.lungs)[1]
    front, back = np.quantile(rows, (0.2, 0.8))
    inside = phantom.volume.hu.astype(float)
    inside[~phantom.lungs] = np.nan
    assert np.nanmedian(inside[:, int(back) :]) > np.nanmedian(inside[:, : int(front)])


def test_every_lobe_is_there_and_only_in_the_lungs() -> None:
    phantom = small("normal")
    assert ((phantom.lobes > 0) == phantom.lungs).all()
    share = np.bincount(phantom.lobes.ravel(), minlength=6)[1:] / phantom.lungs.sum()
    assert (share > 0.04).all()
    assert share.argmin() == 1  # the middle lobe is the smallest


def test_contrast_brightens_blood_and_nothing_else() -> None:
    plain = small("normal").spec
    bright = make_phantom(plain.model_copy(update={"contrast": True}))
    assert hu_at(bright, 24.0, 34.0, -40.0) > 180
    assert abs(hu_at(bright, 0.0, -3.0, 60.0) - hu_at(small("normal"), 0.0, -3.0, 60.0)) < 60
    assert bright.volume.provenance.acquisition.contrast is True


def test_the_grid_only_samples_the_patient() -> None:
    coarse = small("normal", num_slices=16, matrix=48)
    fine = small("normal")
    every = fine.lungs.reshape(16, 2, 48, 2, 48, 2).mean(axis=(1, 3, 5)) > 0.5
    overlap = 2 * (every & coarse.lungs).sum() / (every.sum() + coarse.lungs.sum())
    assert overlap > 0.92


def test_a_thin_stack_lies_in_the_middle_of_the_chest() -> None:
    phantom = make_phantom(ChestSpec(num_slices=4, matrix=(48, 64), spacing_mm=(1.0, 8.0, 6.0)))
    assert phantom.volume.hu.shape == (4, 48, 64)
    assert phantom.volume.geometry.spacing == pytest.approx((1.0, 8.0, 6.0))
    assert phantom.lungs.any(axis=(1, 2)).all()


def test_noise_is_what_was_asked() -> None:
    spec = preset("normal", seed=3, num_slices=12, matrix=96)
    clean = make_phantom(spec.model_copy(update={"noise_hu": 0.0})).volume.hu.astype(float)
    noisy = make_phantom(spec.model_copy(update={"noise_hu": 20.0})).volume.hu.astype(float)
    middle = (slice(5, 10), slice(40, 60), slice(40, 60))
    assert (noisy - clean)[middle].std() == pytest.approx(20.0 * 1.1, rel=0.2)
