"""One look at an image for an audit: what a model could learn from it that is not disease.

Facts are words (pixel mode, scanner, ...) and numbers (size, shades, spacing, ...).  The picture
around the lungs is what is left when the box of the lungs is painted over: what a model that
knows a source by its frame, marks, table or body shape would see.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.ops.crop import find_frame
from ctsieve.ops.fingerprint import fingerprint
from ctsieve.ops.prepare import Box, slice_values
from ctsieve.ops.resample import resample
from ctsieve.ops.window import LUNG
from ctsieve.types.geometry import Geometry
from ctsieve.types.volume import CTPicture, CTVolume

Floats = npt.NDArray[np.float32]

AROUND = 24
"""Rows and columns of the picture around the lungs."""
MARGIN = 0.1
"""How far beyond the lungs' box is painted over, as a share of its sides."""
MIDDLE: Box = ((0.15, 0.1), (0.85, 0.9))
"""The box painted over where no lungs are found, as shares of the picture."""
NONE = "none"
"""The word for what a file does not have: a DICOM slice's pixel mode, a picture's scanner."""
SHADES = (1, 25, 50, 75, 99)
"""Percentiles of the display values that stand for a picture's window."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """What one look at a case found."""

    digest: str
    """SHA-256 of what was read."""
    words: Mapping[str, str]
    numbers: Mapping[str, tuple[float, ...]]
    fingerprint: Floats
    """(D,) of the middle slice."""
    around: Floats
    """(AROUND * AROUND,) of the middle slice, in [0, 1]."""


def look_at(image: CTVolume | CTPicture) -> Look:
    """Look at an upright image; of a scan, its middle slice stands for its pictures."""
    values = slice_values(image, image.geometry.shape[0] // 2, LUNG)
    return Look(
        digest=image.provenance.digest,
        words=_words(image),
        numbers=_numbers(image, values),
        fingerprint=fingerprint(values),
        around=around_lungs(values),
    )


def _words(image: CTVolume | CTPicture) -> dict[str, str]:
    made = image.provenance.acquisition
    scanner = " ".join(filter(None, (made.manufacturer, made.model_name, made.kernel)))
    return {
        "file-format": made.picture_format or image.provenance.reader,
        "picture-mode": made.picture_mode or NONE,
        "scanner": scanner or NONE,
    }


def _numbers(image: CTVolume | CTPicture, values: Floats) -> dict[str, tuple[float, ...]]:
    slices, rows, columns = image.geometry.shape
    facts: dict[str, tuple[float, ...]] = {
        "picture-size": (float(slices), float(rows), float(columns), columns / rows),
        "coloured-marks": (image.provenance.acquisition.coloured_fraction,),
    }
    if isinstance(image, CTVolume):
        facts["spacing"] = image.geometry.spacing
    else:
        facts["window"] = tuple(float(v) for v in np.percentile(values, SHADES))
    return facts


def around_lungs(values: Floats) -> Floats:
    """A small picture (AROUND * AROUND,) of `values` (R, C) with the lungs' box painted over.

    The paint is the mean of what is left, so that it says nothing of the lungs.
    """
    (top, left), (bottom, right) = _lungs_box(values)
    hidden = np.zeros(values.shape, dtype=np.bool_)
    hidden[top:bottom, left:right] = True
    seen = values[~hidden]
    painted = np.where(hidden, seen.mean() if seen.size else 0.0, values).astype(np.float32)
    flat = Geometry.of_picture((1, *values.shape), "around")
    target = flat.window_of((0, 0, 0), (1, *values.shape), (1, AROUND, AROUND))
    return np.asarray(resample(painted[None], source=flat, target=target)).ravel()


def _lungs_box(values: Floats) -> tuple[tuple[int, int], tuple[int, int]]:
    rows, columns = values.shape
    frame = find_frame(values)
    if frame.found == "lungs":
        (top, left), (bottom, right) = frame.box
        down, across = MARGIN * (bottom - top), MARGIN * (right - left)
        start, stop = (top - down, left - across), (bottom + down, right + across)
    else:
        start = (MIDDLE[0][0] * rows, MIDDLE[0][1] * columns)
        stop = (MIDDLE[1][0] * rows, MIDDLE[1][1] * columns)
    return (
        (max(0, int(start[0])), max(0, int(start[1]))),
        (min(rows, int(np.ceil(stop[0]))), min(columns, int(np.ceil(stop[1])))),
    )
