"""Lesions have the volume, place, side and density that were asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import ndimage
from tests.phantoms.small import small

from ctsieve.phantoms.chest import TABLE_MM, make_phantom
from ctsieve.phantoms.lesions import polygon_web
from ctsieve.phantoms.presets import preset
from ctsieve.phantoms.spec import (
    LESION_KINDS,
    ChestSpec,
    LesionKind,
    LesionSpec,
    Phantom,
    Placement,
    Side,
    Zone,
)
from ctsieve.types.errors import UsageError

SEEDS = (1, 2)


@settings(deadline=None, max_examples=10)
@given(
    kind=st.sampled_from(LESION_KINDS),
    side=st.sampled_from(("left", "right")),
    zone=st.sampled_from(("upper", "middle", "lower")),
    placement=st.sampled_from(("peripheral", "central", "lobar")),
    ml=st.floats(20.0, 120.0),
    seed=st.integers(0, 10_000),
)
def test_a_lesion_has_the_volume_and_place_that_were_asked(
    kind: LesionKind, side: Side, zone: Zone, placement: Placement, ml: float, seed: int
) -> None:
    lesion = LesionSpec(kind=kind, side=side, zone=zone, placement=placement, ml=ml)
    spec = ChestSpec.covering(seed=seed, num_slices=32, matrix=64, lesions=(lesion,))
    phantom = make_phantom(spec)
    (truth,) = phantom.truth
    mask = phantom.mask_of(kind)
    volume = float(mask.sum()) * phantom.volume.geometry.voxel_ml
    assert truth.ml == pytest.approx(ml, rel=0.02)
    assert volume == pytest.approx(truth.ml)
    assert (phantom.lesions > 0).sum() == mask.sum()
    centre = phantom.volume.geometry.to_world(np.argwhere(mask)).mean(axis=0)
    assert centre == pytest.approx(truth.centre_mm)
    assert (centre[0] > 0) == (side == "left")
    assert truth.lobe.startswith("L" if side == "left" else "R")
    assert truth.slices == tuple(np.flatnonzero(mask.any(axis=(1, 2))))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["covid", "pneumonia"])
def test_presets_hold_what_their_spec_asks(kind: str, seed: int) -> None:
    phantom = small(kind, seed)
    assert len(phantom.truth) == len(phantom.spec.lesions)
    voxel = phantom.volume.geometry.voxel_ml
    for asked, found in zip(phantom.spec.lesions, phantom.truth, strict=True):
        assert found.ml == pytest.approx(asked.ml, rel=0.02, abs=voxel / 2)
    for name in LESION_KINDS:
        total = sum(t.ml for t in phantom.truth if t.kind == name)
        assert phantom.mask_of(name).sum() * voxel == pytest.approx(total)


@pytest.mark.parametrize("kind", ["covid", "pneumonia", "early", "focal"])
def test_every_seed_of_a_preset_fits_on_a_coarse_grid(kind: str) -> None:
    for seed in range(10):
        assert make_phantom(preset(kind, seed=seed, num_slices=12, matrix=32)).truth


@pytest.mark.parametrize("kind", ["early", "focal"])
def test_disease_of_some_presets_is_in_few_slices(kind: str) -> None:
    for seed in range(10):
        phantom = make_phantom(preset(kind, seed=seed, num_slices=24, matrix=48))
        assert 1 <= phantom.lesions.any(axis=(1, 2)).sum() <= 8


def test_a_lobe_on_the_other_side_is_no_spec() -> None:
    with pytest.raises(ValidationError, match="LUL is not in the right lung"):
        LesionSpec(kind="ggo", side="right", lobe="LUL", ml=1.0)


def densities(phantom: Phantom, kind: LesionKind) -> np.ndarray:
    """HU in the inside of all lesions of a kind."""
    return phantom.volume.hu[ndimage.binary_erosion(phantom.mask_of(kind))].astype(float)


@pytest.mark.parametrize("seed", SEEDS)
def test_covid_is_bilateral_peripheral_and_hazy(seed: int) -> None:
    phantom = small("covid", seed)
    assert {t.side for t in phantom.truth} == {"left", "right"}
    assert {t.kind for t in phantom.truth} >= {"ggo", "crazy_paving", "consolidation"}
    hazy = densities(phantom, "ggo")
    assert -720 < np.median(hazy) < -420
    assert np.median(densities(phantom, "crazy_paving")) > np.median(hazy) - 60
    solid = phantom.volume.hu[phantom.mask_of("consolidation")]
    assert np.median(solid) > -150
    spacing = phantom.volume.geometry.spacing
    lungs = ndimage.binary_fill_holes(phantom.lungs)
    depth = ndimage.distance_transform_edt(lungs, sampling=spacing)
    assert np.median(depth[phantom.lesions > 0]) < 0.8 * np.median(depth[phantom.lungs])


def test_pneumonia_is_one_solid_lobe_with_air_in_its_bronchi() -> None:
    phantom = small("pneumonia", 1, num_slices=40, matrix=128)
    assert len({t.side for t in phantom.truth}) == 1
    lobes = phantom.lobes[phantom.lesions > 0]
    assert len(np.unique(lobes)) == 1
    solid = densities(phantom, "consolidation")
    assert -20 < np.median(solid) < 80
    assert 0.0005 < (solid < -200).mean() < 0.2


def test_crazy_paving_is_ground_glass_with_a_web() -> None:
    lesions = tuple(
        LesionSpec(kind=kind, side=side, zone="lower", ml=90.0)
        for kind, side in (("ggo", "left"), ("crazy_paving", "right"))
    )
    spec = ChestSpec(
        seed=4,
        num_slices=20,
        matrix=(208, 208),
        spacing_mm=(6.0, 1.4, 1.4),
        lesions=lesions,
        noise_hu=0.0,
    )
    phantom = make_phantom(spec)
    plain, paved = densities(phantom, "ggo"), densities(phantom, "crazy_paving")
    assert np.quantile(paved, 0.9) > np.quantile(plain, 0.9) + 60


def test_a_web_is_thin_closed_and_covers_some_of_the_place() -> None:
    y, x = np.mgrid[0:60:0.5, 0:60:0.5]
    places = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1).astype(np.float32)
    web = polygon_web(places, np.random.default_rng(0)).reshape(x.shape)
    assert 0.08 < web.mean() < 0.45
    _, cells = ndimage.label(web < 0.2)
    assert cells > 30


def test_nothing_shows_a_lesion_that_was_not_asked_for() -> None:
    phantom = small("normal")
    assert not phantom.lesions.any()
    assert phantom.truth == ()
    sick = small("covid")
    inside = ndimage.binary_erosion(sick.lesions > 0)
    assert sick.volume.hu[inside].mean() > phantom.volume.hu[phantom.lungs].mean() + 150


def test_a_lesion_larger_than_the_lung_is_refused() -> None:
    lesion = LesionSpec(kind="ggo", side="left", ml=9000.0)
    with pytest.raises(UsageError, match="9000 ml") as caught:
        make_phantom(ChestSpec.covering(seed=1, num_slices=8, matrix=32, lesions=(lesion,)))
    assert caught.value.hint


def test_a_lesion_smaller_than_a_voxel_is_refused() -> None:
    lesion = LesionSpec(kind="ggo", side="left", ml=0.1)
    with pytest.raises(UsageError, match="less than half a voxel"):
        make_phantom(ChestSpec.covering(seed=1, num_slices=8, matrix=32, lesions=(lesion,)))


def test_a_grid_without_lungs_takes_no_lesion() -> None:
    lesion = LesionSpec(kind="ggo", side="left", ml=1.0)
    spec = ChestSpec(num_slices=2, matrix=(16, 16), spacing_mm=(1.0, 1.0, 1.0), lesions=(lesion,))
    with pytest.raises(UsageError, match="left lung"):
        make_phantom(spec)


def test_lesions_lie_at_the_height_that_was_asked() -> None:
    heights = []
    for zone in ("upper", "middle", "lower"):
        lesion = LesionSpec(kind="ggo", side="right", zone=zone, ml=30.0)
        spec = ChestSpec.covering(seed=6, num_slices=32, matrix=64, lesions=(lesion,))
        heights.append(make_phantom(spec).truth[0].centre_mm[2] - TABLE_MM)
    assert heights[0] > heights[1] > heights[2]
