"""Whatever the habit, pydicom alone finds the marked place at its millimetres, in its HU."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from tests.phantoms.small import small

from ctsieve.phantoms.dicom import HABITS, PLANTED, save_dicom
from ctsieve.phantoms.dicom.tags import BIRTH_DATE, outside_field_of_view
from ctsieve.types.errors import UnknownName
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Provenance
from ctsieve.types.volume import CTVolume

MARK_HU = 1900
INTERPOLATED = ("tilt", "irregular")
"""Habits that sample the volume anew: the mark's centre stays, its peak does not."""

EXACT = tuple(name for name in HABITS if name not in INTERPOLATED)


@dataclass(frozen=True)
class Image:
    """One CT image as pydicom reads it, with the place of every pixel."""

    hu: npt.NDArray[np.float64]
    places: npt.NDArray[np.float64]
    """(rows, columns, 3) LPS millimetres."""
    header: Dataset


def images_of(files: list[Path]) -> Iterator[Image]:
    """All axial images of a study, frame by frame, by the formulas of PS3.3 C.7.6.2.1.1."""
    for file in files:
        ds = pydicom.dcmread(file, force=True)
        if "LOCALIZER" in ds.ImageType or "DERIVED" in ds.ImageType:
            continue
        pixels = ds.pixel_array.astype(np.float64)
        if "NumberOfFrames" in ds:
            shared = ds.SharedFunctionalGroupsSequence[0]
            value = shared.PixelValueTransformationSequence[0]
            measures = shared.PixelMeasuresSequence[0]
            axes = shared.PlaneOrientationSequence[0].ImageOrientationPatient
            corners = [
                frame.PlanePositionSequence[0].ImagePositionPatient
                for frame in ds.PerFrameFunctionalGroupsSequence
            ]
        else:
            value, measures, axes = ds, ds, ds.ImageOrientationPatient
            corners, pixels = [ds.ImagePositionPatient], pixels[None]
        hu = pixels * float(value.RescaleSlope) + float(value.RescaleIntercept)
        if "PixelPaddingValue" in ds:
            hu[pixels == ds.PixelPaddingValue] = -1000.0
        for values, corner in zip(hu, corners, strict=True):
            yield Image(values, places_of(values.shape, corner, axes, measures.PixelSpacing), ds)


def places_of(
    shape: tuple[int, ...], corner: list[float], axes: list[float], spacing: list[float]
) -> npt.NDArray[np.float64]:
    """Equation C.7.6.2.1-1: columns run along the first three cosines, rows along the last."""
    across, down = np.array(axes[:3], float), np.array(axes[3:], float)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    step_down, step_across = float(spacing[0]), float(spacing[1])
    return np.asarray(
        np.array(corner, float)
        + columns[..., None] * step_across * across
        + rows[..., None] * step_down * down
    )


def marked(place: tuple[int, int, int], *, width: float = 0.0) -> CTVolume:
    """Air with one bright voxel, or with a smooth blob of `width` voxels, off all symmetries."""
    shape = (12, 33, 38)
    index = np.indices(shape).reshape(3, -1).T
    away = np.linalg.norm(index - np.array(place), axis=1)
    share = np.exp(-((away / width) ** 2)) if width else (away == 0).astype(float)
    hu = np.rint(-1000 + share * (MARK_HU + 1000)).astype(np.int16).reshape(shape)
    grid = Geometry.from_spacing(
        shape, spacing=(3.0, 1.5, 1.25), frame="1.2.3", origin=(-20.5, -31.0, 407.5)
    )
    provenance = Provenance(
        reader="test", reader_version="0", digest=str(place), slices=(None,) * shape[0]
    )
    return CTVolume(hu=hu, geometry=grid, provenance=provenance)


INSIDE = st.tuples(st.integers(2, 9), st.integers(10, 22), st.integers(11, 26))


@pytest.mark.parametrize("habit", EXACT)
@settings(
    deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=INSIDE.filter(lambda p: p[0] != 6))
def test_the_marked_voxel_keeps_place_and_hu(
    habit: str, place: tuple[int, int, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    volume = marked(place)
    files = save_dicom(volume, tmp_path_factory.mktemp("study"), habit=habit)
    brightest = max(images_of(files), key=lambda image: float(image.hu.max()))
    assert brightest.hu.max() == MARK_HU
    where = np.unravel_index(int(brightest.hu.argmax()), brightest.hu.shape)
    expected = volume.geometry.to_world(place)[0]
    assert brightest.places[where] == pytest.approx(expected, abs=1e-4)
    assert (brightest.hu == MARK_HU).sum() == 1


@pytest.mark.parametrize("habit", INTERPOLATED)
@settings(
    deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.tuples(st.integers(4, 7), st.integers(11, 21), st.integers(9, 28)))
def test_resampled_slices_keep_the_centre_of_a_blob(
    habit: str, place: tuple[int, int, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    volume = marked(place, width=1.8)
    files = save_dicom(volume, tmp_path_factory.mktemp("study"), habit=habit)
    images = sorted(images_of(files), key=lambda image: float(image.places[0, 0, 2]))
    heights = np.array([float(image.places[0, 0, 2]) for image in images])
    share = np.gradient(heights)[:, None, None]
    weight = np.stack([image.hu + 1000.0 for image in images]) * share
    places = np.stack([image.places for image in images])
    centre = (weight[..., None] * places).sum(axis=(0, 1, 2)) / weight.sum()
    expected = volume.geometry.to_world(place)[0]
    assert centre == pytest.approx(expected, abs=0.25)
    if habit == "tilt":
        assert centre == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("habit", sorted(HABITS))
def test_every_habit_shows_the_phantom_it_was_given(habit: str, tmp_path: Path) -> None:
    """All HU, pixel by pixel, wherever the habit puts them; lost and padded pixels excepted."""
    volume = small("covid", num_slices=10, matrix=48).volume
    images = list(images_of(save_dicom(volume, tmp_path, habit=habit)))
    seen = np.stack([image.hu for image in images])
    places = np.stack([image.places for image in images])
    index = volume.geometry.to_index(places.reshape(-1, 3))
    if habit in INTERPOLATED:
        inside = ((index >= 0) & (index <= np.array(volume.hu.shape) - 1)).all(axis=1)
        assert inside.mean() > 0.7
        assert seen.mean() == pytest.approx(volume.hu.mean(), abs=60)
        return
    nearest = np.rint(index).astype(int)
    assert np.abs(index - nearest).max() < 1e-3
    expected = volume.hu[tuple(nearest.T)].reshape(seen.shape).astype(float)
    if HABITS[habit].encoding.padding is not None:
        outside = outside_field_of_view(seen.shape[1:])
        assert 0.1 < outside.mean() < 0.3
        expected[:, outside] = -1000.0
    np.testing.assert_array_equal(seen, expected)
    assert len(np.unique(nearest[:, 0])) == len(volume.hu) - (habit == "missing")


@pytest.mark.parametrize("habit", sorted(HABITS))
def test_the_same_volume_writes_the_same_bytes(habit: str, tmp_path: Path) -> None:
    volume = small("normal", num_slices=4, matrix=32).volume
    first = save_dicom(volume, tmp_path / "one", habit=habit)
    second = save_dicom(volume, tmp_path / "two", habit=habit)
    assert [f.name for f in first] == [f.name for f in second]
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]


def headers(habit: str, folder: Path) -> list[Dataset]:
    volume = small("normal", num_slices=6, matrix=32).volume
    files = sorted(save_dicom(volume, folder, habit=habit))
    return [pydicom.dcmread(f, stop_before_pixels=True, force=True) for f in files]


def test_every_header_holds_the_planted_strings(tmp_path: Path) -> None:
    assert {ds.PatientBirthDate for ds in headers("plain", tmp_path)} == {BIRTH_DATE}
    for path in tmp_path.iterdir():
        held = path.read_bytes()
        assert [planted for planted in PLANTED if planted.encode() not in held] == []


def test_identifiers_are_unique_and_of_one_study(tmp_path: Path) -> None:
    found = headers("companions", tmp_path)
    assert len({ds.SOPInstanceUID for ds in found}) == len(found)
    assert len({ds.StudyInstanceUID for ds in found}) == 1
    series = [ds.SeriesInstanceUID for ds in found]
    assert sorted(series.count(uid) for uid in set(series)) == [1, 6, 18]
    assert len({ds.FrameOfReferenceUID for ds in found}) == 1
    assert all(ds.SOPInstanceUID.is_valid for ds in found)


def test_traps_are_set_as_their_names_say(tmp_path: Path) -> None:
    found = {name: headers(name, tmp_path / name) for name in HABITS}
    assert found["feet-first"][0].PatientPosition == "FFS"
    assert found["feet-first"][0].ImageOrientationPatient == [-1, 0, 0, 0, 1, 0]
    assert found["prone"][0].PatientPosition == "HFP"
    assert found["prone"][0].ImageOrientationPatient == [-1, 0, 0, 0, -1, 0]
    assert found["tilt"][0].ImageOrientationPatient[5] == pytest.approx(-np.sin(np.deg2rad(12)))
    assert found["unsigned"][0].PixelRepresentation == 0
    assert found["monochrome1"][0].PhotometricInterpretation == "MONOCHROME1"
    assert len(found["missing"]) == 5
    assert len(found["duplicate"]) == 7
    assert len({ds.SOPInstanceUID for ds in found["duplicate"]}) == 6
    assert all(ds.SOPInstanceUID == "" for ds in found["empty-uids"])
    assert len(found["multi-frame"]) == 1
    assert found["multi-frame"][0].NumberOfFrames == 6
    steps = np.diff(sorted(float(ds.ImagePositionPatient[2]) for ds in found["irregular"]))
    assert np.ptp(steps) > 0.1 * steps.mean()
    for name in ("rle", "jpeg-ls", "j2k", "deflated", "big-endian", "implicit"):
        assert found[name][0].file_meta.TransferSyntaxUID == HABITS[name].syntax


@pytest.mark.parametrize(("habit", "rises"), [("plain", False), ("reversed", True)])
def test_instance_numbers_run_as_the_habit_says(habit: str, rises: bool, tmp_path: Path) -> None:
    by_number = sorted(headers(habit, tmp_path), key=lambda ds: int(ds.InstanceNumber))
    heights = np.diff([float(ds.ImagePositionPatient[2]) for ds in by_number])
    assert (heights > 0).all() == rises
    assert (heights < 0).all() != rises


def test_shuffled_files_and_numbers_say_nothing_of_the_order(tmp_path: Path) -> None:
    found = headers("shuffled", tmp_path)
    heights = [float(ds.ImagePositionPatient[2]) for ds in found]
    assert heights != sorted(heights)
    assert heights != sorted(heights, reverse=True)
    by_number = sorted(found, key=lambda ds: int(ds.InstanceNumber))
    steps = np.diff([float(ds.ImagePositionPatient[2]) for ds in by_number])
    assert (steps > 0).any()
    assert (steps < 0).any()
    assert all(not path.suffix for path in tmp_path.iterdir())


def test_contrast_is_named_where_there_is_some(tmp_path: Path) -> None:
    assert all("ContrastBolusAgent" not in ds for ds in headers("plain", tmp_path))


def test_an_unknown_habit_is_refused_with_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="'sloppy'") as caught:
        save_dicom(marked((4, 9, 9)), tmp_path, habit="sloppy")
    assert "feet-first" in caught.value.hint
