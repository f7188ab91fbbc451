"""NIfTI files lie where the study lies, in other people's software too."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.nifti1 import Nifti1Image
from scipy.spatial.transform import Rotation
from tests.writers.screenings import instances, picture, rejected, scan, tiny

from ctsieve.types.errors import UsageError
from ctsieve.types.geometry import CANONICAL_AXES, Geometry
from ctsieve.writers import nifti

SHAPE = (5, 7, 6)
LPS_FROM_RAS = np.array([-1.0, -1.0, 1.0])

angles = st.tuples(*[st.floats(-25.0, 25.0)] * 3)
spacings = st.tuples(st.floats(0.5, 8.0), st.floats(0.3, 2.0), st.floats(0.3, 2.0))
origins = st.tuples(*[st.floats(-500.0, 500.0)] * 3)
shears = st.sampled_from([0.0, 0.0, 0.2, -0.4])
voxels = st.tuples(*[st.integers(0, n - 1) for n in SHAPE])
Triple = tuple[float, float, float]
Voxel = tuple[int, int, int]


def oblique(angle: Triple, spacing: Triple, origin: Triple, shear: float) -> Geometry:
    """A canonical grid, turned by `angle` degrees, its slices leaning by `shear` (gantry tilt)."""
    turn = Rotation.from_euler("xyz", angle, degrees=True).as_matrix()
    axes = turn @ CANONICAL_AXES
    axes[:, 0] += shear * axes[:, 1]
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = origin
    return Geometry(SHAPE, affine, "1.2.3")


@settings(deadline=None, max_examples=60)
@given(angles, spacings, origins, shears, voxels)
def test_the_marked_voxel_keeps_its_millimetres(
    tmp_path_factory: pytest.TempPathFactory,
    angle: Triple,
    spacing: Triple,
    origin: Triple,
    shear: float,
    voxel: Voxel,
) -> None:
    geometry = oblique(angle, spacing, origin, shear)
    paths = nifti.write(tiny(geometry, voxel), tmp_path_factory.mktemp("nifti"))
    assert [path.name for path in paths] == ["heat.nii.gz", "lungs.nii.gz"]
    for path in paths:
        image = Nifti1Image.from_filename(path)
        values = np.asarray(image.dataobj)
        found = np.unravel_index(values.argmax(), values.shape)
        ras = (image.affine @ (*found, 1))[:3]
        assert ras * LPS_FROM_RAS == pytest.approx(geometry.to_world(voxel)[0], abs=1e-3)
        assert values.max() == pytest.approx(1.0, abs=1e-6)
        assert np.count_nonzero(values) == 1


@settings(deadline=None, max_examples=60)
@given(angles, spacings, origins, shears)
def test_viewers_that_read_the_qform_see_the_same_place_or_none(
    tmp_path_factory: pytest.TempPathFactory,
    angle: Triple,
    spacing: Triple,
    origin: Triple,
    shear: float,
) -> None:
    geometry = oblique(angle, spacing, origin, shear)
    path, _ = nifti.write(tiny(geometry, (0, 0, 0)), tmp_path_factory.mktemp("nifti"))
    header = Nifti1Image.from_filename(path).header
    assert int(header["sform_code"]) == 1
    assert int(header["qform_code"]) == (0 if shear else 1)
    if not shear:
        # 500 voxels away from the origin, the far end of a real scan.
        far = np.array([500.0, 500.0, 500.0, 1.0])
        qform, sform = header.get_qform(), header.get_sform()  # type: ignore[no-untyped-call]
        apart = (qform - sform) @ far
        # viewers derive the quaternion's first number from the others, which are kept in 32 bits:
        # near a half turn, as here, that is good to about sqrt(2 ** -23) = 3.5e-4 radians
        assert np.abs(apart[:3]).max() < 0.5 * max(spacing)


def test_heat_is_small_and_near(tmp_path: Path) -> None:
    screening = scan()
    assert screening.explanation is not None
    heat_file, _ = nifti.write(screening, tmp_path)
    image = Nifti1Image.from_filename(heat_file)
    assert int(image.header["datatype"]) == nifti.UINT8
    assert int(image.header["xyzt_units"]) == nifti.MILLIMETRES
    heat = screening.explanation.heat.astype(np.float64).transpose(2, 1, 0)
    assert np.abs(np.asarray(image.dataobj) - heat).max() <= 1 / 510 + 1e-6
    assert heat_file.stat().st_size < heat.size


def test_lungs_are_the_mask(tmp_path: Path) -> None:
    screening = scan()
    assert screening.lungs is not None
    _, lungs_file = nifti.write(screening, tmp_path)
    stored = np.asarray(Nifti1Image.from_filename(lungs_file).dataobj)
    assert (stored == screening.lungs.transpose(2, 1, 0)).all()


def test_the_archive_names_no_time_and_no_file(tmp_path: Path) -> None:
    path, _ = nifti.write(scan(), tmp_path)
    data = path.read_bytes()
    assert data[3] == 0  # no flags: no name, no comment
    assert data[4:8] == bytes(4)  # no time
    assert gzip.decompress(data)[344:347] == b"n+1"


def test_what_is_absent_is_not_written(tmp_path: Path) -> None:
    assert nifti.write(rejected(), tmp_path) == []


def test_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="millimetres"):
        nifti.write(picture(), tmp_path)


def test_lesions_are_numbered_by_kind_where_they_lie(tmp_path: Path) -> None:
    screening = instances()
    nifti.write(screening, tmp_path)
    image = Nifti1Image.from_filename(tmp_path / "lesions.nii.gz")
    values = np.asarray(image.dataobj).transpose(2, 1, 0)
    assert set(np.unique(values)) == {0.0, 1.0, 2.0}
    for lesion in screening.lesion_instances:
        place = tuple(slice(a, b) for a, b in zip(lesion.start, lesion.stop, strict=True))
        number = ["ggo", "consolidation"].index(lesion.kind) + 1
        assert (values[place][lesion.mask] >= number).all()
    voxels = sum(int(one.mask.sum()) for one in screening.lesion_instances if one.kind == "ggo")
    assert (values == 1.0).sum() <= voxels
