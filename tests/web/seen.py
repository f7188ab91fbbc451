"""What a reader sees in the viewer, as numbers."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Page

Grey = npt.NDArray[np.floating[Any]]

LEAST_LIGHT = 12
"""Grey of a pixel that belongs to the scan: around it the stage is black."""


def stage(page: Page) -> Grey:
    """The viewer's stage (rows, columns, 3) once two looks are alike: it draws at a later frame."""
    before = _look(page)
    for _ in range(50):
        page.wait_for_timeout(100)
        after = _look(page)
        if np.array_equal(before, after):
            return after
        before = after
    raise AssertionError("the viewer does not come to rest")


def _look(page: Page) -> Grey:
    with Image.open(io.BytesIO(page.locator(".stage").screenshot())) as picture:
        return np.asarray(picture.convert("RGB"), np.float64)


def scan_place(seen: Grey) -> tuple[slice, slice]:
    """Where on the stage the scan is, in a window that shows air grey: black is around it."""
    # Letters and the line of words are thin: a row or column of the scan is light on average.
    light = seen.mean(axis=2)
    rows = np.flatnonzero(np.median(light, axis=1) > LEAST_LIGHT)
    columns = np.flatnonzero(np.median(light, axis=0) > LEAST_LIGHT)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def fitted(picture: Grey, like: Grey) -> Grey:
    """A picture (rows, columns) at the size of another."""
    wanted = (like.shape[1], like.shape[0])
    resized = Image.fromarray(picture.astype(np.float32)).resize(wanted, Image.Resampling.BILINEAR)
    return np.asarray(resized, np.float64)


def likeness(seen: Grey, expected: Grey) -> float:
    """Correlation of a seen picture with one that it should be like, whatever its size."""
    other = fitted(expected, seen)
    return float(np.corrcoef(seen.ravel(), other.ravel())[0, 1])
