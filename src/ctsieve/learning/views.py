"""A case becomes bytes: read, turned upright, windowed, cut and resized as production does it.

The bytes are what every family trains on: slices R x C of 0..255, under one or several windows.
Label maps (masks) go through the same cut with the nearest pixel, so their values stay labels.

Shapes   W windows, S slices, R rows, C columns of the prepared slices.
"""

import hashlib
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from ctsieve.ops.crop import crop_box
from ctsieve.ops.gate import gate_and_lungs
from ctsieve.ops.judge import judged_box
from ctsieve.ops.lungs import lung_slices
from ctsieve.ops.prepare import Box, Prepared, prepare, slice_values
from ctsieve.ops.upright import upright
from ctsieve.readers import read_labels, read_study
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.types.geometry import Geometry
from ctsieve.types.recipe import InputSpec, WindowSpec
from ctsieve.types.volume import CTPicture, CTVolume, Window

Image = CTVolume | CTPicture
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

DICOM_SUFFIXES = frozenset({".dcm", ".ima", ""})
"""Files of a scan with these are slices of one series; their order is in their headers."""


class PrepareSettings(BaseModel):
    """What decides the bytes of a case."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    input: InputSpec = InputSpec(size=(256, 256), crop="lungs")
    """Size, crop rule, margin and normalisation, as a recipe says them."""
    windows: Annotated[tuple[WindowSpec, ...], Field(min_length=1)] = (InputSpec().window,)
    """Windows under which images in Hounsfield units are kept; a picture is kept as it is."""
    slices: Literal["all", "lungs"] = "all"
    """Which slices of a scan: all, or those that show lungs, as in screening."""
    box: bool = False
    """Cut along the publisher's box where a case has one, instead of by the crop rule."""
    masks: bool = True
    """Keep the masks of cases that have one."""


class CaseViews(NamedTuple):
    """The prepared bytes of one case."""

    pixels: Bytes
    """(W, S, R, C); a picture has one window."""
    masks: Bytes
    """(S, R, C) of labels; (0, R, C) where there is no mask."""
    digest: str
    """SHA-256 of what was read."""


def case_views(case: Case, settings: PrepareSettings) -> CaseViews:
    """Read and prepare one case.

    Raises:
        InputRejected: the image or its mask cannot be read, or the mask does not fit the image.
    """
    parts = [_part(image, case, settings) for image in case_images(case)]
    pixels = np.concatenate([views for views, _, _ in parts], axis=1)
    grids = [(image, prepared) for _, image, prepared in parts]
    digests = "\n".join(image.provenance.digest for _, image, _ in parts)
    masks = np.zeros((0, *settings.input.size), dtype=np.uint8)
    if settings.masks and case.mask is not None:
        masks = np.concatenate([_labels(case, image, prepared) for image, prepared in grids])
    digest = hashlib.sha256(digests.encode()).hexdigest()
    return CaseViews(pixels=pixels, masks=masks, digest=digest)


def case_images(case: Case) -> Iterator[Image]:
    """The images of a case, upright: one, or the pictures of a scan one by one.

    A scan is one image when it is one file, DICOM, or a folder of its own; pictures that share a
    folder with other scans are read one by one, since each may have a size of its own.

    Raises:
        InputRejected: an image cannot be read.
    """
    folder = case.files[0].parent
    if len(case.files) == 1:
        yield upright(read_study(case.files[0], workers=1), case.quarter_turns)
    elif case.files[0].suffix.lower() in DICOM_SUFFIXES or set(case.files) == set(folder.iterdir()):
        yield upright(read_study(folder, workers=1), case.quarter_turns)
    else:
        for path in case.files:
            yield upright(read_study(path, workers=1), case.quarter_turns)


def _part(image: Image, case: Case, settings: PrepareSettings) -> tuple[Bytes, Image, Prepared]:
    """Views (W, S, R, C) of one image of a case, the image, and its grid."""
    windows = settings.windows if isinstance(image, CTVolume) else (settings.input.window,)
    keep = np.ones(image.geometry.shape[0], dtype=np.bool_)
    lungs: Mask | None = None
    if keep.size > 1:
        _, lungs = gate_and_lungs(image)
        if settings.slices == "lungs" and lungs.any():
            keep = lung_slices(lungs)
    views = []
    for window in windows:
        spec = settings.input.model_copy(update={"window": window})
        box = _box(image, case, spec, (keep, lungs), own=settings.box)
        prepared = prepare(image, spec, keep=keep, box=box)
        views.append(np.rint(prepared.x[:, 0] * 255.0).astype(np.uint8))
    return np.stack(views), image, prepared


def _box(
    image: Image, case: Case, spec: InputSpec, seen: tuple[Mask, Mask | None], *, own: bool
) -> Box | None:
    """What is cut out of every slice: the publisher's box, or what the crop rule finds."""
    if own and case.box is not None:
        left, top, right, bottom = _turned(case.box, image.geometry.shape, case.quarter_turns)
        return (top, left), (bottom, right)
    keep, lungs = seen
    if lungs is not None:
        return judged_box(image, lungs, keep, spec)
    window = Window(centre=spec.window.centre, width=spec.window.width)
    return crop_box(slice_values(image, 0, window)[None], spec.crop)


def _turned(
    box: tuple[int, int, int, int], shape: tuple[int, int, int], quarter_turns: int
) -> tuple[int, int, int, int]:
    """A box (column, row, column, row) of the file, on the picture that was turned clockwise."""
    _, rows, columns = shape if quarter_turns % 2 == 0 else (shape[0], shape[2], shape[1])
    for _ in range(quarter_turns % 4):
        left, top, right, bottom = box
        box = (rows - bottom, left, rows - top, right)
        rows, columns = columns, rows
    return box


def _labels(case: Case, image: Image, prepared: Prepared) -> Bytes:
    """The labels (S, R, C) of a case's mask at the pixels of the prepared slices."""
    labels = drawn_labels(case, image)
    rows, columns = nearest_pixels(image.geometry, prepared.grid)
    return np.ascontiguousarray(labels[prepared.index][:, rows][:, :, columns])


def drawn_labels(case: Case, image: Image) -> Bytes:
    """The labels of a case's mask on the grid of its (upright) image, (slices, rows, columns).

    Raises:
        InputRejected: the case has no mask, or it cannot be read or is of another size.
    """
    if case.mask is None:
        raise InputRejected(f"case {case.id!r} has no mask")
    drawn = upright(read_labels(case.mask, workers=1), case.quarter_turns)
    if drawn.geometry.shape != image.geometry.shape:
        raise UnreadableStudy(
            f"the mask of case {case.id!r} is {drawn.geometry.shape[1:]} pixels large, its image "
            f"{image.geometry.shape[1:]}",
            hint="a mask has one pixel for each of its image's",
        )
    if isinstance(drawn, CTPicture):
        return np.asarray(np.rint(drawn.values * 255.0), dtype=np.uint8)
    return np.asarray(np.clip(drawn.hu, 0, 255), dtype=np.uint8)


def nearest_pixels(
    source: Geometry, target: Geometry
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows (R,) and columns (C,) of `source` nearest to those of `target`, its axes alike."""
    mapping = np.linalg.inv(source.affine) @ target.affine
    found = []
    for axis in (1, 2):
        centres = mapping[axis, axis] * np.arange(target.shape[axis]) + mapping[axis, 3]
        nearest = np.rint(centres).astype(np.int64)
        found.append(np.clip(nearest, 0, source.shape[axis] - 1))
    return found[0], found[1]
