"""The crop rule finds the lungs whatever the window, the table or the frame."""

import numpy as np
import numpy.typing as npt
import pytest

from ctsieve.ops.crop import crop_box, find_frame

Floats = npt.NDArray[np.float32]


def chest(*, air: float = 0.1, lung: float = 0.25, tissue: float = 0.9, size: int = 200) -> Floats:
    """A body ellipse with two lungs (rows 70-130, columns 45-155 of 200) above a thin table."""
    row, column = np.mgrid[:200, :200].astype(np.float32)

    def ellipse(r: float, c: float, height: float, width: float) -> npt.NDArray[np.bool_]:
        return np.asarray(((row - r) / height) ** 2 + ((column - c) / width) ** 2 < 1.0)

    picture = np.full((200, 200), air, dtype=np.float32)
    picture[175:178, 20:180] = tissue
    picture[ellipse(100, 100, 60, 80)] = tissue
    picture[ellipse(100, 65, 30, 20) | ellipse(100, 135, 30, 20)] = lung
    step = 200 // size
    return picture[::step, ::step]


@pytest.mark.parametrize(
    ("air", "lung", "tissue"), [(0.0, 0.1, 0.6), (0.2, 0.3, 1.0), (0.0, 0.0, 0.5)]
)
def test_lungs_are_found_in_every_window(air: float, lung: float, tissue: float) -> None:
    frame = find_frame(chest(air=air, lung=lung, tissue=tissue))
    assert frame.found == "lungs"
    assert np.allclose(frame.box, ((70, 45), (130, 155)), atol=4.0)


def test_a_white_frame_and_a_label_change_little() -> None:
    picture = chest()
    picture[:3], picture[-3:], picture[:, :3], picture[:, -3:] = 1.0, 1.0, 1.0, 1.0
    picture[8:20, 8:14] = 1.0
    frame = find_frame(picture)
    assert frame.found == "lungs"
    assert np.allclose(frame.box, ((70, 45), (130, 155)), atol=4.0)


def test_the_body_is_taken_where_there_are_no_lungs() -> None:
    picture = chest(lung=0.9)
    frame = find_frame(picture)
    assert frame.found == "body"
    assert np.allclose(frame.box, ((40, 20), (160, 180)), atol=4.0)


def test_a_flat_picture_is_taken_whole() -> None:
    assert find_frame(np.full((30, 50), 0.5, np.float32)).found == "whole"
    assert crop_box(chest()[None], "whole") is None


def test_the_box_does_not_depend_on_the_resolution() -> None:
    fine = np.array(find_frame(chest()).box)
    coarse = np.array(find_frame(chest(size=100)).box)
    assert np.allclose(fine, 2 * coarse, atol=6.0)


def test_a_scan_gets_one_box_that_holds_every_slice_s_lungs() -> None:
    shifted = np.roll(chest(), 10, axis=1)
    box = crop_box(np.stack([chest(), shifted, chest(lung=0.9)]), "lungs")
    assert box is not None
    assert np.allclose(box, ((70, 45), (130, 165)), atol=4.0)


def close_figure() -> Floats:
    """Two lungs whose left one (in the picture) meets the edges, as in figures cut too close."""
    picture = chest()[68:132, 48:165]
    picture[:, :40] = np.where(picture[:, :40] > 0.5, 0.25, picture[:, :40])
    return picture


def test_one_lung_that_is_cut_off_by_the_edge_does_not_take_the_other_away() -> None:
    picture = close_figure()
    frame = find_frame(picture)
    assert frame.found == "whole"
    assert frame.box == ((0.0, 0.0), (64.0, 117.0))


def test_of_one_dense_lung_the_whole_body_is_kept() -> None:
    """A lung without air is as bright as the wall: its disease must stay in the picture."""
    picture = chest()
    picture[70:131, 44:86] = 0.9
    frame = find_frame(picture)
    assert frame.found == "body"
    assert np.allclose(frame.box, ((40, 20), (160, 180)), atol=4.0)
