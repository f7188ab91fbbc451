"""Missing, irregular, doubled and shifted slices: right, or refused with a reason."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from tests.readers.make import Volume, marked, multiframe, place, save, series, upright

from ctsieve.readers import read_study
from ctsieve.readers._placing import _neighbours, _regular
from ctsieve.types.errors import InputRejected
from ctsieve.types.provenance import PLACES_ASSUMED
from ctsieve.types.volume import CTVolume


def ramp(number: int = 40) -> Volume:
    """Each slice holds ten times its number: interpolation is exact on it."""
    return np.broadcast_to(10 * np.arange(number)[:, None, None], (number, 4, 5)).astype(np.int16)


def read(datasets: list[FileDataset], folder: Path) -> CTVolume:
    volume = read_study(save(datasets, folder))
    assert isinstance(volume, CTVolume)
    return volume


def test_a_missing_slice_is_interpolated_and_said(tmp_path: Path) -> None:
    datasets = series(ramp(), upright())
    del datasets[17]
    volume = read(datasets, tmp_path)
    np.testing.assert_array_equal(volume.hu[:, 0, 0], 10 * np.arange(40))
    assert volume.provenance.slices.count(None) == 1
    assert volume.provenance.slices[17] is None
    assert "1 missing slice interpolated" in volume.provenance.steps


@pytest.mark.parametrize("lost", [range(10, 20), range(3, 40, 5)])
def test_too_many_missing_slices_are_refused(lost: range, tmp_path: Path) -> None:
    datasets = [d for n, d in enumerate(series(ramp(), upright())) if n not in lost]
    with pytest.raises(InputRejected, match="missing"):
        read(datasets, tmp_path)


def test_irregular_spacing_is_resampled_on_a_regular_grid(tmp_path: Path) -> None:
    offsets = np.cumsum(np.tile([1.0, 1.0, 1.6], 12))
    datasets = []
    for number, offset in enumerate(offsets):
        (dataset,) = series(np.full((1, 4, 5), round(10 * offset), np.int16), upright())
        x, y, z = place(upright(), (0, 0, 0))
        dataset.ImagePositionPatient = [f"{x:.4f}", f"{y:.4f}", f"{z - offset:.4f}"]
        dataset.InstanceNumber = number
        datasets.append(dataset)
    volume = read(datasets, tmp_path)
    depth = volume.geometry.to_world([[s, 0, 0] for s in range(len(volume.hu))])[:, 2]
    expected = 10 * (place(upright(), (0, 0, 0))[2] - depth)
    assert np.abs(volume.hu[:, 0, 0] - expected).max() <= 2.0
    assert any("irregular" in step for step in volume.provenance.steps)


@settings(deadline=None)
@given(gaps=st.lists(st.floats(0.9, 1.1), min_size=2, max_size=60))
def test_every_grid_slice_lies_between_its_sources(gaps: list[float]) -> None:
    offsets = np.concatenate([[0.0], np.cumsum(gaps)])
    grid, _ = _regular(offsets)
    assert grid[0] == pytest.approx(0.0)
    assert grid[-1] == pytest.approx(offsets[-1])
    assert np.ptp(np.diff(grid)) < 1e-9
    near, far, weight = _neighbours(grid, offsets)
    for place_mm, a, b, share in zip(grid, near, far, weight, strict=True):
        at = offsets[a] * (1 - share) + offsets[b] * share
        assert at == pytest.approx(place_mm, abs=0.12)


def test_rounded_positions_are_regular(tmp_path: Path) -> None:
    datasets = series(ramp(), upright((0.625, 0.7, 0.7)))
    for dataset in datasets:
        dataset.ImagePositionPatient = [f"{float(x):.1f}" for x in dataset.ImagePositionPatient]
    volume = read(datasets, tmp_path)
    assert None not in volume.provenance.slices
    assert volume.geometry.spacing[0] == pytest.approx(0.625, abs=0.01)


def test_copies_of_a_slice_are_left_out(tmp_path: Path) -> None:
    datasets = series(ramp(), upright())
    volume = read([*datasets, *datasets[4:7]], tmp_path)
    np.testing.assert_array_equal(volume.hu[:, 0, 0], 10 * np.arange(40))
    assert "3 duplicated slices left out" in volume.provenance.steps


@pytest.mark.parametrize("uid", [b"", b"2.25.7", b"not.a.uid"])
def test_instance_uids_are_not_trusted(uid: bytes, tmp_path: Path) -> None:
    datasets = series(ramp(), upright(), SOPInstanceUID="2.25.1234567890123456789")
    folder = save(datasets, tmp_path)
    for path in folder.iterdir():
        old = b"2.25.1234567890123456789"
        path.write_bytes(path.read_bytes().replace(old, uid.ljust(len(old), b"\0")))
    volume = read_study(folder)
    assert volume.geometry.shape == (40, 4, 5)
    named = {source.sop_instance_uid.encode() for source in volume.provenance.slices if source}
    assert named == {uid}


def test_different_images_at_one_place_are_refused(tmp_path: Path) -> None:
    first = series(ramp(), upright(), AcquisitionNumber=None)
    second = series((ramp() + 5).astype(np.int16), upright(), AcquisitionNumber=None)
    with pytest.raises(InputRejected, match="one place"):
        read([*first, *second], tmp_path)


def test_phases_are_told_apart_by_acquisition(tmp_path: Path) -> None:
    first = series(ramp(), upright(), AcquisitionNumber=1)
    second = series((ramp() + 5).astype(np.int16), upright(), AcquisitionNumber=2)
    volume = read([*second, *first, *first[:3]], tmp_path)
    np.testing.assert_array_equal(volume.hu, ramp())
    assert "3 duplicated slices left out" in volume.provenance.steps
    assert [c.chosen for c in volume.provenance.choices] == [True, False]


def test_phases_of_a_multiframe_file_are_told_apart(tmp_path: Path) -> None:
    hu = ramp(20)
    dataset = multiframe(hu, upright(), order=[*range(20), *range(20)])
    for number, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        content = Dataset()
        content.TemporalPositionIndex = 1 + number // 20
        frame.FrameContentSequence = DicomSequence([content])
    later = np.frombuffer(dataset.PixelData, "<i2").reshape(40, *hu.shape[1:]).copy()
    later[20:] += 7
    dataset.PixelData = later.tobytes()
    volume = read([dataset], tmp_path)
    np.testing.assert_array_equal(volume.hu, hu)
    assert [c.summary.rpartition(", ")[2] for c in volume.provenance.choices] == [
        "phase 1 of 2",
        "phase 2 of 2",
    ]


def test_two_parts_of_a_scan_that_overlap_are_one_volume(tmp_path: Path) -> None:
    upper = series(ramp(), upright(), AcquisitionNumber=1)[:21]
    lower = series((ramp() + 1).astype(np.int16), upright(), AcquisitionNumber=2)[20:]
    volume = read([*upper, *lower], tmp_path)
    assert volume.hu[20, 0, 0] == 200
    assert volume.geometry.shape[0] == 40


def test_slices_shifted_sideways_are_refused(tmp_path: Path) -> None:
    datasets = series(ramp(), upright())
    x, y, z = datasets[11].ImagePositionPatient
    datasets[11].ImagePositionPatient = [f"{float(x) + 3:.3f}", y, z]
    with pytest.raises(InputRejected, match="sideways"):
        read(datasets, tmp_path)


@pytest.mark.parametrize("far", ["9e30", "-40000", "1e300", "inf", "nan"])
def test_a_slice_at_an_absurd_place_is_refused(far: str, tmp_path: Path) -> None:
    datasets = series(ramp(), upright())
    for dataset in datasets:
        dataset.ImagePositionPatient = [
            "-31",
            "17",
            f"{float(dataset.ImagePositionPatient[2]):8.1f}",
        ]
    folder = save(datasets, tmp_path)
    path = sorted(folder.iterdir())[20]
    data = path.read_bytes()
    at = data.index(b"-31\\17\\") + len(b"-31\\17\\")
    path.write_bytes(data[:at] + far.encode().ljust(8) + data[at + 8 :])
    with pytest.raises(InputRejected):
        read_study(folder)


def test_slices_side_by_side_are_no_stack(tmp_path: Path) -> None:
    datasets = series(ramp(), upright())
    for number, dataset in enumerate(datasets):
        dataset.ImagePositionPatient = [f"{3 * number}", "0", "0"]
    with pytest.raises(InputRejected, match="side by side"):
        read(datasets, tmp_path)


@pytest.mark.parametrize("how", ["SliceLocation", "InstanceNumber"])
def test_missing_positions_are_assumed_and_said(how: str, tmp_path: Path) -> None:
    datasets = series(ramp(), upright(), ImagePositionPatient=None)
    if how == "SliceLocation":
        for number, dataset in enumerate(datasets):
            dataset.SliceLocation = f"{-2.0 * number:.1f}"
    volume = read(datasets, tmp_path)
    np.testing.assert_array_equal(volume.hu[:, 0, 0], 10 * np.arange(40))
    assert volume.geometry.spacing[0] == pytest.approx(2.0)
    assert any("positions not stated" in step for step in volume.provenance.steps)


def at_one_place(**changes: object) -> list[FileDataset]:
    """Forty numbered slices 2 mm apart that all name the same position."""
    datasets = series(ramp(), upright(), SpacingBetweenSlices="2.0")
    for dataset in datasets:
        dataset.ImagePositionPatient = ["0", "0", "0"]
        for name, value in changes.items():
            setattr(dataset, name, value)
    return datasets


def test_numbered_slices_at_one_place_are_taken_with_a_word(tmp_path: Path) -> None:
    volume = read(list(reversed(at_one_place())), tmp_path)
    np.testing.assert_array_equal(volume.hu[:, 0, 0], 10 * np.arange(40))
    assert volume.geometry.spacing[0] == pytest.approx(2.0)
    assert any(step.startswith(PLACES_ASSUMED) for step in volume.provenance.steps)


def renumbered(number: int) -> list[FileDataset]:
    datasets = at_one_place()
    datasets[7].InstanceNumber = number
    return datasets


def test_times_of_one_place_are_no_scan(tmp_path: Path) -> None:
    datasets = at_one_place()
    for second, dataset in enumerate(datasets):
        dataset.AcquisitionTime = f"1200{second:02d}"
    volume = read(datasets, tmp_path)
    assert volume.geometry.shape[0] == 1
    assert len(volume.provenance.choices) == 40


@pytest.mark.parametrize(
    "datasets",
    [
        at_one_place(SpacingBetweenSlices=None),
        at_one_place(InstanceNumber=1),
        renumbered(41),
        renumbered(3),
    ],
    ids=["no distance", "one number", "a gap", "a number twice"],
)
def test_slices_at_one_place_are_refused_where_their_order_is_a_guess(
    datasets: list[FileDataset], tmp_path: Path
) -> None:
    with pytest.raises(InputRejected, match="one place"):
        read(datasets, tmp_path)


@pytest.mark.parametrize(
    "orientation", [None, ["0"] * 6, ["1", "0", "0", "1", "0", "0"], ["9", "0", "0", "0", "9", "0"]]
)
def test_an_impossible_orientation_is_assumed_and_said(
    orientation: list[str] | None, tmp_path: Path
) -> None:
    volume = read(series(ramp(), upright(), ImageOrientationPatient=orientation), tmp_path)
    np.testing.assert_array_equal(volume.hu, ramp())
    assert any("orientation not stated" in step for step in volume.provenance.steps)


@pytest.mark.parametrize(
    ("missing", "match"),
    [
        (("PixelSpacing",), "how large a pixel"),
        (("ImagePositionPatient", "InstanceNumber"), "where the 9 slices lie"),
    ],
)
def test_what_cannot_be_assumed_is_refused(
    missing: tuple[str, ...], match: str, tmp_path: Path
) -> None:
    datasets = series(marked(), upright(), **dict.fromkeys(missing))
    with pytest.raises(InputRejected, match=match):
        read(datasets, tmp_path)


def test_a_single_slice_without_thickness_is_one_millimetre(tmp_path: Path) -> None:
    volume = read(series(marked()[:1], upright(), SliceThickness=None), tmp_path)
    assert volume.geometry.spacing[0] == 1.0
    assert any("thickness" in step for step in volume.provenance.steps)
