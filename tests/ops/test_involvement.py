"""Involvement grows with disease, and with disease only."""

from pathlib import Path

import numpy as np
import pytest
from tests.ops.chest import Chest, make_chest, volume_of, with_opacity

from ctsieve.ops.involvement import involvement
from ctsieve.ops.lungs import segment_lungs
from ctsieve.readers import read_study
from ctsieve.types.results import Involvement
from ctsieve.types.volume import CTVolume


def _judged(chest: Chest) -> Involvement:
    return involvement(chest.volume(), chest.lungs)


def test_healthy_lungs_with_vessels_measure_next_to_nothing() -> None:
    chest = make_chest()
    healthy = _judged(chest)
    assert healthy.percent < 0.5
    assert healthy.lung_ml == pytest.approx(chest.lungs.sum() * 4.0 * 2.0 * 2.0 / 1000)


@pytest.mark.parametrize("hu", [-550, -200, 40])
@pytest.mark.parametrize("mm", [18.0, 30.0, 42.0])
def test_an_opacity_is_measured_as_large_as_it_is(mm: float, hu: int) -> None:
    chest = make_chest()
    sick = with_opacity(chest, centre=(0.0, -5.0, 72.0), mm=mm, hu=hu)
    true_ml = ((sick.hu == hu) & chest.lungs).sum() * chest.volume().geometry.voxel_ml
    assert _judged(sick).dense_ml == pytest.approx(true_ml, rel=0.2)


@pytest.mark.parametrize("spacing", [(1.5, 1.0, 1.0), (10.0, 2.0, 2.0), (4.0, 4.0, 2.0)])
def test_the_grid_matters_little(spacing: tuple[float, float, float]) -> None:
    chest = make_chest(spacing)
    sick = with_opacity(chest, centre=(0.0, -5.0, 72.0), mm=40.0, hu=-500)
    reference = with_opacity(make_chest(), centre=(0.0, -5.0, 72.0), mm=40.0, hu=-500)
    assert _judged(sick).percent == pytest.approx(_judged(reference).percent, rel=0.25)


def test_no_lungs_are_not_involved() -> None:
    chest = make_chest()
    none = involvement(chest.volume(), np.zeros_like(chest.lungs))
    assert (none.percent, none.lung_ml, none.dense_ml) == (0.0, 0.0, 0.0)


def test_one_slice_can_be_judged() -> None:
    sick = with_opacity(make_chest(), centre=(2.0, -5.0, 72.0), mm=40.0, hu=-500)
    one = involvement(volume_of(sick.hu[30:31], sick.spacing), sick.lungs[30:31])
    assert 5.0 < one.percent < 50.0


def test_the_sick_are_more_involved_than_the_well(data: Path) -> None:
    percent = {}
    for name in ("P001", "cap001", "normal001"):
        volume = read_study(data / "covid_ct_md" / name)
        assert isinstance(volume, CTVolume)
        percent[name] = involvement(volume, segment_lungs(volume)).percent
    assert percent["normal001"] < 1.5
    assert percent["P001"] > 2 * percent["normal001"]
    assert percent["cap001"] > 2 * percent["normal001"]
