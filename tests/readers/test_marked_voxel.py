"""The door's first law: the brightest voxel keeps its millimetres, whatever the file's axes."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.readers.make import (
    MARK,
    Affine,
    Volume,
    marked,
    multiframe,
    nib,
    place,
    save,
    series,
    upright,
)

from ctsieve.readers import read_study
from ctsieve.types.volume import CTVolume

FIXTURES = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
AT = (2, 7, 4)
RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def brightest(volume: object) -> tuple[float, float, float]:
    assert isinstance(volume, CTVolume)
    assert volume.geometry.is_canonical
    assert int(volume.hu.max()) == MARK
    index = np.unravel_index(int(volume.hu.argmax()), volume.hu.shape)
    x, y, z = volume.geometry.to_world([int(i) for i in index])[0]
    return float(x), float(y), float(z)


def turned(affine: Affine, *, signs: tuple[int, int, int], degrees: tuple[float, float]) -> Affine:
    """The patient lies otherwise in the scanner: axes reversed, then turned about x and z."""
    a, b = np.radians(degrees)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(a), -np.sin(a)], [0.0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0.0], [np.sin(b), np.cos(b), 0.0], [0.0, 0.0, 1.0]])
    result = affine.copy()
    result[:3, :3] = about_z @ about_x @ affine[:3, :3] * np.array(signs)
    return result


@FIXTURES
@given(
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    degrees=st.tuples(st.floats(-40.0, 40.0), st.floats(-40.0, 40.0)),
    spacing=st.tuples(st.floats(0.5, 7.0), st.floats(0.3, 2.0), st.floats(0.3, 2.0)),
    at=st.tuples(st.integers(0, 8), st.integers(0, 11), st.integers(0, 13)),
)
def test_dicom_in_any_position(
    tmp_path_factory: pytest.TempPathFactory,
    signs: tuple[int, int, int],
    degrees: tuple[float, float],
    spacing: tuple[float, float, float],
    at: tuple[int, int, int],
) -> None:
    affine = turned(upright(spacing), signs=signs, degrees=degrees)
    folder = save(series(marked(at=at), affine), tmp_path_factory.mktemp("scan"))
    assert brightest(read_study(folder)) == pytest.approx(place(affine, at), abs=0.01)


@pytest.mark.parametrize(
    ("position", "signs"), [("HFS", (1, 1, 1)), ("FFS", (-1, 1, -1)), ("HFP", (1, -1, -1))]
)
def test_patient_position_is_never_applied_twice(
    position: str, signs: tuple[int, int, int], tmp_path: Path
) -> None:
    affine = turned(upright(), signs=signs, degrees=(0.0, 0.0))
    folder = save(series(marked(), affine, PatientPosition=position), tmp_path)
    assert brightest(read_study(folder)) == pytest.approx(place(affine, AT), abs=0.01)


def test_a_gantry_tilt_stays_sheared_and_nothing_is_resampled(tmp_path: Path) -> None:
    affine = upright()
    affine[:3, 0] = [0.0, 0.8, -2.0]
    volume = read_study(save(series(marked(), affine), tmp_path))
    assert brightest(volume) == pytest.approx(place(affine, AT), abs=0.01)
    expected = np.degrees(np.arctan(0.8 / 2.0))
    assert volume.provenance.acquisition.tilt_degrees == pytest.approx(expected, abs=0.1)
    assert all(source is not None for source in volume.provenance.slices)
    assert any("gantry tilt" in step for step in volume.provenance.steps)


def test_a_tilt_only_the_header_names_is_said_and_not_applied(tmp_path: Path) -> None:
    volume = read_study(save(series(marked(), upright(), GantryDetectorTilt="-22"), tmp_path))
    assert brightest(volume) == pytest.approx(place(upright(), AT), abs=0.01)
    assert volume.provenance.acquisition.tilt_degrees == 0.0
    assert any("positions show none" in step for step in volume.provenance.steps)


@pytest.mark.parametrize("order", [range(9), range(8, -1, -1), [3, 1, 0, 2, 8, 5, 7, 6, 4]])
def test_multiframe_in_any_order(order: list[int], tmp_path: Path) -> None:
    path = tmp_path / "enhanced.dcm"
    multiframe(marked(), upright(), order=order).save_as(path, enforce_file_format=True)
    volume = read_study(path)
    assert brightest(volume) == pytest.approx(place(upright(), AT), abs=0.01)
    frames = [source.frame for source in volume.provenance.slices if source]
    assert [list(order)[frame] for frame in frames] == list(range(9))


def test_sagittal_files_become_axial_slices(tmp_path: Path) -> None:
    sagittal = upright()[:, [2, 1, 0, 3]] * np.array([1.0, 1.0, 1.0, 1.0])
    volume = read_study(save(series(marked(), sagittal), tmp_path))
    assert brightest(volume) == pytest.approx(place(sagittal, AT), abs=0.01)
    assert volume.provenance.slices == (None,) * volume.geometry.shape[0]


@FIXTURES
@given(
    axes=st.sampled_from(list(permutations(range(3)))),
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    at=st.tuples(st.integers(0, 8), st.integers(0, 11), st.integers(0, 13)),
    zipped=st.booleans(),
)
def test_nifti_with_permuted_and_flipped_axes(
    tmp_path_factory: pytest.TempPathFactory,
    axes: tuple[int, int, int],
    signs: tuple[int, int, int],
    at: tuple[int, int, int],
    zipped: bool,
) -> None:
    affine = upright()
    permuted: Volume = marked(at=at).transpose(axes)
    lps = affine[:, [*axes, 3]]
    for axis, sign in enumerate(signs):
        if sign < 0:
            permuted = np.flip(permuted, axis)
            lps[:3, 3] += lps[:3, axis] * (permuted.shape[axis] - 1)
            lps[:3, axis] *= -1
    path = tmp_path_factory.mktemp("nifti") / ("scan.nii.gz" if zipped else "scan.nii")
    nib.save(nib.Nifti1Image(permuted, RAS @ lps), path)
    assert brightest(read_study(path)) == pytest.approx(place(affine, at), abs=0.01)
