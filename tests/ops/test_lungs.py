"""Lungs in volumes: found where they are, on any grid, and nowhere else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.ops.chest import (
    Chest,
    Mask,
    dice,
    make_abdomen,
    make_chest,
    make_cylinder,
    make_head,
    volume_of,
    with_opacity,
)

from ctsieve.ops.lungs import edge_contact, lung_box, lung_slices, sections, segment_lungs
from ctsieve.ops.morphology import dilate, fill_slices, opened
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.presets import preset
from ctsieve.readers import read_study
from ctsieve.types.geometry import Geometry
from ctsieve.types.volume import CTVolume


@pytest.fixture(scope="module")
def chest() -> Chest:
    return make_chest()


@settings(max_examples=6, deadline=None)
@given(st.sampled_from([2.5, 5.0, 10.0]), st.sampled_from([1.2, 1.7, 2.6]), st.integers(0, 9))
def test_lungs_are_found_on_any_grid(thick: float, pixel: float, seed: int) -> None:
    chest = make_chest((thick, pixel, pixel), seed=seed)
    assert dice(segment_lungs(chest.volume()), chest.lungs) > 0.95


@pytest.mark.parametrize("number", [15, 30, 42])
def test_one_slice_is_enough(chest: Chest, number: int) -> None:
    one = volume_of(chest.hu[number : number + 1], chest.spacing)
    assert dice(segment_lungs(one), chest.lungs[number : number + 1]) > 0.95


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (slice(None), slice(45, 150)),
        (slice(50, 110), slice(None)),
        (slice(48, 100), slice(45, 150)),
    ],
)
def test_lungs_cut_by_the_field_of_view_are_lungs(
    chest: Chest, rows: slice, columns: slice
) -> None:
    cut = chest.cut(rows=rows, columns=columns)
    assert dice(segment_lungs(cut.volume()), cut.lungs) > 0.95


@pytest.mark.parametrize("num_pixels", [3, 4, 6])
def test_a_thin_place_in_the_chest_wall_loses_no_lung(num_pixels: int) -> None:
    chest = make_chest((5.0, 1.5, 1.5))
    wall = chest.lungs.copy()
    for _ in range(num_pixels):
        wall = dilate(wall)
    middle = chest.hu.shape[2] // 2
    thin = chest.hu.copy()
    for place in (np.s_[:, 86:106, : middle - 60], np.s_[:, 86:106, middle + 60 :]):
        thin[place] = np.where(wall[place], thin[place], -1000)
    found = segment_lungs(volume_of(thin, chest.spacing))
    shown = sections(chest.lungs) > 5000
    overlaps = [dice(a, b) for a, b in zip(found[shown], chest.lungs[shown], strict=True)]
    assert min(overlaps) > 0.9


def test_padding_around_the_scan_circle_changes_nothing_inside(chest: Chest) -> None:
    _, num_rows, num_columns = chest.hu.shape
    row, column = np.ogrid[:num_rows, :num_columns]
    circle = (row - num_rows / 2) ** 2 + (column - num_columns / 2) ** 2 < (num_columns / 2.3) ** 2
    padded = np.where(circle, chest.hu, -1000).astype(np.int16)
    found = segment_lungs(volume_of(padded, chest.spacing))
    assert dice(found, chest.lungs & circle) > 0.95


def test_the_table_makes_no_difference(chest: Chest) -> None:
    bare = make_chest(table=False)
    assert dice(segment_lungs(chest.volume()), segment_lungs(bare.volume())) > 0.99


def test_the_lungs_of_a_sheared_grid_are_found(chest: Chest) -> None:
    straight = chest.volume()
    affine = straight.geometry.affine.copy()
    affine[1, 0] = 1.2
    tilted = CTVolume(
        hu=chest.hu,
        geometry=Geometry(straight.geometry.shape, affine, "1.2.3"),
        provenance=straight.provenance,
    )
    assert dice(segment_lungs(tilted), chest.lungs) > 0.95


def test_a_mirrored_chest_has_mirrored_lungs(chest: Chest) -> None:
    mirrored = np.ascontiguousarray(chest.hu[:, :, ::-1])
    found = segment_lungs(volume_of(mirrored, chest.spacing))
    assert dice(found[:, :, ::-1], segment_lungs(chest.volume())) > 0.98


@pytest.mark.parametrize("hu", [-300, 20, 60])
@pytest.mark.parametrize("centre", [(0.0, 45.0, 75.0), (0.0, 0.0, -125.0), (0.0, -5.0, 40.0)])
def test_an_opacity_stays_inside_the_lungs_even_at_the_pleura(
    chest: Chest, centre: tuple[float, float, float], hu: int
) -> None:
    sick = with_opacity(chest, centre=centre, mm=16.0, hu=hu)
    opacity = (sick.hu != chest.hu) & chest.lungs
    found = segment_lungs(sick.volume())
    assert (found & opacity).sum() > 0.9 * opacity.sum()
    assert dice(found, chest.lungs) > 0.95


def test_the_trachea_above_the_lungs_is_left_out(chest: Chest) -> None:
    found = segment_lungs(chest.volume())
    trachea = (chest.hu < -940) & ~chest.lungs
    trachea[:, :, : chest.hu.shape[2] // 2 - 6] = False
    trachea[:, :, chest.hu.shape[2] // 2 + 6 :] = False
    trachea[:, : chest.hu.shape[1] // 2 - 10] = False
    trachea[:, chest.hu.shape[1] // 2 + 10 :] = False
    assert trachea.sum() > 500
    assert (found & trachea).sum() < 0.05 * trachea.sum()


def test_air_between_arm_and_chest_is_no_lung(chest: Chest) -> None:
    hu = chest.hu.copy()
    middle = hu.shape[1] // 2
    hu[:, middle - 25 : middle + 25, 3:9] = 40
    hu[:, middle - 29 : middle - 25, 3:40] = 40
    hu[:, middle + 25 : middle + 29, 3:40] = 40
    assert dice(segment_lungs(volume_of(hu, chest.spacing)), chest.lungs) > 0.95


@pytest.mark.parametrize("make", [make_abdomen, make_head, make_cylinder])
@pytest.mark.parametrize("number", [None, 30])
def test_where_there_are_no_lungs_none_are_found(
    make: Callable[[], Chest], number: int | None
) -> None:
    other = make()
    hu = other.hu if number is None else other.hu[number : number + 1]
    assert not segment_lungs(volume_of(hu, other.spacing)).any()


@pytest.mark.parametrize("value", [-1000, -850, 40])
@pytest.mark.parametrize("shape", [(1, 16, 16), (5, 64, 64), (1, 3, 200)])
def test_a_volume_of_one_value_has_no_lungs(value: int, shape: tuple[int, int, int]) -> None:
    assert not segment_lungs(volume_of(np.full(shape, value, np.int16), (1.0, 1.0, 1.0))).any()


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(
        np.int16,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=24),
        elements=st.integers(-2000, 3000),
    ),
    st.tuples(st.floats(0.3, 10.0), st.floats(0.3, 10.0), st.floats(0.3, 10.0)),
)
def test_any_volume_gets_a_mask_of_its_shape(
    hu: np.ndarray[tuple[int, int, int], np.dtype[np.int16]],
    spacing: tuple[float, float, float],
) -> None:
    assert segment_lungs(volume_of(hu, spacing)).shape == hu.shape


@pytest.mark.parametrize("kind", ["normal", "covid", "pneumonia"])
def test_the_lungs_of_the_phantoms_are_found(kind: str) -> None:
    phantom = make_phantom(preset(kind, seed=5, num_slices=16, matrix=112))
    assert dice(segment_lungs(phantom.volume), phantom.lungs) > 0.93


def test_the_domes_of_the_diaphragm_are_no_lung() -> None:
    phantom = make_phantom(preset("covid", seed=1, num_slices=48, matrix=192))
    islands = opened(opened(fill_slices(phantom.lungs) & ~phantom.lungs))
    # An island of several square centimetres on ever more of the same: nothing else looks so.
    domes = islands[:-1] & ~phantom.lungs[1:] & (phantom.volume.hu[:-1] > 0)
    wide = sections(domes) * phantom.volume.geometry.voxel_ml > 2.0
    assert wide.any()
    found = segment_lungs(phantom.volume)[:-1]
    assert (found & domes)[wide].sum() < 0.15 * domes[wide].sum()


def test_a_large_opacity_with_lung_below_it_is_no_dome(chest: Chest) -> None:
    sick = with_opacity(chest, centre=(0.0, 0.0, 72.0), mm=30.0, hu=30)
    opacity = (sick.hu != chest.hu) & chest.lungs
    assert (segment_lungs(sick.volume()) & opacity).sum() > 0.95 * opacity.sum()


def test_slices_with_little_lung_are_not_judged(chest: Chest) -> None:
    keep = lung_slices(chest.lungs)
    areas = sections(chest.lungs)
    assert keep.any()
    assert not keep[areas == 0].any()
    assert areas[keep].min() >= 0.2 * areas.max()
    assert (areas[~keep] < 0.2 * areas.max()).all()


def test_no_slice_of_no_lungs_is_judged() -> None:
    assert not lung_slices(np.zeros((4, 8, 8), np.bool_)).any()


@given(
    hnp.arrays(
        np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, max_side=8), elements=st.booleans()
    )
)
def test_the_box_holds_all_lungs_and_is_tight(lungs: Mask) -> None:
    top, left, bottom, right = lung_box(lungs)
    assert lungs[:, top:bottom, left:right].sum() == lungs.sum()
    if lungs.any():
        flat = np.asarray(lungs.any(axis=0))
        assert flat[top].any()
        assert flat[bottom - 1].any()
        assert flat[:, left].any()
        assert flat[:, right - 1].any()
    else:
        assert (top, left, bottom, right) == (0, 0, lungs.shape[1], lungs.shape[2])


def test_contact_is_measured_in_millimetres_on_the_worst_slice() -> None:
    lungs = np.zeros((2, 10, 10), np.bool_)
    lungs[0, 0, :3] = True
    lungs[1, 4:9, 0] = True
    assert edge_contact(lungs, (2.0, 0.5)) == 10.0
    assert edge_contact(np.zeros((1, 4, 4), np.bool_), (1.0, 1.0)) == 0.0


@pytest.mark.parametrize(
    ("name", "least_ml", "most_ml"), [("P001", 5900, 6700), ("normal001", 3300, 3800)]
)
def test_real_lungs_have_their_litres(
    data: Path, name: str, least_ml: float, most_ml: float
) -> None:
    volume = read_study(data / "covid_ct_md" / name)
    assert isinstance(volume, CTVolume)
    assert least_ml < segment_lungs(volume).sum() * volume.geometry.voxel_ml < most_ml
