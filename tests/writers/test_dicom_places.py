"""A marked voxel keeps its millimetres through SEG and PM, pixel for pixel over its own image."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from tests.laws.test_every_door import ball
from tests.writers.dicom_results import frames_in_space, in_memory, marked, through_dicom
from tests.writers.test_nifti import (
    SHAPE,
    Voxel,
    angles,
    oblique,
    origins,
    shears,
    spacings,
    voxels,
)

from ctsieve.phantoms.dicom import HABITS
from ctsieve.types.geometry import Geometry
from ctsieve.types.study import Cosines
from ctsieve.types.volume import CTVolume
from ctsieve.writers import dicom_pm, dicom_seg, dicom_seg_fractional

WRITTEN = (dicom_seg, dicom_seg_fractional, dicom_pm)
READABLE = sorted(set(HABITS) - {"empty-uids"})
"""A study without UIDs takes no results: tests/writers/test_dicom_objects.py."""

grids = st.builds(oblique, angles, spacings, origins, shears)
turns = st.tuples(st.booleans(), st.booleans(), st.booleans())
"""Whether the images' rows and columns are exchanged, and run backwards."""


def turned(volume_axes: npt.NDArray[np.float64], turn: tuple[bool, bool, bool]) -> Cosines:
    """Directions of images whose rows and columns lie like the canonical ones, but for `turn`."""
    swap, rows_back, columns_back = turn
    directions = volume_axes / np.linalg.norm(volume_axes, axis=0)
    down, across = (directions[:, 2], directions[:, 1]) if swap else directions[:, 1:].T
    down, across = (-down if rows_back else down), (-across if columns_back else across)
    (a, b, c), (d, e, f) = (float(v) for v in across), (float(v) for v in down)
    return (a, b, c), (d, e, f)


@settings(deadline=None, max_examples=25)
@given(grids, voxels, turns)
def test_the_marked_voxel_keeps_its_millimetres(
    tmp_path_factory: pytest.TempPathFactory,
    geometry: Geometry,
    voxel: Voxel,
    turn: tuple[bool, bool, bool],
) -> None:
    volume = in_memory(geometry, turned(geometry.affine[:3, :3], turn))
    lungs = np.zeros(SHAPE, np.bool_)
    lungs[voxel] = True
    folder = tmp_path_factory.mktemp("dicom")
    for module in WRITTEN:
        (path,) = module.write(marked(volume, lungs), folder)
        warm = [frame for frame in frames_in_space(path) if frame.values.any()]
        assert {frame.source for frame in warm} == {f"1.2.3.{voxel[0] + 1}"}
        for frame in warm:
            assert frame.places() == pytest.approx(geometry.to_world(voxel), abs=1e-3)


def off_centre() -> tuple[CTVolume, npt.NDArray[np.bool_]]:
    """The ball, cut out of its volume so that neither lies in the middle."""
    whole = ball()
    start, stop = (2, 9, 5), (21, 47, 38)
    cut = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    shape = whole.hu[cut].shape
    geometry = whole.geometry.window_of(start, stop, (shape[0], shape[1], shape[2]))
    volume = CTVolume(
        hu=np.ascontiguousarray(whole.hu[cut]), geometry=geometry, provenance=whole.provenance
    )
    return volume, volume.hu > -900


@pytest.mark.parametrize("habit", READABLE)
def test_every_voxel_lies_over_its_own_image(habit: str, tmp_path: Path) -> None:
    """Each frame has the place, direction and pixel size of the file it says it was made from."""
    study = tmp_path / "study"
    volume = through_dicom(off_centre()[0], study, habit=habit)
    lungs = volume.hu > -900
    expected = volume.geometry.to_world(np.argwhere(lungs))
    images = {str(ds.SOPInstanceUID): ds for ds in map(pydicom.dcmread, study.iterdir())}
    for module in (dicom_seg, dicom_pm):
        (path,) = module.write(marked(volume, lungs), tmp_path)
        frames = [frame for frame in frames_in_space(path) if frame.segment in (None, 1)]
        places = np.concatenate([frame.places() for frame in frames])
        assert_same_places(places, expected)
        for frame in frames:
            if frame.source is not None and habit not in ("multi-frame", "irregular"):
                assert frame.affine == pytest.approx(affine_of(images[frame.source]), abs=1e-3)
                assert frame.values.shape == images[frame.source].pixel_array.shape
        num_named = sum(frame.source is not None for frame in frames)
        num_made = sum(source is None for source in volume.provenance.slices)
        assert num_named >= len(frames) - num_made
        assert num_made == 0 or habit in ("irregular", "missing")


def test_frames_of_a_multi_frame_study_are_named(tmp_path: Path) -> None:
    volume = through_dicom(off_centre()[0], tmp_path / "study", habit="multi-frame")
    (path,) = dicom_seg.write(marked(volume, volume.hu > -900), tmp_path)
    (source,) = map(pydicom.dcmread, (tmp_path / "study").iterdir())
    for frame in frames_in_space(path):
        assert frame.source == source.SOPInstanceUID
        assert frame.source_frame is not None
        group = source.PerFrameFunctionalGroupsSequence[frame.source_frame - 1]
        position = group.PlanePositionSequence[0].ImagePositionPatient
        assert frame.affine[:, 2] == pytest.approx([float(v) for v in position], abs=1e-3)


def affine_of(image: pydicom.Dataset) -> npt.NDArray[np.float64]:
    """From (row, column, 1) of a single-frame image to LPS millimetres (PS3.3 C.7.6.2.1.1)."""
    cosines = np.array(image.ImageOrientationPatient, dtype=np.float64)
    row_mm, column_mm = (float(v) for v in image.PixelSpacing)
    position = np.array(image.ImagePositionPatient, dtype=np.float64)
    return np.column_stack([cosines[3:] * row_mm, cosines[:3] * column_mm, position])


def assert_same_places(found: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> None:
    """Both sets of points are equal, in whatever order, to a hundredth of a millimetre."""
    assert len(found) == len(expected)
    distance, nearest = (np.asarray(one) for one in cKDTree(expected).query(found))
    assert distance.max() < 0.01
    assert len(np.unique(nearest)) == len(expected)
